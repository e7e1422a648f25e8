"""``mdsm convert``: a foreign checkpoint to a model folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdsm_ros.checkpoints.convert.checkpoint import read_checkpoint
from mdsm_ros.errors import WeightsError
from mdsm_ros.hub.folder import CONFIG_FILE
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
        kind: Model type, "lavt" or "vpd"; None goes by the content.
        language: hub id or folder of what is not in the checkpoint: for LAVT BERT's tokenizer, for VPD CLIP's tokenizer
            and text encoder. None: of BERT-base-uncased and of CLIP ViT-L/14, from the hub or its cache.

    Raises:
        WeightsError: the checkpoint is damaged, no such model, or would lose something; ``out`` holds a model.
    """
    if (out / CONFIG_FILE).exists():
        raise WeightsError(f"folder {out} holds a model already, expected a new one")
    content = read_checkpoint(checkpoint)
    kind, conversion = _recognize(checkpoint, content, kind)
    model: HubModel = resolve(conversion.convert)(content, language or conversion.language)
    _expect_half_precision(model)
    model.save_pretrained(out)
    card = CARD.format(
        license=conversion.licence,
        title=conversion.title,
        name=checkpoint.name,
        digest=_sha256(checkpoint),
        origin=conversion.origin,
        size=model.config.image_size,
        tokens=model.config.max_tokens,
    )
    (out / "README.md").write_text(card, encoding="utf-8")
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    return f"{kind}, {millions:.1f} million parameters, {model.config.image_size} pixels: {out}"


def _recognize(checkpoint: Path, content: Mapping[str, Any], kind: str | None) -> tuple[str, Conversion]:
    """The model type that was asked for, or the one whose layout the content has; and how it is converted."""
    conversions = {family.name: family.conversion for family in trained_families() if family.conversion is not None}
    for name, conversion in conversions.items():
        if kind == name or (kind is None and resolve(conversion.recognizes)(content)):
            return name, conversion
    raise WeightsError(f"checkpoint {checkpoint} has the layout of neither {' nor '.join(map(str.upper, conversions))}")


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
