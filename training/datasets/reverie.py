"""Reads REVERIE's annotations: instructions, and the boxes of their objects (github YuankaiQi/REVERIE).

An item is joined with its object's entry in the box file of its goal viewpoint, the last of its path. An entry has no
box if no view shows the object within 3 m; it still counts as joined. The v2 files join as 4,044 items and 10,232
instructions (train), 498 and 1,377 (val_seen), 1,292 and 3,433 (val_unseen).
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import parse_json, read_json, shown

MAX_BOX_FILE = 1 << 26  # bytes, unpacked
_PLACE = re.compile(r"[A-Za-z0-9_-]{1,64}")
SPLITS = ("train", "val_seen", "val_unseen")
ITEM_FOLDERS = ("", "data_v2", "tasks/REVERIE/data_v2")
BOX_PLACES = ("bbox.zip", "BBox.zip", "BBox", "bbox", "data/BBox", "tasks/REVERIE/data/BBox")


@dataclass(frozen=True)
class ObjectBoxes:
    """The boxes of an object at a viewpoint.

    Attributes:
        name: Raw category of Matterport3D.
        boxes: X, y, width and height in pixels of 640x480, by view index.
    """

    name: str
    boxes: dict[int, tuple[float, float, float, float]]


@dataclass(frozen=True)
class Item:
    """An object to find, and the instructions for it. ``viewpoint`` is the end of the path."""

    id: str
    split: str
    scan: str
    viewpoint: str
    object_id: int
    instructions: tuple[str, ...]
    boxes: ObjectBoxes


@dataclass(frozen=True)
class Join:
    """Numbers of a split's items and instructions with an object entry."""

    split: str
    items: int
    instructions: int
    joined_items: int
    joined_instructions: int


def read_items(root: Path) -> tuple[list[Item], list[Join]]:
    """Reads all joined items of the three splits, and the statistics of the join.

    Args:
        root: Folder with ``REVERIE_<split>.json`` and ``bbox.zip`` or a folder of box files; a clone of the REVERIE
            repository has this form.

    Raises:
        DatasetError: A file is missing or has another form, or a scan of val_unseen is in train.
    """
    read_boxes = _box_reader(root)
    items: list[Item] = []
    joins: list[Join] = []
    for split in SPLITS:
        path = _first(root, [f"{folder}/REVERIE_{split}.json".lstrip("/") for folder in ITEM_FOLDERS])
        entries = _read_json(path)
        if not isinstance(entries, list):
            raise DatasetError(f"{path} holds {type(entries).__name__}, expected a list of items")
        joined = []
        for number, entry in enumerate(entries):
            try:
                item = _item(entry, split, read_boxes)
            except DatasetError as error:
                raise DatasetError(f"{path}: item {number}: {error}") from error
            except Exception as error:  # fields may have any type
                raise DatasetError(
                    f"{path}: item {number} is not as REVERIE's are ({type(error).__name__}: {error})"
                ) from error
            if item is not None:
                joined.append(item)
        sentences = sum(len(entry["instructions"]) for entry in entries)
        found = sum(len(item.instructions) for item in joined)
        joins.append(Join(split, len(entries), sentences, len(joined), found))
        items += joined
    shared = {i.scan for i in items if i.split == "train"} & {i.scan for i in items if i.split == "val_unseen"}
    if shared:
        raise DatasetError(f"{root}: scans {sorted(shared)} are in train and in val_unseen, expected none")
    return items, joins


def join_table(joins: list[Join]) -> str:
    """Returns the statistics of the join, one line per split."""
    lines = [f"{'split':<12}{'items':>8}{'joined':>8}{'instructions':>14}{'joined':>8}"]
    for j in joins:
        lines.append(f"{j.split:<12}{j.items:>8}{j.joined_items:>8}{j.instructions:>14}{j.joined_instructions:>8}")
    return "\n".join(lines)


