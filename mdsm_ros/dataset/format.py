"""The one on-disk dataset format: COCO with run-length masks, and instructions beside it.

A dataset is a folder of ``images/*.jpg``, optionally ``depth/*.png`` (16-bit millimetres, 0 = no measurement,
REP-118) and ``annotations.json``: COCO's ``info``, ``images``, ``annotations`` (masks as compressed RLE of
pycocotools) and ``categories``, plus ``instructions``, each of which refers to an image and to the annotations of its
target (none: not in view). :mod:`mdsm_ros.dataset.writer` writes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from mdsm_ros.dataset.index.open import open_index
from mdsm_ros.dataset.index.store import Store
from mdsm_ros.dataset.index.views import Rows, RowsById, Table
from mdsm_ros.dataset.links import crossed, dangling, fault_text, ids_used_twice
from mdsm_ros.dataset.records import (
    Annotation,
    ImageRecord,
    Instruction,
    read_categories,
    read_info,
    read_records,
)
from mdsm_ros.errors import DatasetError, ImageError
from mdsm_ros.foreign import inside, is_integer, read_json, shown
from mdsm_ros.pixels import open_picture, picture_to_rgb, upright

__all__ = ["ANNOTATIONS_FILE", "Annotation", "Dataset", "ImageRecord", "Instruction", "MemoryDataset", "difficulty"]

ANNOTATIONS_FILE = "annotations.json"
DEPTH_MODES = ("I;16", "I;16B", "I;16L", "I", "L")  # of Pillow, one channel each


def difficulty(expressions: int, distractors: int, share: float, occlusion: float | None) -> str:
    """The difficulty of an instruction: "easy" without a hard trait, "medium" with one, "hard" with more.

    The traits: three or more referring expressions; two or more distractors; less than 1 % of the image; 30 % or more
    of the silhouette hidden.

    Args:
        expressions: Number of referring expressions.
        distractors: Number of other visible objects of the target's category.
        share: Fraction of the image that the target covers; 1 for a target that is not in view.
        occlusion: Fraction of the target's silhouette that is hidden; None if unknown.
    """
    traits = (expressions >= 3, distractors >= 2, share < 0.01, (occlusion or 0.0) >= 0.3)
    return ("easy", "medium", "hard")[min(sum(traits), 2)]


class Dataset:
    """Reads a dataset; pixels are read on demand, and so are the records of a large dataset, from an index.

    Args:
        root: Folder of the dataset.
        links: Whether to check references between records; False leaves that to ``mdsm-data check``.

    Attributes:
        info: Origin of the dataset: ``source``, ``recipe`` (the options that determine its content) and ``may_share``
            (pairs of splits that show the same scenes on purpose).

    Raises:
        DatasetError: ``annotations.json`` is missing, is not JSON, lacks a field, contains an invalid value or a file
            name that leads out of the folder, refers to a missing record, or uses an id twice.
    """

    _index: Store | None = None

    def __init__(self, root: Path, *, links: bool = True) -> None:
        self.root, path = Path(root), Path(root) / ANNOTATIONS_FILE
        store = open_index(path)
        if store is not None:
            self._use(store, links=links)
            return
        content = read_json(path, DatasetError, "a dataset's annotations")
        if not isinstance(content, dict):
            raise DatasetError(f"{path} holds {type(content).__name__}, expected a JSON object")
        self._take(content, Path(root), path, links=links)

    def _take(self, content: Mapping[str, Any], root: Path, path: Path, *, links: bool = True) -> None:
        """Fills the dataset from the content of ``annotations.json``; messages name ``path``."""
        self.root = root
        self.info: dict[str, Any] = read_info(content, path)
        self.categories = read_categories(content, path)
        images = read_records(ImageRecord, content, "images", path)
        annotations = read_records(Annotation, content, "annotations", path)
        instructions = read_records(Instruction, content, "instructions", path)
        self.instructions: Sequence[Instruction] = instructions
        self.images: Mapping[int, ImageRecord] = {record.id: record for record in images}
        self.annotations: Mapping[int, Annotation] = {record.id: record for record in annotations}
        self._by_image: dict[int, list[Annotation]] = defaultdict(list)
        for annotation in self.annotations.values():
            self._by_image[annotation.image_id].append(annotation)
        self._about_image: dict[int, list[Instruction]] = defaultdict(list)
        for instruction in instructions:
            self._about_image[instruction.image_id].append(instruction)
        ids = {
            "images": [record.id for record in images],
            "annotations": [record.id for record in annotations],
            "instructions": [record.id for record in instructions],
        }
        faults = [*ids_used_twice(**ids), *dangling(instructions, self.images, self.annotations)]
        if links and not faults:
            faults += crossed(instructions, self.images, self.annotations, self.categories)
        if faults:
            raise DatasetError(fault_text(path, faults[0], len(faults)))

    def _use(self, store: Store, *, links: bool) -> None:
        """Takes the records from an index, when they are used."""
        about, self._index = store.about, store
        if links and about["crossed"]:
            raise DatasetError(fault_text(store.source, *about["crossed"]))
        self.info, self.categories = read_info(about, store.path), read_categories(about, store.path)
        self._table: Table[Instruction] = Table(store, "instructions")
        self.instructions = Rows(self._table, range(self._table.length))
        self.images = RowsById(Table(store, "images"))
        self.annotations = RowsById(Table(store, "annotations"))

    def split(self, name: str) -> Sequence[Instruction]:
        """The instructions of one split.

        Raises:
            DatasetError: The split has no instruction.
        """
        chosen: Sequence[Instruction]
        if self._index is None:
            chosen = [instruction for instruction in self.instructions if instruction.split == name]
        else:
            chosen = Rows(self._table, np.fromiter(self._table.column("position", "split = ?", name), np.int64))
        if not chosen:
            splits = sorted(set(self.column("split")))
            raise DatasetError(f"{self.root}: no instruction of split {name!r}, expected one of {splits}")
        return chosen

    def column(self, field: str, split: str | None = None) -> Iterator[Any]:
        """One field of all instructions, or of those of a split, in order; large datasets read nothing else."""
        if self._index is None:
            return (getattr(i, field) for i in self.instructions if split in (None, i.split))
        return self._table.column(field) if split is None else self._table.column(field, "split = ?", split)

    def annotations_of(self, image_id: int) -> list[Annotation]:
        """All objects annotated in an image."""
        if isinstance(self.annotations, RowsById):
            return self.annotations.table.where("image_id = ?", int(image_id))
        return self._by_image[image_id]

    def instructions_of(self, image_id: int) -> list[Instruction]:
        """All instructions about an image."""
        return self._about_image[image_id] if self._index is None else self._table.where("image_id = ?", int(image_id))

    def image(self, image_id: int) -> NDArray[np.uint8]:
        """The pixels (H, W, 3) of an image, 8-bit RGB.

        A file with an EXIF orientation is rotated if it then has the recorded size.

        Raises:
            DatasetError: The file is missing, is not an image, or does not have the recorded size.
        """
        record = self.images[image_id]
        stored = self._open(record.file_name, record)
        try:
            turned = upright(stored)
            rgb = picture_to_rgb(turned if turned.size == (record.width, record.height) else stored)
        except (ImageError, ValueError) as error:
            raise DatasetError(f"{self.root / record.file_name} is not a readable image: {error}") from error
        if rgb.shape[:2] != (record.height, record.width):
            raise self._wrong_size(record.file_name, stored, record)
        return rgb

    def depth(self, image_id: int) -> NDArray[np.float32] | None:
        """The depth (H, W) in metres, 0 without a measurement; None if the image has no depth.

        Raises:
            DatasetError: The file is missing, does not have one channel, or is larger than its image.
        """
        record = self.images[image_id]
        if record.depth_file is None:
            return None
        picture = self._open(record.depth_file, record)
        if picture.mode not in DEPTH_MODES:
            raise DatasetError(
                f"{self.root / record.depth_file} is a picture of mode {picture.mode}, expected 16-bit millimetres"
            )
        return np.asarray(picture).astype(np.float32) / 1000.0

    def mask_of(self, annotation_id: int) -> NDArray[np.bool_]:
        """The mask (H, W) of an annotation.

        Raises:
            DatasetError: The RLE is damaged or has another size than the image.
        """
        annotation = self.annotations[annotation_id]
        record = self.images.get(annotation.image_id)
        if record is None:
            raise DatasetError(f"annotation {annotation_id} is of image {annotation.image_id}, absent")
        size, counts = annotation.segmentation.get("size"), annotation.segmentation.get("counts")
        sides = list(size) if isinstance(size, list | tuple) and all(map(is_integer, size)) else None
        if sides != [record.height, record.width] or not isinstance(counts, str):
            raise DatasetError(
                f"annotation {annotation_id} has a mask of size {shown(size)}, expected compressed RLE of "
                f"{[record.height, record.width]}"
            )
        try:
            mask: NDArray[np.bool_] = coco_mask.decode({"size": sides, "counts": counts.encode("ascii")}).astype(bool)
            return mask
        except (ValueError, MemoryError) as error:
            raise DatasetError(f"annotation {annotation_id} has a damaged RLE mask: {error}") from error

    def mask(self, instruction: Instruction) -> NDArray[np.bool_]:
        """The mask (H, W) of an instruction's target; all False if it is not in view.

        Raises:
            DatasetError: As for :meth:`mask_of`.
        """
        record = self.images[instruction.image_id]
        mask = np.zeros((record.height, record.width), dtype=bool)
        for annotation_id in instruction.annotation_ids:
            found = self.mask_of(annotation_id)
            if found.shape != mask.shape:
                raise DatasetError(f"instruction {instruction.id} names annotation {annotation_id} of another image")
            mask |= found
        return mask

    def _open(self, file_name: str, record: ImageRecord) -> Image.Image:
        """Decodes a file that is no larger than its image."""
        path = self.root / file_name
        try:
            picture = open_picture(self._bytes(file_name))
            if picture.width * picture.height > record.width * record.height:
                raise self._wrong_size(file_name, picture, record)
            picture.load()
        except DatasetError:
            raise
        except (FileNotFoundError, KeyError) as error:
            raise DatasetError(f"{path} is missing, {ANNOTATIONS_FILE} names it") from error
        except Exception as error:  # decoders of foreign bytes raise many types
            raise DatasetError(f"{path} is not a readable image: {error}") from error
        return picture

    def _wrong_size(self, file_name: str, picture: Image.Image, record: ImageRecord) -> DatasetError:
        return DatasetError(
            f"{self.root / file_name} is {picture.width}x{picture.height} pixels, "
            f"expected {record.width}x{record.height}"
        )

    def _bytes(self, file_name: str) -> Path | BytesIO:
        return inside(self.root, file_name, DatasetError)


class MemoryDataset(Dataset):
    """A dataset in memory: the content of ``annotations.json`` and the files' bytes by name.

    Raises:
        DatasetError: As for :class:`Dataset`; messages name its origin ``where``.
    """

    def __init__(self, content: Mapping[str, Any], files: Mapping[str, bytes], where: str) -> None:
        self._files = files
        self._take(content, Path(where), Path(where))

    def _bytes(self, file_name: str) -> BytesIO:
        return BytesIO(self._files[file_name])
