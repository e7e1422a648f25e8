"""What lies beside frames that are files: their instructions.

A node keeps frames that it was unsure of: ``STAMP.jpg`` and, beside it, ``STAMP.json``.

The folder is a ring buffer: where it grows beyond its limit, the oldest frames are removed. ``mdsm learn`` reads it.
"""

from __future__ import annotations

import csv
from pathlib import Path

from mdsm_ros.errors import DatasetError, InstructionError
from mdsm_ros.foreign import read_json
from mdsm_ros.inference.answer import validate_instruction

MAX_NOTE = 1 << 16  # bytes
INSTRUCTIONS_FILE = "images.csv"  # as ``mdsm-data bag-labels`` writes it: image, instruction


def read_instruction(path: Path) -> str:
    """The instruction of a frame from its note; "" where there is no note that can be used."""
    try:
        if path.stat().st_size > MAX_NOTE:
            return ""
        note = read_json(path, DatasetError, "the note of a frame")
        return validate_instruction(note["instruction"])
    except (AttributeError, DatasetError, InstructionError, KeyError, OSError, TypeError):
        return ""


def read_listed(path: Path) -> dict[str, str]:
    """The instructions of images by their file names, from a table as ``mdsm-data bag-labels`` writes it.

    Args:
        path: Table with the columns image and instruction; none where there is no such file.

    Raises:
        DatasetError: The table or an instruction in it cannot be used.
    """
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("image") and row.get("instruction")]
        return {row["image"]: validate_instruction(row["instruction"]) for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error, InstructionError) as error:
        raise DatasetError(f"{path} cannot be used: {error}, expected the columns image and instruction") from error
