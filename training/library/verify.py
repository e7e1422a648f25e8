"""Checks every file of the cache."""

from __future__ import annotations

import sys
from pathlib import Path

from mdsm_ros.errors import DatasetError
from mdsm_ros.library import store
from training.library.convert import digest


def check(folder: Path) -> int:
    """Reads everything; damaged files are removed, so that the next run makes them again.

    Returns:
        The exit status: 1 where something was damaged.

    Raises:
        LibraryMissing: There is no finished cache.
    """
    index = store.read_index(folder)
    damaged = [path for record in index["models"] if (path := _damaged(folder, record)) is not None]
    textures = [
        folder / store.TEXTURES_FOLDER / f"{name}.jpg" for names in index["textures"].values() for name in names
    ]
    damaged += [path for path in textures if not _is_picture(path)]
    for path in damaged:
        print(f"damaged, removed: {path}", file=sys.stderr)
        path.unlink(missing_ok=True)
    if damaged:
        (folder / store.INDEX_FILE).unlink()
        print(f"run {store.COMMAND} to make {len(damaged)} files again", file=sys.stderr)
    print(f"{folder}: {len(index['models'])} models, {len(textures)} textures, {len(damaged)} damaged")
    return 1 if damaged else 0


def _damaged(folder: Path, record: dict[str, str]) -> Path | None:
    path = store.model_path(folder, record["id"])
    try:
        store.read_shape(path)
        return None if digest(path) == record["digest"] else path
    except (DatasetError, OSError):
        return path


def _is_picture(path: Path) -> bool:
    try:
        return bool(store.decode_picture(path.read_bytes()).size)
    except OSError:
        return False
