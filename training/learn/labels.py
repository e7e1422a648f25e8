"""Assigns labels made elsewhere to the frames: datasets of this package, and exports in COCO format."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.dataset.merging import merge_contents
from mdsm_ros.errors import DatasetError, InstructionError
from mdsm_ros.files import link_or_copy, whole_folder, write_json
from mdsm_ros.foreign import MAX_PART, read_json, shown
from mdsm_ros.inference.answer import validate_instruction
from training.learn.coco import write_parts
from training.learn.frames import composed
from training.learn.pick import IMAGES, Frame

SPLIT = "labelled"
LEAST_FRAMES = 6
EXPORTS = (  # where labelling tools put the file
    ANNOTATIONS_FILE,
    "_annotations.coco.json",
    "result.json",
    "annotations/instances_default.json",
    "coco.json",
)
SPLIT_EXPORT = ("train", "valid", "test")  # folders of a Roboflow export, each with a file of its own
SPLIT_FILE = "_annotations.coco.json"


def find_labels(path: Path) -> list[Path]:
    """Returns the JSON files of labels: the path itself, or what is at one of the tools' places in a folder.

    An export whose images are split into folders has several files; all others have one.

    Raises:
        DatasetError: No such file exists.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DatasetError(f"labels {str(path)!r} do not exist, expected a dataset folder or a COCO export")
    for name in EXPORTS:
        if (path / name).is_file():
            return [path / name]
    if split := [file for part in SPLIT_EXPORT if (file := path / part / SPLIT_FILE).is_file()]:
        return split
    others = sorted(path.glob("*.json"))
    if len(others) == 1:
        return others
    raise DatasetError(f"labels {str(path)!r} hold none of {', '.join(EXPORTS)}, expected a COCO export or a dataset")


def labels_mark(path: Path) -> str:
    """Returns a mark that distinguishes labels by their content."""
    digest = hashlib.sha256()
    for file in find_labels(path):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def labelled_names(path: Path) -> set[str]:
    """Returns the possible frame names of the labelled images, composed: the images' names, and parts of them.

    Raises:
        DatasetError: The labels cannot be read.
    """
    content = _read(find_labels(path), path)
    labelled = _labelled(content)
    return {name for record in content["images"] if _id(record, "id") in labelled for name in _names_in(_stem(record))}


def write_labels(folder: Path, path: Path, frames: Sequence[Frame], images: Path) -> dict[str, int]:
    """Writes the labels of the frames as a dataset; the ``scene`` of each image is the frame's name.

    Args:
        folder: Dataset folder, written completely or not at all.
        path: Folder or JSON file of the labels.
        frames: Selected frames.
        images: Folder with the images of the frames.

    Returns:
        Number of frames and instructions, of instructions with an absent target, and of labelled images without a
        frame.

    Raises:
        DatasetError: The labels cannot be read, are too few, or match no frame.
        OSError: The folder cannot be written.
    """
    files = find_labels(path)
    file = files[0] if len(files) == 1 else path
    content = _read(files, path)
    with whole_folder(folder) as partial:
        if "instructions" in content:
            parts, categories = _parts_of_dataset(file, frames)
        else:
            parts, categories = write_parts(partial, content, _matched(content, frames, file), images / IMAGES)
        merged = merge_contents(_with_images(parts, partial, images))
        _check(merged, file, len(frames))
        names = [{"id": i, "name": name} for i, name in categories.items()]
        write_json(partial / ANNOTATIONS_FILE, {"info": {"source": "learn"}, **merged, "categories": names})
    absent = sum(not record["annotation_ids"] for record in merged["instructions"])
    strangers = len(_labelled(content)) - len(merged["images"])
    return {
        "frames": len(merged["images"]),
        "instructions": len(merged["instructions"]),
        "not in view": absent,
        "labelled images not used": max(0, strangers),
    }


def match(stem: str, names: Mapping[str, Frame]) -> Frame | None:
    """Returns the frame of an image's name, which tools may lengthen: ``1a2b-NAME``, ``NAME_jpg.rf.0f3c``."""
    known = {composed(name): frame for name, frame in names.items()}
    return next((known[name] for name in _names_in(stem) if name in known), None)


def _names_in(stem: str) -> list[str]:
    """Returns the name itself, then whole words and runs of them, the longest first; all of them composed."""
    stem = composed(stem)
    if len(stem.encode(errors="replace")) > MAX_PART:
        return [stem]  # no file has this name, and its runs of words would be too many
    words = [found.span() for found in re.finditer(r"[^\W_]+", stem)]
    parts = {stem[first:last] for first, _ in words for _, last in words if first < last}
    return [stem, *sorted(parts, key=lambda part: (-len(part), part))]


def _read(files: Sequence[Path], path: Path) -> dict[str, Any]:
    if len(files) == 1:
        return _read_file(files[0])
    parts = {file.parent.name: _read_lists(file) for file in files}
    content: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    for name, part in parts.items():  # each file counts its ids from 0
        categories = part.get("categories")
        lists = part | {"categories": categories if isinstance(categories, list) else []}
        for key, records in content.items():
            records += [_with_prefix(record, name) for record in lists[key] if isinstance(record, dict)]
    _expect_labels(content, path)
    return content