def _item(entry: dict[str, Any], split: str, read_boxes: Callable[[str, str], dict[str, Any]]) -> Item | None:
    scan, viewpoint, object_id = entry["scan"], entry["path"][-1], int(entry["objId"])
    for name in (scan, viewpoint):  # they become file names
        if not isinstance(name, str) or not _PLACE.fullmatch(name):
            raise DatasetError(f"scan or viewpoint is {shown(name)}, expected letters and digits")
    texts = entry["instructions"]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DatasetError(f"instructions is {shown(texts)}, expected a list of sentences")
    known = read_boxes(scan, viewpoint).get(str(object_id))
    if known is None:
        return None
    boxes = {int(view): tuple(map(float, box)) for view, box in zip(known["visible_pos"], known["bbox2d"], strict=True)}
    if not all(len(box) == 4 and all(map(math.isfinite, box)) for box in boxes.values()):
        raise DatasetError("a box is not four finite numbers")
    return Item(
        id=str(entry["id"]),
        split=split,
        scan=scan,
        viewpoint=viewpoint,
        object_id=object_id,
        instructions=tuple(texts),
        boxes=ObjectBoxes(str(known["name"]), boxes),  # type: ignore[arg-type]
    )


def all_boxes(root: Path) -> Iterator[tuple[float, float, float, float]]:
    """Yields every box of every object at every viewpoint: x, y, width, height in pixels of 640x480.

    Raises:
        DatasetError: The boxes are missing or have another form.
    """
    members, load = _box_files(root)
    for name, member in members.items():
        if name.endswith(".json"):
            for entries in _box_content(name, load(member)).values():
                try:
                    yield from [tuple(map(float, box)) for entry in entries.values() for box in entry["bbox2d"]]  # type: ignore[misc]
                except Exception as error:  # fields may have any type
                    raise DatasetError(f"{name} is not as REVERIE's box files are: {error!r}") from error


def _box_reader(root: Path) -> Callable[[str, str], dict[str, Any]]:
    """Returns a function from scan and viewpoint to the object entries there, {} if there is no file."""
    members, load = _box_files(root)

    def read(scan: str, viewpoint: str) -> dict[str, Any]:
        name = f"{scan}_{viewpoint}.json"
        return _box_content(name, load(members[name])).get(viewpoint, {}) if name in members else {}

    return read


def _box_files(root: Path) -> tuple[dict[str, str], Callable[[str], bytes]]:
    """Returns the box files by name, and a function that reads one."""
    place = _first(root, BOX_PLACES)
    if place.suffix != ".zip":
        return {path.name: str(path) for path in sorted(place.glob("*.json"))}, lambda name: Path(name).read_bytes()
    try:
        archive = zipfile.ZipFile(place)
    except Exception as error:  # damaged archives fail in many ways
        raise DatasetError(f"{place} is not a readable zip file: {error}") from error

    def read(name: str) -> bytes:
        try:
            size = archive.getinfo(name).file_size
            if size > MAX_BOX_FILE:
                raise DatasetError(f"{name} in {place} has {size} bytes, expected at most {MAX_BOX_FILE}")
            return archive.read(name)
        except DatasetError:
            raise
        except Exception as error:  # damaged archives fail in many ways
            raise DatasetError(f"{name} in {place} cannot be read: {error}") from error

    return {Path(name).name: name for name in archive.namelist()}, read


def _box_content(name: str, content: bytes) -> dict[str, Any]:
    entries = parse_json(content, name, DatasetError)
    if not isinstance(entries, dict):
        raise DatasetError(f"{name} holds {type(entries).__name__}, expected viewpoints with their objects")
    return entries


def _first(root: Path, places: list[str] | tuple[str, ...]) -> Path:
    for place in places:
        if (root / place).exists():
            return root / place
    raise DatasetError(f"{root}: none of {list(places)} is there")


def _read_json(path: Path) -> Any:
    return read_json(path, DatasetError, "REVERIE's items")
