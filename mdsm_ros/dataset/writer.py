"""Writing the dataset format of :mod:`mdsm_ros.dataset.format`: whole datasets, or parts of one that are merged.

A part is the result of one unit of work (a home, a scan, a thousand photographs). Its file appears after its images,
complete or not at all, so that a build that was killed resumes with the missing parts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Annotation, ImageRecord, Instruction
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import link_or_copy, write_bytes, write_json
from mdsm_ros.geometry import Camera

JPEG_QUALITY = 92
PARTS_FOLDER = "parts"


def encode_mask(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A boolean mask (H, W) as JSON-compatible compressed RLE."""
    rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


def part_path(root: Path, part: str) -> Path:
    """The file that marks a part as finished."""
    return root / PARTS_FOLDER / f"{part}.json"


class DatasetWriter:
    """Writes a dataset, or one part of it; its JSON file appears at the end, complete or not at all.

    Args:
        root: Folder of the dataset, created if missing.
        categories: Names of all object categories, in the order of their ids (from 1).
        info: Origin of the dataset, see :class:`mdsm_ros.dataset.format.Dataset`.
        part: Name of the part, which is a prefix of its images' names; None writes a whole dataset.
    """

    def __init__(
        self, root: Path, categories: Sequence[str], *, info: Mapping[str, Any] | None = None, part: str | None = None
    ) -> None:
        self.root = Path(root)
        (self.root / "images").mkdir(parents=True, exist_ok=True)
        self._begin(categories, info, part)

    def _begin(self, categories: Sequence[str], info: Mapping[str, Any] | None, part: str | None) -> None:
        self.part = part
        self._info = dict(info or {})
        self._category_ids = {name: i for i, name in enumerate(categories, start=1)}
        self._images: list[ImageRecord] = []
        self._annotations: list[Annotation] = []
        self._instructions: list[Instruction] = []
        self._counts: Counter[str] = Counter()
        self._problems: list[str] = []

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def add_image(
        self,
        rgb: NDArray[np.uint8],
        *,
        depth: NDArray[np.float32] | None = None,
        camera: Camera | None = None,
        scene: str = "",
        name: str | None = None,
    ) -> int:
        """Stores an image (H, W, 3) RGB, and its depth (H, W) in metres if given; returns its id.

        ``name`` is the name of the files without folder and suffix; None for the number of the image.
        """
        name = name or self._next_name()
        file_name = f"images/{name}.jpg"
        self._store(file_name, _encoded(Image.fromarray(rgb), "jpeg", quality=JPEG_QUALITY))
        depth_file = None
        if depth is not None:
            depth_file = f"depth/{name}.png"
            millimetres = np.clip(np.nan_to_num(depth) * 1000.0, 0, np.iinfo(np.uint16).max).round().astype(np.uint16)
            self._store(depth_file, _encoded(Image.fromarray(millimetres), "png"))
        return self._record_image(file_name, rgb.shape[0], rgb.shape[1], depth_file, camera, scene)

    def add_image_file(self, source: Path, height: int, width: int, *, scene: str = "") -> int:
        """Stores an image file unchanged, as a hard link if the file system supports them; returns the image's id.

        Raises:
            OSError: The file cannot be read.
        """
        file_name = f"images/{self._next_name()}{source.suffix.lower()}"
        link_or_copy(source, self.root / file_name)
        return self._record_image(file_name, height, width, None, None, scene)

    def _store(self, file_name: str, content: bytes) -> None:
        path = self.root / file_name
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, content)  # replaced: the existing file may be a link to an image of the user's

    def _next_name(self) -> str:
        number = len(self._images) + 1
        return f"{number:06d}" if self.part is None else f"{self.part}_{number:04d}"

    def _record_image(
        self, file_name: str, height: int, width: int, depth_file: str | None, camera: Camera | None, scene: str
    ) -> int:
        image_id = len(self._images) + 1
        self._images.append(ImageRecord(image_id, file_name, height, width, depth_file, camera, scene))
        return image_id

    def add_annotation(
        self,
        image_id: int,
        category: str,
        mask: NDArray[np.bool_],
        attributes: Mapping[str, str] | None = None,
        *,
        iscrowd: int = 0,
        occlusion: float | None = None,
    ) -> int:
        """Stores the mask (H, W) of one object, or of a crowd of them; returns the annotation's id.

        Raises:
            DatasetError: The category is not among those given to the writer.
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
                iscrowd=iscrowd,
                occlusion=None if occlusion is None else round(occlusion, 4),
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
        difficulty: str = "",
        origin: str = "",
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
                difficulty=difficulty,
                origin=origin,
            )
        )
        return len(self._instructions)

    def copy_instruction(self, instruction: Instruction, image_id: int, annotation_ids: Sequence[int]) -> int:
        """Stores an instruction of another dataset about an image and annotations of this one; returns its id."""
        return self.add_instruction(
            image_id,
            annotation_ids,
            instruction.text,
            split=instruction.split,
            source=instruction.source,
            expressions=instruction.expressions,
            distractors=instruction.distractors,
            difficulty=instruction.difficulty,
            origin=instruction.origin,
        )

    def count(self, reason: str, number: int = 1) -> None:
        """Counts something for the build's closing table, such as a sample that was dropped."""
        self._counts[reason] += number

    def problem(self, text: str) -> None:
        """Records a problem; the build lists it, and tries the part again in the next run."""
        self._problems.append(text)

    def content(self) -> dict[str, Any]:
        """The content of the JSON file."""
        return {
            "info": self._info,
            "images": [asdict(record) for record in self._images],
            "annotations": [asdict(record) for record in self._annotations],
            "categories": [{"id": i, "name": name} for name, i in self._category_ids.items()],
            "instructions": [asdict(record) for record in self._instructions],
        }

    def close(self) -> None:
        """Writes the JSON file."""
        if self.part is None:
            write_json(self.root / ANNOTATIONS_FILE, self.content())
        else:
            path = part_path(self.root, self.part)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, self.content() | {"counts": dict(self._counts), "problems": self._problems})


class MemoryWriter(DatasetWriter):
    """Writes a dataset to memory, with images compressed as on disk.

    Args:
        categories: Names of all object categories, in the order of their ids (from 1).
        part: Prefix of the images' names.
    """

    def __init__(self, categories: Sequence[str], part: str) -> None:
        self.files: dict[str, bytes] = {}
        self._begin(categories, None, part)

    def _store(self, file_name: str, content: bytes) -> None:
        self.files[file_name] = content


def _encoded(picture: Image.Image, kind: str, **options: int) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@dataclass(frozen=True)
class PartSummary:
    """The content of a finished part.

    Attributes:
        counts: Counts for the build's closing table.
        problems: Problems found in the input.
    """

    images: int
    instructions: int
    counts: dict[str, int]
    problems: list[str]


def read_part(root: Path, part: str) -> PartSummary | None:
    """Reads a finished part; None if it is not finished."""
    try:
        content = json.loads(part_path(root, part).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # missing, or damaged by a full disk or a power cut
        return None
    return PartSummary(len(content["images"]), len(content["instructions"]), content["counts"], content["problems"])
