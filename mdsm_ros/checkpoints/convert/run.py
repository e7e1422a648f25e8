"""``mdsm convert``: a foreign checkpoint to a model folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mdsm_ros.checkpoints.convert.checkpoint import read_checkpoint
from mdsm_ros.checkpoints.convert.lavt import convert_lavt, is_lavt
from mdsm_ros.checkpoints.convert.vpd import convert_vpd, is_vpd
from mdsm_ros.checkpoints.diffusion_checkpoint import load_clip_tokenizer, load_text_encoder
from mdsm_ros.checkpoints.pretrained import load_bert_tokenizer
from mdsm_ros.errors import WeightsError
from mdsm_ros.files import whole_folder, write_text
from mdsm_ros.hub.folder import CONFIG_FILE, OWN_FILES, TOKENIZER_FILE
from mdsm_ros.models.base import HubModel

LANGUAGE = {"lavt": "google-bert/bert-base-uncased", "vpd": "openai/clip-vit-large-patch14"}
ORIGINS = {
    "lavt": ("gpl-3.0", "LAVT (arXiv 2112.02244)", "https://github.com/yz93/LAVT-RIS, whose code is GPLv3"),
    "vpd": ("mit", "VPD (arXiv 2303.02153)", "https://github.com/wl-zhao/VPD, whose code has the MIT licence"),
}

CARD = """---
license: {license}
library_name: mdsm_ros
pipeline_tag: image-segmentation
tags: [referring-segmentation]
---

# {title}

Converted by `mdsm convert` from `{name}` (SHA-256 `{digest}`), a checkpoint of {origin}.
The weights are those of its authors, under their terms; this folder holds them in half precision.

- It always answers with a mask: the model knows no "not in view", so the present probability is a constant 1.
- Images are resized straight to {size}x{size} pixels.
- Instructions are cut at {tokens} tokens, special ones included.
"""


def convert(checkpoint: Path, out: Path, *, kind: str | None = None, language: str | None = None) -> str:
    """Writes the model folder and says what became of the checkpoint.

    Args:
        checkpoint: ``.pth`` file.
        out: folder to write.
        kind: "lavt" or "vpd"; None goes by the content.
        language: hub id or folder of what is not in the checkpoint: for LAVT BERT's tokenizer, for VPD CLIP's tokenizer
            and text encoder. None: of BERT-base-uncased and of CLIP ViT-L/14, from the hub or its cache.

    Raises:
        WeightsError: the checkpoint is damaged, no such model, or would lose something; ``out`` holds a model.
    """
    _expect_new(out)
    content = read_checkpoint(checkpoint)
    if kind is None:
        kind = next((name for name, fits in (("lavt", is_lavt), ("vpd", is_vpd)) if fits(content)), None)
    if kind is None:
        raise WeightsError(f"checkpoint {checkpoint} has the layout of neither LAVT nor VPD")
    language = language or LANGUAGE[kind]
    model: HubModel
    if kind == "lavt":
        model = convert_lavt(content, load_bert_tokenizer(language))
    else:
        model = convert_vpd(content, load_text_encoder(language), load_clip_tokenizer(language, subfolder=""))
    license_id, title, origin = ORIGINS[kind]
    card = CARD.format(
        license=license_id,
        title=title,
        name=checkpoint.name,
        digest=_sha256(checkpoint),
        origin=origin,
        size=model.config.image_size,
        tokens=model.config.max_tokens,
    )
    with whole_folder(out) as partial:
        write_text(partial / "README.md", card)
        model.save_pretrained(partial)
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    return f"{kind}, {millions:.1f} million parameters, {model.config.image_size} pixels: {out}"


def _expect_new(out: Path) -> None:
    """Nothing of the user's is replaced; half a model, which an earlier version left when it was killed, is."""
    found = list(out.iterdir()) if out.is_dir() else []
    whole = all((out / name).exists() for name in (CONFIG_FILE, TOKENIZER_FILE)) and any(out.glob("*.safetensors"))
    if whole:
        raise WeightsError(f"folder {out} holds a model already, expected a new one")
    others = [path.name for path in found if not any(path.match(pattern) for pattern in (*OWN_FILES, "README.md"))]
    if others:
        raise WeightsError(f"folder {out} holds {others[0]}, expected a new or an empty folder")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
