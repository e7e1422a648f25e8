"""Short hashes of the inputs of cached features."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from torch import nn

from mdsm_ros.dataset.format import Dataset


def _digest(parts: Iterable[bytes]) -> str:
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "big") + part)
    return state.hexdigest()[:16]


def of_module(module: nn.Module) -> str:
    """Returns the hash of a module's weights."""
    state = module.state_dict()
    return _digest(part for name in sorted(state) for part in (name.encode(), state[name].cpu().numpy().tobytes()))


def of_images(data: Dataset, image_ids: Sequence[int]) -> str:
    """Returns the hash of the images' names and file sizes, in order."""
    names = [data.images[image_id].file_name for image_id in image_ids]
    return _digest(f"{name} {(data.root / name).stat().st_size}".encode() for name in names)


def of_texts(texts: Sequence[str]) -> str:
    """Returns the hash of sentences, in order."""
    return _digest(text.encode() for text in texts)
