"""``mdsm-data merge``: several datasets as one, for example homes of different recipes, or homes and SHIMRIE.

Pictures are hard links where the file system has them. Records are copied one by one, so that memory does not grow
with the datasets. Categories of the same name become one. Which split an
instruction is in stays as it is; ``mdsm-data check`` says whether splits show the same scenes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.dataset.merging import LISTS, add_dataset
from mdsm_ros.dataset.streaming import RecordsFile
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import link_or_copy
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
    with RecordsFile(out / ANNOTATIONS_FILE, LISTS) as merged:
        for number, part in enumerate(parts, start=1):
            data = Dataset(part)
            infos.append(data.info)
            for name in data.categories.values():
                categories.setdefault(name, len(categories) + 1)
            add_dataset(merged, data, categories, partial(_take, data, out, number))
        shared = [pair for info in infos for pair in info.get("may_share", [])]
        names = [{"id": i, "name": name} for name, i in categories.items()]
        merged.close({"info": {"source": "merge", "recipe": infos, "may_share": shared}}, {"categories": names})
    return merged.counts["images"], merged.counts["instructions"]


def _take(data: Dataset, out: Path, number: int, file_name: str) -> str:
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
