"""``mdsm-data merge``: several datasets as one, for example homes of different recipes, or homes and SHIMRIE.

Pictures are hard links where the file system has them. Categories of the same name become one. Which split an
instruction is in stays as it is; ``mdsm-data check`` says whether splits show the same scenes.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mdsm_ros.annotation_writer import link_or_copy, write_json
from mdsm_ros.annotations import ANNOTATIONS_FILE, Annotation, Dataset, DatasetError, ImageRecord, Instruction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("parts", type=Path, nargs="+", help="folders of datasets")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new dataset")


def run(args: argparse.Namespace) -> int:
    """Writes the new dataset; returns the exit status.

    Raises:
        DatasetError: a part is no sound dataset, or there is one in the new folder already.
        OSError: a picture cannot be read.
    """
    if (args.out / ANNOTATIONS_FILE).exists():
        raise DatasetError(f"--out is {args.out}, which holds a dataset already")
    merged = Merged(args.out)
    for part in args.parts:
        merged.add(Dataset(part))
    merged.close()
    print(f"{args.out}: {len(merged.images)} images, {len(merged.instructions)} instructions")
    return 0


class Merged:
    """A dataset that grows by whole datasets, in order; its JSON file appears at the end, whole or not at all.

    Args:
        root: its folder, made when absent.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images: list[ImageRecord] = []
        self.instructions: list[Instruction] = []
        self._annotations: list[Annotation] = []
        self._categories: dict[str, int] = {}
        self._infos: list[dict[str, Any]] = []

    def add(self, data: Dataset) -> None:
        """Takes everything of a dataset over, with new ids and new file names.

        Raises:
            DatasetError: an annotation is of an image or a category that is not there.
            OSError: a picture cannot be read.
        """
        self._infos.append(data.info)
        for name in data.categories.values():
            self._categories.setdefault(name, len(self._categories) + 1)
        image_ids, annotation_ids = {}, {}
        for image in data.images.values():
            image_ids[image.id] = len(self.images) + 1
            image_file = self._take(data, image.file_name)
            depth_file = None if image.depth_file is None else self._take(data, image.depth_file)
            self.images.append(replace(image, id=image_ids[image.id], file_name=image_file, depth_file=depth_file))
        for annotation in data.annotations.values():
            if annotation.image_id not in image_ids or annotation.category_id not in data.categories:
                raise DatasetError(
                    f"{data.root}: annotation {annotation.id} is of image {annotation.image_id} and category "
                    f"{annotation.category_id}, expected some that are there; mdsm-data check lists all faults"
                )
            annotation_ids[annotation.id] = len(self._annotations) + 1
            self._annotations.append(
                replace(
                    annotation,
                    id=annotation_ids[annotation.id],
                    image_id=image_ids[annotation.image_id],
                    category_id=self._categories[data.categories[annotation.category_id]],
                )
            )
        for instruction in data.instructions:
            self.instructions.append(
                replace(
                    instruction,
                    id=len(self.instructions) + 1,
                    image_id=image_ids[instruction.image_id],
                    annotation_ids=tuple(annotation_ids[i] for i in instruction.annotation_ids),
                )
            )

    def _take(self, data: Dataset, file_name: str) -> str:
        """Stores a picture under a name that begins with the number of its dataset; returns that."""
        path = Path(file_name)
        new_name = str(path.with_name(f"{len(self._infos)}_{path.name}"))
        (self.root / new_name).parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(data.root / file_name, self.root / new_name)
        return new_name

    def close(self) -> None:
        """Writes the JSON file."""
        shared = [pair for info in self._infos for pair in info.get("may_share", [])]
        content = {
            "info": {"source": "merge", "recipe": self._infos, "may_share": shared},
            "images": [asdict(record) for record in self.images],
            "annotations": [asdict(record) for record in self._annotations],
            "categories": [{"id": i, "name": name} for name, i in self._categories.items()],
            "instructions": [asdict(record) for record in self.instructions],
        }
        write_json(self.root / ANNOTATIONS_FILE, content)
