"""The one on-disk dataset format: COCO with run-length masks, and instructions beside it.

A dataset is a folder of ``images/*.jpg``, optionally ``depth/*.png`` (16-bit millimetres, 0 = no measurement,
REP-118) and ``annotations.json``: COCO's ``images``, ``annotations`` (masks as compressed RLE of pycocotools) and
``categories``, plus ``instructions``, each of which points at an image and at the annotations it talks about (none:
not in view).
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pycocotools import mask as coco_mask

ANNOTATIONS_FILE = "annotations.json"
JPEG_QUALITY = 92

Record = TypeVar("Record")


class DatasetError(ValueError):
    """A dataset file is missing, unreadable, or contradicts itself."""


@dataclass(frozen=True)
class Camera:
    """Pinhole intrinsics in pixels."""

    fx: float
    fy: float
    cx: float
    cy: float


@dataclass(frozen=True)
class ImageRecord:
    """An image of the dataset; file names are relative to the dataset's folder."""

    id: int
    file_name: str
    height: int
    width: int
    depth_file: str | None = None
    camera: Camera | None = None


@dataclass(frozen=True)
class Annotation:
    """One object in one image. ``bbox`` is COCO's x, y, width, height in pixels."""

    id: int
    image_id: int
    category_id: int
    segmentation: dict[str, Any]
    area: int
    bbox: tuple[float, ...]
    attributes: dict[str, str] = field(default_factory=dict)
    iscrowd: int = 0


@dataclass(frozen=True)
class Instruction:
    """A sentence about an image.

    Attributes:
        annotation_ids: what it asks for; empty when that is not in view.
        source: which writer made it.
        expressions: number of referring expressions in the sentence.
        distractors: number of other visible objects of the target's kind.
        words: number of words.
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


def encode_mask(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A boolean mask (H, W) as JSON-ready compressed RLE."""
    rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


class DatasetWriter:
    """Writes a dataset; ``annotations.json`` appears at the end, whole or not at all.

    Args:
        root: folder of the dataset, made when absent.
        categories: names of all object categories, in the order of their ids (from 1).
    """

    def __init__(self, root: Path, categories: Sequence[str]) -> None:
        self.root = Path(root)
        (self.root / "images").mkdir(parents=True, exist_ok=True)
        self._category_ids = {name: i for i, name in enumerate(categories, start=1)}
        self._images: list[ImageRecord] = []
        self._annotations: list[Annotation] = []
        self._instructions: list[Instruction] = []

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def add_image(
        self, rgb: NDArray[np.uint8], *, depth: NDArray[np.float32] | None = None, camera: Camera | None = None
    ) -> int:
        """Stores an image (H, W, 3) RGB, and its depth (H, W) in metres where there is one; returns its id."""
        image_id = len(self._images) + 1
        file_name = f"images/{image_id:06d}.jpg"
        Image.fromarray(rgb).save(self.root / file_name, quality=JPEG_QUALITY)
        depth_file = None
        if depth is not None:
            depth_file = f"depth/{image_id:06d}.png"
            (self.root / "depth").mkdir(exist_ok=True)
            millimetres = np.clip(np.nan_to_num(depth) * 1000.0, 0, np.iinfo(np.uint16).max).round().astype(np.uint16)
            Image.fromarray(millimetres).save(self.root / depth_file)
        height, width = rgb.shape[:2]
        self._images.append(ImageRecord(image_id, file_name, height, width, depth_file, camera))
        return image_id

    def add_annotation(
        self, image_id: int, category: str, mask: NDArray[np.bool_], attributes: Mapping[str, str] | None = None
    ) -> int:
        """Stores one object's mask (H, W); returns the annotation's id.

        Raises:
            DatasetError: the category is not among those given to the writer.
        """
        if category not in self._category_ids:
            raise DatasetError(f"category {category!r} is not one of {sorted(self._category_ids)}")
        rle = encode_mask(mask)
        self._annotations.append(
            Annotation(
                id=len(self._annotations) + 1,
                image_id=image_id,
                category_id=self._category_ids[category],
                segmentation=rle,
                area=int(mask.sum()),
                bbox=tuple(float(x) for x in coco_mask.toBbox(rle)),
                attributes=dict(attributes or {}),
            )
        )
        return len(self._annotations)

    def add_instruction(
        self,
        image_id: int,
        annotation_ids: Sequence[int],
        text: str,
        *,
        split: str,
        source: str,
        expressions: int,
        distractors: int,
    ) -> int:
        """Stores a sentence about an image; returns the instruction's id."""
        self._instructions.append(
            Instruction(
                id=len(self._instructions) + 1,
                image_id=image_id,
                annotation_ids=tuple(annotation_ids),
                text=text,
                split=split,
                source=source,
                expressions=expressions,
                distractors=distractors,
                words=len(text.split()),
            )
        )
        return len(self._instructions)

    def close(self) -> None:
        """Writes ``annotations.json``."""
        content = {
            "images": [asdict(record) for record in self._images],
            "annotations": [asdict(record) for record in self._annotations],
            "categories": [{"id": i, "name": name} for name, i in self._category_ids.items()],
            "instructions": [asdict(record) for record in self._instructions],
        }
        path = self.root / ANNOTATIONS_FILE
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(content), encoding="utf-8")
        os.replace(partial, path)


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


class Dataset:
    """Reads a dataset; pixels are read when asked for.

    Raises:
        DatasetError: ``annotations.json`` is missing, is not JSON, lacks a field, or points at something it lacks.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        path = self.root / ANNOTATIONS_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DatasetError(f"{path} is missing, expected a dataset's annotations") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DatasetError(f"{path} is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise DatasetError(f"{path} holds {type(content).__name__}, expected a JSON object")
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
        for instruction in self.instructions:
            if instruction.image_id not in self.images:
                raise DatasetError(f"{path}: instruction {instruction.id} names image {instruction.image_id}, absent")
            for annotation_id in instruction.annotation_ids:
                if annotation_id not in self.annotations:
                    raise DatasetError(f"{path}: instruction {instruction.id} names annotation {annotation_id}, absent")

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
        """Pixels (H, W, 3) RGB.

        Raises:
            DatasetError: the file is missing, is no image, or does not have the recorded size.
        """
        record = self.images[image_id]
        rgb = np.asarray(self._open(record.file_name).convert("RGB"))
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
            picture = Image.open(path)
            picture.load()
        except FileNotFoundError as error:
            raise DatasetError(f"{path} is missing, {ANNOTATIONS_FILE} names it") from error
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise DatasetError(f"{path} is not a readable image: {error}") from error
        return picture


def _with_camera(record: ImageRecord) -> ImageRecord:
    camera = record.camera
    if isinstance(camera, dict):
        try:
            return replace(record, camera=Camera(**camera))
        except TypeError as error:
            raise DatasetError(f"image {record.id}: camera does not have the fields of Camera: {error}") from error
    return record
