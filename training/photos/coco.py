"""Reads instance annotations in COCO format, as exported by labelme, CVAT, Label Studio, Roboflow and COCO itself.

Unusable records are counted and named, the rest is used. Masks and images are read later, see
:mod:`training.photos.pixels`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import inside, read_json
from training.photos.faults import Faults
from training.photos.speech.words.kinds import normal

UNKNOWN_KIND = "unknown"
"""Stands for a category that the file does not name: such an object may be of any kind."""

VOC20 = frozenset(
    (
        "airplane",
        "bicycle",
        "bird",
        "boat",
        "bottle",
        "bus",
        "car",
        "cat",
        "chair",
        "cow",
        "dining table",
        "dog",
        "horse",
        "motorcycle",
        "person",
        "potted plant",
        "sheep",
        "couch",
        "train",
        "tv",
    )
)
MAX_SIDE = 50_000  # pixels
_SINGULAR = {"images": "image", "annotations": "annotation", "categories": "category"}


@dataclass(frozen=True)
class Thing:
    """A labelled object as recorded in the file.

    Attributes:
        id: Id of the annotation.
        kind: Normalised name of its category.
        record: Record in the file.
        certain: Whether it is one whole object: not a crowd, and not a region of which only the class is known.
    """

    id: int | str
    kind: str
    record: Mapping[str, Any]
    certain: bool


@dataclass(frozen=True)
class Picture:
    """An image with its objects.

    Attributes:
        name: Name of the file as recorded.
        path: Path of the file.
        width, height: Recorded size in pixels.
        things: The objects.
        captions: Sentences about the whole image.
        exhaustive: Categories of which every object is labelled.
        all_labelled: Whether every object of every category in the file is labelled.
        unique: False if only some objects of a category are labelled.
    """

    name: str
    path: Path
    width: int
    height: int
    things: tuple[Thing, ...]
    captions: tuple[str, ...]
    exhaustive: frozenset[str]
    all_labelled: bool
    unique: bool


@dataclass(frozen=True)
class Collection:
    """The usable records of a file.

    Attributes:
        pictures: Images in the order of the file.
        kinds: Normalised names of the categories, in the order of the file, each once.
        digest: SHA-256 of the file.
    """

    pictures: list[Picture]
    kinds: list[str]
    digest: str


def read_collection(path: Path, images: Path, faults: Faults, *, exhaustive: bool = False) -> Collection:
    """Reads a file of annotations.

    Args:
        path: The JSON file.
        images: Folder of the images; no file outside it is read.
        faults: Record of the faults found.
        exhaustive: Whether every object of the file's categories is labelled in images without information on this.

    Raises:
        DatasetError: The file is missing, is not JSON, or contains nothing usable.
    """
    content, digest = _read(path)
    kinds = _categories(content, faults)
    records = _images(content, images, faults)
    captions = _captions(content, records, faults)
    things = _things(content, kinds, records, faults)
    names = list(dict.fromkeys(kinds.values()))
    pictures = [
        _picture(record, file, things[i], captions[i], frozenset(names), exhaustive, faults)
        for i, (record, file) in records.items()
        if things[i]
    ]
    for i, (record, _) in records.items():
        if not things[i]:
            faults.add("images left out: nothing is labelled in them", record["file_name"])
    if not pictures:
        reasons = "; ".join(line.strip() for line in faults.lines()[:5])
        raise DatasetError(f"{path} holds no image with a labelled object, expected COCO's form. {reasons}".rstrip())
    if any(thing.kind == UNKNOWN_KIND for picture in pictures for thing in picture.things):
        names.append(UNKNOWN_KIND)
    return Collection(pictures, list(dict.fromkeys(names)), digest)


def _read(path: Path) -> tuple[Mapping[str, Any], str]:
    content = read_json(path, DatasetError, "a file of annotations")
    if not isinstance(content, dict):
        raise DatasetError(f"{path} holds {type(content).__name__}, expected a JSON object with images and annotations")
    return content, hashlib.sha256(path.read_bytes()).hexdigest()


def _records(content: Mapping[str, Any], key: str, faults: Faults) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yields the records under a key that are JSON objects with a unique id, each with a name for messages."""
    records = content.get(key)
    if not isinstance(records, list):
        if key != "captions":
            faults.add("lists missing in the file", key)
        return
    seen = set()
    for position, record in enumerate(records):
        if not isinstance(record, dict):
            faults.add(f"{key} left out: no JSON object", f"{key}[{position}]")
            continue
        if key == "captions":
            yield f"{key}[{position}]", record
            continue
        name = f"{key}[{position}]" if not _is_id(record.get("id")) else f"{_SINGULAR[key]} {record['id']}"
        if not _is_id(record.get("id")):
            faults.add(f"{key} left out: no id", name)
        elif record["id"] in seen:
            faults.add(f"{key} left out: an id that was there before", name)
        else:
            seen.add(record["id"])
            yield name, record


