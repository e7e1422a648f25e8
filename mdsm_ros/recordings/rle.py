"""Masks as run-length codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask


def encode(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """COCO run-length encoding, as JSON-compatible values."""
    code = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(map(int, code["size"])), "counts": code["counts"].decode()}


def decode(code: Mapping[str, Any]) -> NDArray[np.bool_]:
    """The mask (H, W) of a code that :func:`encode` gave.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: It is no such code.
    """
    values = coco_mask.decode({"size": list(code["size"]), "counts": code["counts"].encode("ascii")})
    return np.asarray(values, dtype=bool)
