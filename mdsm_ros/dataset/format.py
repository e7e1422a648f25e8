"""The one on-disk dataset format: COCO with run-length masks, and instructions beside it.

A dataset is a folder of ``images/*.jpg``, optionally ``depth/*.png`` (16-bit millimetres, 0 = no measurement,
REP-118) and ``annotations.json``: COCO's ``info``, ``images``, ``annotations`` (masks as compressed RLE of
pycocotools) and ``categories``, plus ``instructions``, each of which points at an image and at the annotations it
talks about (none: not in view). :mod:`mdsm_ros.dataset.writer` writes it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pycocotools import mask as coco_mask

from mdsm_ros.errors import DatasetError, ImageError
from mdsm_ros.geometry import Camera
from mdsm_ros.pixels import open_picture, picture_to_rgb, upright

ANNOTATIONS_FILE = "annotations.json"

Record = TypeVar("Record")


@dataclass(frozen=True)
class ImageRecord:
    """An image of the dataset; file names are relative to the dataset's folder.

    ``scene`` names the place that the image shows (a scan, a home, a COCO image); splits are kept apart by it.
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
        occlusion: share of the object's silhouette in the image that other things hide; None where unknown.
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
        annotation_ids: what it asks for; empty when that is not in view.
        source: which writer made it.
        expressions: number of referring expressions in the sentence.
        distractors: number of other visible objects of the target's kind.
        words: number of words.
        difficulty: "easy", "medium" or "hard" by :func:`difficulty`; "" where the writer gave none.
        origin: where the writer took the sentence from, for tracing it back.
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


def difficulty(expressions: int, distractors: int, share: float, occlusion: float | None) -> str:
    """How hard an instruction is for its target: "easy" without a hard trait, "medium" with one, "hard" with more.

    The traits: three or more referring expressions; two or more distractors; less than 1 % of the image; 30 % or more
    of the silhouette hidden.

    Args:
        expressions: number of referring expressions.
        distractors: number of other visible objects of the target's kind.
        share: the target's visible pixels as a share of the image; 1 for a target that is not in view.
        occlusion: share of the target's silhouette that is hidden, None where unknown.
    """
    traits = (expressions >= 3, distractors >= 2, share < 0.01, (occlusion or 0.0) >= 0.3)
    return ("easy", "medium", "hard")[min(sum(traits), 2)]


def _records(kind: type[Record], content: Mapping[str, Any], key: str, path: Path) -> list[Record]:
    if not isinstance(content.get(key), list):
        raise DatasetError(f"{path}: {key!r} is missing, expected a list")
    records = []
    for index, entry in enumerate(content[key]):
        try:
            records.append(kind(**entry))
        except TypeError as error:
            raise DatasetError(
                f"{path}: {key}[{index}] does not have the fields of {kind.__name__}: {error}"
            ) from error
    return records


def _used_twice(content: Mapping[str, Any]) -> Iterator[str]:
    for key in ("images", "annotations", "instructions"):
        for value, number in Counter(entry["id"] for entry in content[key]).items():
            if number > 1:
                yield f"{key} has {number} records with id {value}"


