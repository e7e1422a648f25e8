"""Merging parts of a dataset, or whole datasets, with new ids from 1."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.dataset.index.views import RowsById
from mdsm_ros.dataset.records import ImageRecord, to_json_record
from mdsm_ros.dataset.streaming import RecordsFile
from mdsm_ros.dataset.writer import part_path
from mdsm_ros.files import names_in

LISTS = ("images", "annotations", "instructions")
NewId = Callable[[int], int]


def merge_parts(
    root: Path, parts: Sequence[str], categories: Sequence[str], info: Mapping[str, Any], limit: int | None = None
) -> None:
    """Merges parts, in the given order, into ``annotations.json``; unused images are removed.

    One part at a time is in memory.

    Args:
        root: Folder of the dataset.
        parts: Names of finished parts.
        categories: Categories given to the parts' writers.
        info: Info given to the parts' writers.
        limit: Largest number of images; the last ones of the last part are left out.
    """
    files = sqlite3.connect("")  # a temporary file, once the names are too many for SQLite's cache
    files.execute("CREATE TABLE files (name TEXT PRIMARY KEY) WITHOUT ROWID")
    with RecordsFile(root / ANNOTATIONS_FILE, LISTS) as merged:
        for part in parts:
            content = json.loads(part_path(root, part).read_text(encoding="utf-8"))
            room = None if limit is None else limit - merged.counts["images"]
            added = _renumbered(content, [merged.counts[name] for name in LISTS], room)
            for name in LISTS:
                for record in added[name]:
                    merged.add(name, record)
            named = (name for r in added["images"] for name in (r["file_name"], r["depth_file"]) if name)
            files.executemany("INSERT OR IGNORE INTO files VALUES (?)", ((name,) for name in named))
        for folder in ("images", "depth"):
            for file in names_in(root / folder):
                if not files.execute("SELECT 1 FROM files WHERE name = ?", (f"{folder}/{file}",)).fetchone():
                    (root / folder / file).unlink()
        files.close()
        names = [{"id": i, "name": name} for i, name in enumerate(categories, start=1)]
        merged.close({"info": dict(info)}, {"categories": names})


def merge_contents(contents: Iterable[Mapping[str, Any]], limit: int | None = None) -> dict[str, list[Any]]:
    """Merges ``images``, ``annotations`` and ``instructions`` of several parts, with new ids from 1.

    Args:
        contents: Content of the parts' JSON files, in order, with the same categories.
        limit: Largest number of images; the last ones of the last part are left out.
    """
    merged: dict[str, list[Any]] = {name: [] for name in LISTS}
    for content in contents:
        room = None if limit is None else limit - len(merged["images"])
        for name, records in _renumbered(content, [len(merged[name]) for name in LISTS], room).items():
            merged[name] += records
    return merged


def _renumbered(content: Mapping[str, Any], before: Sequence[int], room: int | None) -> dict[str, list[Any]]:
    """The records of a part with new ids; ``before`` counts the images, annotations and instructions before it."""
    images, image_ids = _with_ids(content["images"][:room], before[0])
    annotations, annotation_ids = _with_ids(_of_images(content["annotations"], image_ids), before[1])
    asked = _of_images(content["instructions"], image_ids)
    targets = ({**r, "annotation_ids": [annotation_ids[i] for i in r["annotation_ids"]]} for r in asked)
    instructions, _ = _with_ids(targets, before[2])
    return {"images": images, "annotations": annotations, "instructions": instructions}


def _with_ids(records: Iterable[Mapping[str, Any]], before: int) -> tuple[list[dict[str, Any]], dict[int, int]]:
    """Records with the ids after ``before``; and the new id of each old one."""
    numbered, ids = [], {}
    for new, record in enumerate(records, start=before + 1):
        ids[record["id"]] = new
        numbered.append({**record, "id": new})
    return numbered, ids


def _of_images(records: Iterable[Mapping[str, Any]], ids: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    """The records whose image is used, with its new id."""
    return ({**r, "image_id": ids[r["image_id"]]} for r in records if r["image_id"] in ids)


def add_dataset(
    merged: RecordsFile,
    data: Dataset,
    categories: Mapping[str, int],
    take: Callable[[str], str],
) -> None:
    """Adds a dataset, record by record, to one that is being written.

    Args:
        merged: File with the lists of :data:`LISTS`.
        data: Dataset to add.
        categories: New id of each category.
        take: Function that stores an image or a depth image, and returns its new name.
    """
    image_id = _new_ids(data.images, merged.counts["images"])
    annotation_id = _new_ids(data.annotations, merged.counts["annotations"])
    for image in data.images.values():
        merged.add("images", to_json_record(image) | _files(image, take) | {"id": image_id(image.id)})
    for annotation in data.annotations.values():
        new = {
            "id": annotation_id(annotation.id),
            "image_id": image_id(annotation.image_id),
            "category_id": categories[data.categories[annotation.category_id]],
        }
        merged.add("annotations", to_json_record(annotation) | new)
    for instruction in data.instructions:
        new_ids: dict[str, Any] = {
            "id": merged.counts["instructions"] + 1,
            "image_id": image_id(instruction.image_id),
            "annotation_ids": [annotation_id(i) for i in instruction.annotation_ids],
        }
        merged.add("instructions", to_json_record(instruction) | new_ids)


def _files(image: ImageRecord, take: Callable[[str], str]) -> dict[str, str | None]:
    return {
        key: name and take(name) for key, name in (("file_name", image.file_name), ("depth_file", image.depth_file))
    }


def _new_ids(records: Mapping[int, Any], before: int) -> NewId:
    """The new id of a record by its old one; from the index of a large dataset, which takes no memory."""
    if isinstance(records, RowsById):
        return lambda key: (records.position(key) or 0) + before + 1
    ids = {key: new for new, key in enumerate(records, start=before + 1)}
    return ids.__getitem__
