"""``mdsm-data merge``: several datasets as one, for example homes of different recipes, or homes and SHIMRIE.

Pictures are hard links where the file system has them. Categories of the same name become one. Which split an
instruction is in stays as it is; ``mdsm-data check`` says whether splits show the same scenes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.dataset.writer import merge_contents
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import link_or_copy, write_json
from mdsm_ros.foreign import inside


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("parts", type=Path, nargs="+", help="folders of datasets")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new dataset")


def run(args: argparse.Namespace) -> int:
    """Writes the new dataset; returns the exit status.

    Raises:
        DatasetError: A part is not a valid dataset, or the new folder already contains one.
        OSError: An image cannot be read.
    """
    if (args.out / ANNOTATIONS_FILE).exists():
        raise DatasetError(f"--out is {args.out}, which holds a dataset already")
    images, instructions = merge_datasets(args.parts, args.out)
    print(f"{args.out}: {images} images, {instructions} instructions")
    return 0


def merge_datasets(parts: Sequence[Path], out: Path) -> tuple[int, int]:
    """Merges several datasets into one; returns its numbers of images and instructions.

    Raises:
        DatasetError: A part is not a valid dataset.
        OSError: An image cannot be read.
    """
    categories: dict[str, int] = {}
    infos: list[dict[str, Any]] = []
    merged = merge_contents(_contents(parts, out, categories, infos))
    shared = [pair for info in infos for pair in info.get("may_share", [])]
    names = [{"id": i, "name": name} for name, i in categories.items()]
    info = {"source": "merge", "recipe": infos, "may_share": shared}
    write_json(out / ANNOTATIONS_FILE, {"info": info, **merged, "categories": names})
    return len(merged["images"]), len(merged["instructions"])


def _contents(
    parts: Sequence[Path], out: Path, categories: dict[str, int], infos: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yields each part with new image names; fills in the common ids of categories."""
    for number, part in enumerate(parts, start=1):
        data = Dataset(part)
        infos.append(data.info)
        for name in data.categories.values():
            categories.setdefault(name, len(categories) + 1)
        images = []
        for image in data.images.values():
            files = {"file_name": image.file_name, "depth_file": image.depth_file}
            images.append(asdict(image) | {key: file and _take(data, file, out, number) for key, file in files.items()})
        annotations = []
        for annotation in data.annotations.values():
            category_id = categories[data.categories[annotation.category_id]]
            annotations.append(asdict(annotation) | {"category_id": category_id})
        instructions = [asdict(instruction) for instruction in data.instructions]
        yield {"images": images, "annotations": annotations, "instructions": instructions}


def _take(data: Dataset, file_name: str, out: Path, number: int) -> str:
    """Stores an image under a name that begins with the number of its dataset; returns the name.

    Raises:
        DatasetError: The name leads out of the dataset, or the existing path in the new dataset leads out of it.
    """
    path = PurePosixPath(file_name)
    new_name = str(path.with_name(f"{number}_{path.name}"))
    target = inside(out, new_name, DatasetError)
    target.parent.mkdir(parents=True, exist_ok=True)
    link_or_copy(inside(data.root, file_name, DatasetError), target)
    return new_name
