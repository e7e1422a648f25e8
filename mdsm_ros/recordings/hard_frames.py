"""Frames that a node was unsure of, kept as files: ``STAMP.jpg`` and, beside it, ``STAMP.json``.

The folder is a ring buffer: where it grows beyond its limit, the oldest frames are removed. ``mdsm learn`` reads it.
"""

from __future__ import annotations

from pathlib import Path

from mdsm_ros.errors import DatasetError, InstructionError
from mdsm_ros.foreign import read_json
from mdsm_ros.inference.answer import validate_instruction

MAX_NOTE = 1 << 16  # bytes


def read_instruction(path: Path) -> str:
    """The instruction of a frame from its note; "" where there is no note that can be used."""
    try:
        if path.stat().st_size > MAX_NOTE:
            return ""
        note = read_json(path, DatasetError, "the note of a frame")
        return validate_instruction(note["instruction"])
    except (AttributeError, DatasetError, InstructionError, KeyError, OSError, TypeError):
        return ""
