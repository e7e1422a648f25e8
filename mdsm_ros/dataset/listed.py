"""Instructions that stand beside the images of a folder, in ``images.csv``."""

from __future__ import annotations

import csv
from pathlib import Path

from mdsm_ros.errors import DatasetError, InstructionError
from mdsm_ros.inference.answer import validate_instruction

LIST_FILE = "images.csv"  # as ``mdsm-data bag-labels`` and ``mdsm learn`` write it: image, instruction
MAX_LIST = 1 << 24  # bytes


def listed_instructions(folder: Path) -> dict[str, str]:
    """The instruction of each image that ``images.csv`` names, by the name of its file; {} where there is no list.

    Raises:
        DatasetError: the list cannot be used.
    """
    path = folder / LIST_FILE
    if not path.exists():
        return {}
    try:
        if path.stat().st_size > MAX_LIST:
            raise DatasetError(f"{path} has {path.stat().st_size} bytes, expected at most {MAX_LIST}")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("image") and row.get("instruction")]
        return {row["image"]: validate_instruction(row["instruction"]) for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error, InstructionError) as error:
        raise DatasetError(f"{path} cannot be used: {error}, expected the columns image and instruction") from error