def _is_id(value: object) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _categories(content: Mapping[str, Any], faults: Faults) -> dict[Any, str]:
    kinds = {}
    for name, record in _records(content, "categories", faults):
        if isinstance(record.get("name"), str) and normal(record["name"]):
            kinds[record["id"]] = normal(record["name"])
        else:
            faults.add("categories left out: no name", name)
    return kinds


def _images(content: Mapping[str, Any], folder: Path, faults: Faults) -> dict[Any, tuple[dict[str, Any], Path]]:
    """Returns usable image records and their files, by id."""
    found: dict[Any, tuple[dict[str, Any], Path]] = {}
    files: set[Path] = set()
    root = folder.resolve()
    for name, record in _records(content, "images", faults):
        file_name = record.get("file_name")
        if not isinstance(file_name, str) or not file_name:
            faults.add("images left out: no file name", name)
            continue
        size = [_size(record.get(side)) for side in ("width", "height")]
        path = _inside(root, file_name)
        if None in size:
            faults.add("images left out: no width and height", file_name)
        elif path is None:
            faults.add("images left out: their path leaves the folder of the images", file_name)
        elif path in files:
            faults.add("images left out: a file that was there before", file_name)
        else:
            files.add(path)
            found[record["id"]] = ({**record, "width": size[0], "height": size[1]}, path)
    return found


def _size(value: object) -> int | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and 1 <= value <= MAX_SIDE
    return int(value) if fits and int(value) == value else None  # type: ignore[call-overload]


def _inside(root: Path, file_name: str) -> Path | None:
    """Returns the file of a name in a folder; None if the name leads out of it."""
    try:
        return inside(root, file_name.replace("\\", "/").removeprefix("./"), DatasetError).resolve()
    except DatasetError:
        return None


def _captions(content: Mapping[str, Any], records: Mapping[Any, object], faults: Faults) -> dict[Any, list[str]]:
    """Returns captions by image, from the list ``captions`` and from ``annotations`` with a caption only."""
    found: dict[Any, list[str]] = defaultdict(list)
    entries = [record for _, record in _records(content, "captions", faults)]
    listed = content.get("annotations")
    entries += [r for r in listed if isinstance(r, dict) and _is_caption(r)] if isinstance(listed, list) else []
    for record in entries:
        image_id, text = record.get("image_id"), record.get("caption")
        if not _is_id(image_id) or image_id not in records or not isinstance(text, str) or not text.strip():
            faults.add("captions left out: no text, or an image that is not there", repr(text)[:40])
        else:
            found[image_id].append(" ".join(text.split()))
    return found


def _is_caption(record: Mapping[str, Any]) -> bool:
    return "caption" in record and "category_id" not in record and "segmentation" not in record


def _things(
    content: Mapping[str, Any], kinds: Mapping[Any, str], records: Mapping[Any, object], faults: Faults
) -> dict[Any, list[Thing]]:
    found: dict[Any, list[Thing]] = defaultdict(list)
    for name, record in _records(content, "annotations", faults):
        if _is_caption(record):
            continue
        image_id, category_id = record.get("image_id"), record.get("category_id")
        if not _is_id(image_id) or image_id not in records:
            faults.add("annotations left out: an image that is not there, or is left out", name)
            continue
        kind = kinds.get(category_id) if _is_id(category_id) else None
        if kind is None:  # it is still an object of unknown category in the image
            faults.add("annotations of a category that is not there", name)
        certain = kind is not None and not record.get("iscrowd") and record.get("reliable", 2) != 0
        found[image_id].append(Thing(record["id"], kind or UNKNOWN_KIND, record, certain))
    return found


def _picture(
    record: Mapping[str, Any],
    path: Path,
    things: list[Thing],
    captions: list[str],
    kinds: frozenset[str],
    exhaustive: bool,
    faults: Faults,
) -> Picture:
    annotated = record.get("annotated")
    everything = (annotated is None and exhaustive) or annotated == "coco80"
    covered = kinds if everything else VOC20 if annotated == "voc20" else frozenset()
    if annotated not in (None, "coco80", "voc20", "person_only"):
        faults.add('images whose "annotated" is not known, taken as not exhaustive', record["file_name"])
    return Picture(
        name=record["file_name"],
        path=path,
        width=record["width"],
        height=record["height"],
        things=tuple(things),
        captions=tuple(captions),
        exhaustive=covered,
        all_labelled=everything,
        unique=annotated != "person_only",
    )
