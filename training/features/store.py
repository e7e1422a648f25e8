"""Arrays on disk that are filled once, row by row, and stay valid if the process is killed meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.files import write_json

META_FILE = "meta.json"
DONE_FILE = "done.bin"


class RowStore:
    """Memory-mapped float16 arrays of N rows each, and which of the rows are stored.

    A folder made by another encoder or from other data is overwritten.

    Args:
        folder: Folder of the arrays.
        identity: Values that determine the rows, JSON-compatible.
        shapes: Shape of one row of each array.
        rows: N, the number of rows.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any], shapes: Sequence[tuple[int, ...]], rows: int) -> None:
        meta = json.loads(json.dumps({"identity": dict(identity), "shapes": list(shapes), "rows": rows}))
        folder.mkdir(parents=True, exist_ok=True)
        fresh = _read(folder / META_FILE) != meta
        if fresh:
            (folder / META_FILE).unlink(missing_ok=True)
        mode: Literal["w+", "r+"] = "w+" if fresh else "r+"
        paths = [folder / f"level{i}.f16" for i in range(len(shapes))]
        self._arrays = [
            np.memmap(path, np.float16, mode, shape=(rows, *shape)) for path, shape in zip(paths, shapes, strict=True)
        ]
        self._done = np.memmap(folder / DONE_FILE, np.uint8, mode, shape=(rows,))
        if fresh:
            self._done[:] = 0
            self._done.flush()
            write_json(folder / META_FILE, meta)

    def missing(self) -> NDArray[np.int64]:
        """Returns the rows that are not stored yet, in order."""
        return np.flatnonzero(self._done == 0)

    def put(self, rows: Sequence[int], values: Sequence[NDArray[np.floating]]) -> None:
        """Stores rows of every array; they count as stored only once all of them are on disk."""
        for array, value in zip(self._arrays, values, strict=True):
            array[list(rows)] = value
            array.flush()
        self._done[list(rows)] = 1
        self._done.flush()

    def get(self, rows: Sequence[int]) -> list[NDArray[np.float32]]:
        """Returns rows of every array, (B, *shape) each."""
        return [np.asarray(array[list(rows)], dtype=np.float32) for array in self._arrays]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
