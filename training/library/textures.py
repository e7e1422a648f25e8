"""Photographs of materials for walls, floors and cloth, and pictures for walls, out of the sources."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps

from mdsm_ros.errors import DatasetError
from mdsm_ros.library import store
from training.library.mesh.wavefront import TEXTURE_SIZE
from training.library.sources import Files
from training.library.texture_groups import GROUPS


def convert_textures(sources: Sequence[Files], folder: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Writes the textures that the sources hold, with the longer side at most 512 pixels.

    Returns:
        Names by group, sorted; and reasons by file of what could not be used.
    """
    where = {path.lower(): files for files in sources for path in files.names}
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    failed: dict[str, str] = {}
    for group, endings in GROUPS.items():
        for ending in endings:
            path = next((path for path in where if f"/{path}".endswith(f"/{ending.lower()}")), None)
            if path is None:
                continue
            name = re.sub(r"[^\w-]+", "_", f"{group}-{PurePosixPath(ending).with_suffix('')}")
            try:
                _write(where[path].read(path), folder / store.TEXTURES_FOLDER / f"{name}.jpg")
                found[group].append(name)
            except (DatasetError, OSError, SyntaxError, ValueError) as error:
                failed[ending] = str(error)
    return {group: sorted(names) for group, names in found.items()}, failed


def _write(data: bytes, path: Path) -> None:
    if path.exists():
        return
    with Image.open(io.BytesIO(data)) as picture:
        pixels = ImageOps.exif_transpose(picture).convert("RGB")
    pixels.thumbnail((TEXTURE_SIZE, TEXTURE_SIZE), Image.Resampling.LANCZOS)
    store.write_atomically(path, store.encode_picture(np.array(pixels)))
