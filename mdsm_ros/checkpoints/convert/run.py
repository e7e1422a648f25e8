"""``mdsm convert``: makes a model folder from a foreign checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdsm_ros.checkpoints.convert.checkpoint import read_checkpoint
from mdsm_ros.errors import WeightsError
from mdsm_ros.files import whole_folder, write_text
from mdsm_ros.hub.folder import CONFIG_FILE, OWN_FILES, TOKENIZER_FILE
from mdsm_ros.models.base import HubModel
from mdsm_ros.models.families import trained_families
from mdsm_ros.models.family import Conversion, resolve

CARD = """---
license: {license}
library_name: mdsm_ros
pipeline_tag: image-segmentation
tags: [referring-segmentation]
---

# {title}

Converted by `mdsm convert` from `{name}` (SHA-256 `{digest}`), a checkpoint of {origin}.
The weights are the authors', under their terms; this folder contains them in half precision.

- It always answers with a mask: the model knows no "not in view", so the present probability is a constant 1.
- Images are resized to {size}x{size} pixels, without keeping the aspect ratio.
- Instructions are cut at {tokens} tokens, including special tokens.
"""


def convert(checkpoint: Path, out: Path, *, kind: str | None = None, language: str | None = None) -> str:
    """Writes the model folder and returns a line that describes the model.

    Args:
        checkpoint: Path of the ``.pth`` file.
        out: Folder to write.
        kind: Model type, "lavt" or "vpd"; None infers it from the content.
        language: Hub id or folder of the parts that the checkpoint lacks: BERT's tokenizer for LAVT, CLIP's tokenizer
            and text encoder for VPD. None takes BERT-base-uncased or CLIP ViT-L/14, from the hub or its cache.

    Raises:
        WeightsError: The checkpoint is damaged, not of this type, or not fully convertible; or ``out`` contains a
            model.
    """
    _expect_new(out)
    content = read_checkpoint(checkpoint)
    kind, conversion = _recognize(checkpoint, content, kind)
    model: HubModel = resolve(conversion.convert)(content, language or conversion.language)
    card = CARD.format(
        license=conversion.licence,
        title=conversion.title,
        name=checkpoint.name,
        digest=_sha256(checkpoint),
        origin=conversion.origin,
        size=model.config.image_size,
        tokens=model.config.max_tokens,
    )
    with whole_folder(out) as partial:
        write_text(partial / "README.md", card)
        model.save_pretrained(partial)
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    return f"{kind}, {millions:.1f} million parameters, {model.config.image_size} pixels: {out}"


def _expect_new(out: Path) -> None:
    """Checks that no file of the user's is replaced; an incomplete model left by a killed run may be replaced."""
    found = list(out.iterdir()) if out.is_dir() else []
    whole = all((out / name).exists() for name in (CONFIG_FILE, TOKENIZER_FILE)) and any(out.glob("*.safetensors"))
    if whole:
        raise WeightsError(f"folder {out} already contains a model, expected a new folder")
    others = [path.name for path in found if not any(path.match(pattern) for pattern in (*OWN_FILES, "README.md"))]
    if others:
        raise WeightsError(f"folder {out} contains {others[0]}, expected a new or an empty folder")


def _recognize(checkpoint: Path, content: Mapping[str, Any], kind: str | None) -> tuple[str, Conversion]:
    """The requested model type, or the one whose layout the content has; and its conversion."""
    conversions = {family.name: family.conversion for family in trained_families() if family.conversion is not None}
    for name, conversion in conversions.items():
        if kind == name or (kind is None and resolve(conversion.recognizes)(content)):
            return name, conversion
    raise WeightsError(f"checkpoint {checkpoint} has the layout of neither {' nor '.join(map(str.upper, conversions))}")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
