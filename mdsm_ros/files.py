"""Writing files so that they appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path


def write_json(path: Path, content: object) -> None:
    """Writes a JSON file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    os.replace(partial, path)


def link_or_copy(source: Path, target: Path) -> None:
    """Makes ``target`` the file ``source``, as a hard link where the file system has them.

    Raises:
        OSError: the file cannot be read.
    """
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