def _with_prefix(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Returns a record with ids that no other file has."""
    ids = {key: f"{name} {record[key]}" for key in ("id", "image_id", "category_id") if key in record}
    return {**record, **ids}


def _read_file(path: Path) -> dict[str, Any]:
    content = _read_lists(path)
    _expect_labels(content, path)
    return content


def _expect_labels(content: Mapping[str, Any], path: Path) -> None:
    if not _labelled(content):
        raise DatasetError(f"labels {path} hold 0 labels, expected at least {LEAST_FRAMES} labelled images")


def _read_lists(path: Path) -> dict[str, Any]:
    content = read_json(path, DatasetError, "labels")
    for key in ("images", "annotations"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DatasetError(
                f"labels {path}: {key!r} is missing, expected a COCO export or a dataset of this package"
            )
        if not all(isinstance(record, dict) for record in content[key]):
            raise DatasetError(f"labels {path}: {key!r} holds {shown(content[key][0])}, expected JSON objects")
    return dict(content)


def _labelled(content: Mapping[str, Any]) -> set[Any]:
    """Returns the ids of the images with a label."""
    key = "instructions" if isinstance(content.get("instructions"), list) else "annotations"
    return {_id(record, "image_id") for record in content[key]} - {None}


def _id(record: Mapping[str, Any], key: str) -> int | str | None:
    """Returns an id if it is valid: untrusted files may contain anything."""
    found = record.get(key)
    return found if isinstance(found, int | str) else None


def _stem(record: Mapping[str, Any]) -> str:
    return PurePosixPath(str(record.get("file_name", "")).replace("\\", "/")).stem


def _matched(content: Mapping[str, Any], frames: Sequence[Frame], path: Path) -> dict[Any, Frame]:
    """Returns the frame of each image with labels, by image id.

    Raises:
        DatasetError: No image matches a frame, two match the same one, or an image has another size.
    """
    names = {frame.name: frame for frame in frames}
    labelled = _labelled(content)
    found: dict[Any, Frame] = {}
    for record in content["images"]:
        frame = match(_stem(record), names) if _id(record, "id") in labelled else None
        if frame is None:
            continue
        if frame in found.values():
            raise DatasetError(f"labels {path} hold image {frame.name} twice, expected each once")
        size = (record.get("width"), record.get("height"))
        if size != (frame.width, frame.height):
            raise DatasetError(
                f"labels {path}: {record.get('file_name')} is {shown(size[0])}x{shown(size[1])} pixels, expected "
                f"{frame.width}x{frame.height} as in the frames folder; export without resizing"
            )
        found[record["id"]] = frame
    if not labelled & {_id(record, "id") for record in content["images"]}:
        raise DatasetError(f"labels {path}: image_id is {shown(next(iter(labelled)))}, expected the id of an image")
    if not found:
        example = next((_stem(record) for record in content["images"]), "")
        raise DatasetError(
            f"labels {path} are of none of the {len(frames)} frames (one is named {example!r}), expected names like "
            f"{frames[0].name!r}"
        )
    return found


def _parts_of_dataset(file: Path, frames: Sequence[Frame]) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Returns the content of a dataset, image by image; each has its frame's name as scene."""
    data = Dataset(file.parent)
    records = [asdict(record) for record in data.images.values()]
    content = {"images": records, "instructions": [asdict(i) for i in data.instructions]}
    matched = _matched(content, frames, file)
    order = {frame.name: position for position, frame in enumerate(frames)}
    parts = []
    for image_id, frame in sorted(matched.items(), key=lambda item: order[item[1].name]):
        said = [i for i in data.instructions if i.image_id == image_id]
        for instruction in said:
            _check_text(instruction.text, file)
            data.mask(instruction)  # a damaged mask raises here
        part = {
            "images": [asdict(data.images[image_id]) | {"scene": frame.name, "depth_file": None, "camera": None}],
            "annotations": [asdict(annotation) for annotation in data.annotations_of(image_id)],
            "instructions": [asdict(i) | {"split": SPLIT} for i in said],
        }
        parts.append(part)
    return parts, data.categories


def _check_text(text: str, file: Path) -> None:
    try:
        validate_instruction(text)
    except InstructionError as error:
        raise DatasetError(f"labels {file}: {error}") from error


def _with_images(parts: Sequence[dict[str, Any]], root: Path, images: Path) -> Iterator[dict[str, Any]]:
    """Yields the parts with the images of the frames."""
    (root / IMAGES).mkdir(exist_ok=True)
    for part in parts:
        records = []
        for record in part["images"]:
            name = f"{IMAGES}/{record['scene']}.jpg"
            link_or_copy(images / name, root / name)
            records.append(record | {"file_name": name})
        yield part | {"images": records}


def _check(merged: Mapping[str, Sequence[Mapping[str, Any]]], file: Path, frames: int) -> None:
    """Checks that there is enough for training and evaluation.

    Raises:
        DatasetError: There is too little.
    """
    number = len(merged["images"])
    if number < LEAST_FRAMES:
        raise DatasetError(
            f"labels {file} are of {number} of the {frames} frames, expected at least {LEAST_FRAMES}: some to learn "
            "from, some to measure on"
        )
    if not any(record["annotation_ids"] for record in merged["instructions"]):
        raise DatasetError(f"labels {file} hold 0 masks, expected some: all of them say that the target is not in view")
