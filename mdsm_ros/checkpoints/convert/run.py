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
from mdsm_ros.hub.folder import CONFIG_FILE
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
    if (out / CONFIG_FILE).exists():
        raise WeightsError(f"folder {out} holds a model already, expected a new one")
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
    _expect_half_precision(model)
    model.save_pretrained(out)
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
    (out / "README.md").write_text(card, encoding="utf-8")
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    return f"{kind}, {millions:.1f} million parameters, {model.config.image_size} pixels: {out}"


def _expect_half_precision(model: HubModel) -> None:
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not value.half().isfinite().all():
            raise WeightsError(f"{name} has values that half precision, in which models are saved, cannot hold")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