class Dataset:
    """Reads a dataset; pixels are read when asked for.

    Attributes:
        info: how the dataset was made: ``source``, ``recipe`` (the options that decide its content) and ``may_share``
            (pairs of splits that show the same scenes on purpose).

    Raises:
        DatasetError: ``annotations.json`` is missing, is not JSON, lacks a field, points at something it lacks, or
            uses an id twice.
    """

    def __init__(self, root: Path) -> None:
        path = Path(root) / ANNOTATIONS_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DatasetError(f"{path} is missing, expected a dataset's annotations") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DatasetError(f"{path} is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise DatasetError(f"{path} holds {type(content).__name__}, expected a JSON object")
        self._take(content, Path(root), path)

    def _take(self, content: Mapping[str, Any], root: Path, path: Path) -> None:
        """Fills the dataset from the content of ``annotations.json``; messages name ``path``."""
        self.root = root
        self.info: dict[str, Any] = content.get("info", {})
        self.categories = {entry["id"]: entry["name"] for entry in content.get("categories", [])}
        self.images = {
            record.id: record for record in map(_with_camera, _records(ImageRecord, content, "images", path))
        }
        self.annotations = {
            record.id: replace(record, bbox=tuple(record.bbox))
            for record in _records(Annotation, content, "annotations", path)
        }
        self.instructions = [
            replace(record, annotation_ids=tuple(record.annotation_ids))
            for record in _records(Instruction, content, "instructions", path)
        ]
        self._by_image: dict[int, list[Annotation]] = defaultdict(list)
        for annotation in self.annotations.values():
            self._by_image[annotation.image_id].append(annotation)
        faults = [*_used_twice(content), *self._dangling()]
        if faults:
            raise DatasetError(f"{path}: {faults[0]}" + (f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""))

    def _dangling(self) -> Iterator[str]:
        for instruction in self.instructions:
            if instruction.image_id not in self.images:
                yield f"instruction {instruction.id} names image {instruction.image_id}, absent"
            for annotation_id in instruction.annotation_ids:
                if annotation_id not in self.annotations:
                    yield f"instruction {instruction.id} names annotation {annotation_id}, absent"

    def split(self, name: str) -> list[Instruction]:
        """The instructions of one split.

        Raises:
            DatasetError: there is none.
        """
        chosen = [instruction for instruction in self.instructions if instruction.split == name]
        if not chosen:
            splits = sorted({instruction.split for instruction in self.instructions})
            raise DatasetError(f"{self.root}: no instruction of split {name!r}, expected one of {splits}")
        return chosen

    def annotations_of(self, image_id: int) -> list[Annotation]:
        """All objects annotated in an image."""
        return self._by_image[image_id]

    def image(self, image_id: int) -> NDArray[np.uint8]:
        """Pixels (H, W, 3) RGB, 8 bits.

        A file with an EXIF orientation is turned by it where it has the recorded size then.

        Raises:
            DatasetError: the file is missing, is no image, or does not have the recorded size.
        """
        record = self.images[image_id]
        stored = self._open(record.file_name)
        try:
            turned = upright(stored)
            rgb = picture_to_rgb(turned if turned.size == (record.width, record.height) else stored)
        except (ImageError, ValueError) as error:
            raise DatasetError(f"{self.root / record.file_name} is not a readable image: {error}") from error
        if rgb.shape[:2] != (record.height, record.width):
            raise DatasetError(
                f"{self.root / record.file_name} is {rgb.shape[1]}x{rgb.shape[0]} pixels, "
                f"expected {record.width}x{record.height}"
            )
        return rgb

    def depth(self, image_id: int) -> NDArray[np.float32] | None:
        """Depth (H, W) in metres, 0 where there is no measurement; None where the image has no depth."""
        record = self.images[image_id]
        if record.depth_file is None:
            return None
        return np.asarray(self._open(record.depth_file)).astype(np.float32) / 1000.0

    def mask_of(self, annotation_id: int) -> NDArray[np.bool_]:
        """Mask (H, W) of one annotation.

        Raises:
            DatasetError: the RLE is damaged or has another size than the image.
        """
        annotation = self.annotations[annotation_id]
        record = self.images[annotation.image_id]
        size, counts = annotation.segmentation.get("size"), annotation.segmentation.get("counts")
        if size != [record.height, record.width] or not isinstance(counts, str):
            raise DatasetError(
                f"annotation {annotation_id} has a mask of size {size}, expected compressed RLE of "
                f"{[record.height, record.width]}"
            )
        try:
            return coco_mask.decode({"size": size, "counts": counts.encode("ascii")}).astype(bool)
        except (ValueError, UnicodeEncodeError) as error:
            raise DatasetError(f"annotation {annotation_id} has a damaged RLE mask: {error}") from error

    def mask(self, instruction: Instruction) -> NDArray[np.bool_]:
        """Mask (H, W) of what an instruction asks for; all False when that is not in view."""
        record = self.images[instruction.image_id]
        mask = np.zeros((record.height, record.width), dtype=bool)
        for annotation_id in instruction.annotation_ids:
            mask |= self.mask_of(annotation_id)
        return mask

    def _open(self, file_name: str) -> Image.Image:
        path = self.root / file_name
        try:
            picture = open_picture(self._bytes(file_name))
            picture.load()
        except (FileNotFoundError, KeyError) as error:
            raise DatasetError(f"{path} is missing, {ANNOTATIONS_FILE} names it") from error
        except (UnidentifiedImageError, ImageError, OSError, SyntaxError) as error:
            raise DatasetError(f"{path} is not a readable image: {error}") from error
        return picture

    def _bytes(self, file_name: str) -> Path | BytesIO:
        return self.root / file_name


class MemoryDataset(Dataset):
    """A dataset that never was in a folder: the content of ``annotations.json`` and the files' bytes by name.

    Raises:
        DatasetError: as :class:`Dataset`; messages name ``where`` it came from.
    """

    def __init__(self, content: Mapping[str, Any], files: Mapping[str, bytes], where: str) -> None:
        self._files = files
        self._take(content, Path(where), Path(where))

    def _bytes(self, file_name: str) -> BytesIO:
        return BytesIO(self._files[file_name])


def _with_camera(record: ImageRecord) -> ImageRecord:
    camera = record.camera
    if isinstance(camera, dict):
        try:
            return replace(record, camera=Camera(**camera))
        except TypeError as error:
            raise DatasetError(f"image {record.id}: camera does not have the fields of Camera: {error}") from error
    return record
