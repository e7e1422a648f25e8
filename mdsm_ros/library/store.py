"""The files of the library's cache: one archive per model, one image per texture, one index.

None of them contains a pickle, and each is written atomically, so an interrupted conversion leaves only complete files.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.errors import DatasetError, LibraryMissing
from mdsm_ros.files import cache_folder
from mdsm_ros.library.shapes import Patch, Shape, Surface

FORMAT = 1
INDEX_FILE = "index.json"
MODELS_FOLDER = "models"
TEXTURES_FOLDER = "textures"
CREDITS_FOLDER = "credits"
COMMAND = "mdsm-data library"
JPEG_QUALITY = 92
ARRAYS = ("vertices", "normals", "faces", "texcoords")


def default_folder() -> Path:
    """The folder of the library in the user's cache, see :func:`mdsm_ros.files.cache_folder`."""
    return cache_folder("library")


def read_index(folder: Path) -> dict[str, Any]:
    """Reads the index of the cache.

    Raises:
        LibraryMissing: There is no finished conversion.
    """
    path = folder / INDEX_FILE
    if not path.exists():
        state = "is unfinished" if (folder / MODELS_FOLDER).exists() else "does not exist"
        raise LibraryMissing(f"the library of models in {folder} {state}; this makes it: {COMMAND}{_option(folder)}")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(index, dict):
            raise ValueError(f"it holds {type(index).__name__}")
    except (OSError, RecursionError, ValueError) as error:
        raise LibraryMissing(f"{path} is damaged ({error}); this repairs it: {COMMAND}{_option(folder)}") from error
    if index.get("format") != FORMAT:
        found = f"{path} has format {index.get('format')}, expected {FORMAT}"
        raise LibraryMissing(f"{found}; this makes it anew: {COMMAND}{_option(folder)}")
    return dict(index)


def _option(folder: Path) -> str:
    return "" if folder == default_folder() else f" --cache {folder}"


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:  # a full disk: half a file is of no use
        part.unlink(missing_ok=True)
        raise


def model_path(folder: Path, model_id: str) -> Path:
    """The path of a model's archive."""
    return folder / MODELS_FOLDER / f"{model_id}.npz"


def pack(shape: Shape, facts: dict[str, Any]) -> bytes:
    """A shape, and facts about it, as the bytes of an archive; deterministic."""
    arrays: dict[str, NDArray[Any]] = {}
    for i, patch in enumerate(shape.patches):
        for name in ARRAYS:
            arrays[f"{name}_{i}"] = getattr(patch, name)
        if patch.texture is not None:
            arrays[f"texture_{i}"] = np.frombuffer(encode_picture(patch.texture), np.uint8)
    record = {
        "facts": facts,
        "patches": [{"color": patch.color, "specular": patch.specular} for patch in shape.patches],
        "extent": shape.extent,
        "height": shape.height,
        "surfaces": [asdict(surface) for surface in shape.surfaces],
    }
    arrays["record"] = np.frombuffer(json.dumps(record, sort_keys=True).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def read_facts(path: Path) -> dict[str, Any]:
    """The facts in a model's archive.

    Raises:
        DatasetError: The archive is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(json.loads(archive["record"].tobytes())["facts"])
    except Exception as error:  # damaged archives fail in many ways
        raise DatasetError(f"{path} is damaged: {error}") from error


def read_shape(path: Path) -> Shape:
    """The shape in a model's archive.

    Raises:
        DatasetError: The archive is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            record = json.loads(archive["record"].tobytes())
            patches = tuple(_patch(archive, i, entry) for i, entry in enumerate(record["patches"]))
        hx, hy = record["extent"]
        return Shape(patches, (hx, hy), record["height"], tuple(Surface(**entry) for entry in record["surfaces"]))
    except Exception as error:  # damaged archives fail in many ways
        raise DatasetError(f"{path} is damaged: {error}; {COMMAND} --check names all such files") from error


def _patch(archive: Any, i: int, entry: dict[str, Any]) -> Patch:
    texture = archive.get(f"texture_{i}")
    r, g, b, a = entry["color"]
    return Patch(
        **{name: archive[f"{name}_{i}"] for name in ARRAYS},
        color=(r, g, b, a),
        texture=None if texture is None else decode_picture(texture.tobytes()),
        specular=entry["specular"],
    )


def encode_picture(pixels: NDArray[np.uint8]) -> bytes:
    """An image (H, W, 3) as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def decode_picture(data: bytes) -> NDArray[np.uint8]:
    """Decodes the image (H, W, 3) in the bytes of a file."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.array(picture.convert("RGB"))
