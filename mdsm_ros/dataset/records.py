"""The records of a dataset, and the checks of their fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import MAX_PIXELS, MAX_SIDE, check_depth, check_keys, is_integer, is_number, name_fault, shown
from mdsm_ros.geometry import Camera

Record = TypeVar("Record")
MAX_CATEGORY = 100_000  # a network has one output per category


@dataclass(frozen=True)
class ImageRecord:
    """An image of the dataset; file names are relative to the dataset's folder.

    ``scene`` names the scene of the image (a scan, a home, a COCO image); splits never share scenes.
    """

    id: int
    file_name: str
    height: int
    width: int
    depth_file: str | None = None
    camera: Camera | None = None
    scene: str = ""


@dataclass(frozen=True)
class Annotation:
    """One object in one image.

    Attributes:
        bbox: COCO's x, y, width, height in pixels.
        occlusion: Fraction of the object's silhouette that other objects hide; None if unknown.
    """

    id: int
    image_id: int
    category_id: int
    segmentation: dict[str, Any]
    area: int
    bbox: tuple[float, ...]
    attributes: dict[str, str] = field(default_factory=dict)
    iscrowd: int = 0
    occlusion: float | None = None


@dataclass(frozen=True)
class Instruction:
    """A sentence about an image.

    Attributes:
        annotation_ids: Annotations of the target; empty if it is not in view.
        source: Writer of the sentence.
        expressions: Number of referring expressions in the sentence.
        distractors: Number of other visible objects of the target's category.
        words: Number of words.
        difficulty: "easy", "medium" or "hard" by :func:`difficulty`; "" if the writer gave none.
        origin: Source of the sentence, for tracing it back.
    """

    id: int
    image_id: int
    annotation_ids: tuple[int, ...]
    text: str
    split: str
    source: str
    expressions: int
    distractors: int
    words: int
    difficulty: str = ""
    origin: str = ""


Check = Callable[[Any], bool]

_ID: tuple[Check, str] = (is_integer, "a whole number")
_COUNT: tuple[Check, str] = (lambda value: is_integer(value, 0), "a whole number of 0 or more")
_SIDE: tuple[Check, str] = (lambda value: is_integer(value, 1, MAX_SIDE), f"1 to {MAX_SIDE} pixels")
_TEXT: tuple[Check, str] = (lambda value: isinstance(value, str) and _is_text(value), "text")
_NUMBER_OR_NONE: tuple[Check, str] = (lambda value: value is None or is_number(value), "a number or null")

_CHECKS: dict[type, dict[str, tuple[Check, str]]] = {
    ImageRecord: {
        "id": _ID,
        "file_name": (lambda value: isinstance(value, str), "a file name"),
        "height": _SIDE,
        "width": _SIDE,
        "depth_file": (lambda value: value is None or isinstance(value, str), "a file name or null"),
        "camera": (lambda value: value is None or isinstance(value, dict), "a JSON object or null"),
        "scene": _TEXT,
    },
    Annotation: {
        "id": _ID,
        "image_id": _ID,
        "category_id": _ID,
        "segmentation": (
            lambda value: isinstance(value, dict),
            "compressed RLE as pycocotools writes it; mdsm-data photos reads polygons",
        ),
        "area": (lambda value: is_number(value) and value >= 0, "a number of pixels"),
        "bbox": (
            lambda value: isinstance(value, list | tuple) and len(value) == 4 and all(map(is_number, value)),
            "four numbers: x, y, width and height",
        ),
        "attributes": (
            lambda value: isinstance(value, dict) and all(isinstance(v, str) for v in value.values()),
            "a JSON object of texts",
        ),
        "iscrowd": (lambda value: is_integer(value, 0, 1), "0 or 1"),
        "occlusion": _NUMBER_OR_NONE,
    },
    Instruction: {
        "id": _ID,
        "image_id": _ID,
        "annotation_ids": (
            lambda value: isinstance(value, list | tuple) and all(map(is_integer, value)),
            "a list of ids",
        ),
        "text": _TEXT,
        "split": _TEXT,
        "source": _TEXT,
        "expressions": _COUNT,
        "distractors": _COUNT,
        "words": _COUNT,
        "difficulty": _TEXT,
        "origin": _TEXT,
    },
}


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def read_records(kind: type[Record], content: Mapping[str, Any], key: str, path: Path) -> list[Record]:
    """Reads the records under a key of a dataset's JSON file.

    Args:
        kind: Class of the records, one of this module's.
        content: Content of the file.
        key: Key of the records.
        path: Path of the file, for messages.

    Raises:
        DatasetError: The list is missing, or a record has other fields, or an invalid value.
    """
    entries = content.get(key)
    if not isinstance(entries, list):
        raise DatasetError(f"{path}: {key!r} is missing, expected a list")
    read = record_reader(kind, key, path)
    return [read(i, entry) for i, entry in enumerate(entries)]


def record_reader(kind: type[Record], key: str, path: Path) -> Callable[[int, object], Record]:
    """A function of an entry's number and content that checks it and makes its record; see :func:`read_records`."""
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    known = {f.name for f in fields}
    needed = [f.name for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    checks = _CHECKS[kind]
    return lambda number, entry: _record(kind, entry, f"{path}: {key}[{number}]", known, needed, checks)


def _record(
    kind: type[Record],
    entry: object,
    where: str,
    known: set[str],
    needed: list[str],
    checks: Mapping[str, tuple[Check, str]],
) -> Record:
    values = check_keys(entry, needed, where, DatasetError)
    for name, value in values.items():
        if name not in known:
            raise DatasetError(f"{where} has the unknown field {shown(name)}, expected those of {kind.__name__}")
        fits, expected = checks[name]
        if not fits(value):
            raise DatasetError(f"{where}: {name} is {shown(value)}, expected {expected}")
    changed = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    if kind is ImageRecord:
        changed |= _image_fields(values, where)
    return kind(**{**values, **changed})


def _image_fields(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Checks an image record beyond the types of its fields."""
    for name in ("file_name", "depth_file"):
        fault = None if values.get(name) is None else name_fault(values[name])
        if fault is not None:
            raise DatasetError(f"{where}: {name} {shown(values[name])} {fault}")
    if values["height"] * values["width"] > MAX_PIXELS:
        raise DatasetError(
            f"{where} is {values['width']}x{values['height']} pixels, expected at most {MAX_PIXELS} in all"
        )
    camera = values.get("camera")
    return {} if camera is None else {"camera": _camera(camera, where)}


def _camera(camera: dict[str, Any], where: str) -> Camera:
    names = [f.name for f in dataclasses.fields(Camera)]
    if set(camera) != set(names) or not all(map(is_number, camera.values())):
        raise DatasetError(f"{where}: camera is {shown(camera)}, expected the numbers {', '.join(names)}")
    if camera["fx"] <= 0 or camera["fy"] <= 0:
        raise DatasetError(f"{where}: camera has fx {camera['fx']} and fy {camera['fy']}, expected more than 0")
    return Camera(**camera)


def read_categories(content: Mapping[str, Any], path: Path) -> dict[int, str]:
    """The names of a dataset's categories by id.

    Raises:
        DatasetError: The list or a field of a record is invalid, or an id is used twice.
    """
    entries = content.get("categories", [])
    if not isinstance(entries, list):
        raise DatasetError(f"{path}: 'categories' is {shown(entries)}, expected a list")
    found: dict[int, str] = {}
    for i, entry in enumerate(entries):
        where = f"{path}: categories[{i}]"
        values = check_keys(entry, ("id", "name"), where, DatasetError)
        if not is_integer(values["id"], 0, MAX_CATEGORY) or not _TEXT[0](values["name"]):
            raise DatasetError(
                f"{where} is {shown(entry)}, expected an 'id' from 0 to {MAX_CATEGORY} and a text 'name'"
            )
        if values["id"] in found:
            raise DatasetError(f"{where} has id {values['id']}, which an earlier one has")
        found[values["id"]] = values["name"]
    return found


def read_info(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Reads a dataset's description of itself.

    Raises:
        DatasetError: It is not a JSON object, is nested too deep, or ``may_share`` does not contain pairs of names.
    """
    info = content.get("info", {})
    if not isinstance(info, dict):
        raise DatasetError(f"{path}: 'info' is {shown(info)}, expected a JSON object")
    check_depth(info, f"{path}: 'info'", DatasetError)
    pairs = info.get("may_share", [])
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and all(isinstance(name, str) for name in pair) for pair in pairs
    ):
        raise DatasetError(f"{path}: 'may_share' of 'info' is {shown(pairs)}, expected a list of pairs of splits")
    return info


def to_json_record(record: ImageRecord | Annotation | Instruction) -> dict[str, Any]:
    """The content of a record in ``annotations.json``."""
    values = dict(vars(record))
    if values.get("camera") is not None:
        values["camera"] = dict(vars(values["camera"]))
    return values
