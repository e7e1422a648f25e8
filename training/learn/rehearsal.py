"""Rehearsal data against forgetting: the model's own training mixture, or a stand-in that is made here.

The training data of the embedded model are not part of this package. The photographs of the demo and newly rendered
homes are the stand-in for them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.dataset.merging import merge_contents
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.extras import is_installed
from mdsm_ros.files import link_or_copy, write_json
from mdsm_ros.foreign import inside
from training.augment.command import make_views
from training.datasets.merge import merge_datasets

SOURCE = "rehearsal"
PHOTOGRAPHS = Path(__file__).resolve().parents[2] / "mdsm_ros" / "demo" / "photographs"
PHOTOGRAPH_VIEWS = 15
HOMES: Mapping[str, int] = {"train": 3, "val": 1, "test": 1}  # number of homes in each split
HOME_SIZE = (400, 300)
MIXED: Mapping[str, int] = {
    "train": 400,
    "val": 60,
    "test": 60,
}  # number of images from each split of the user's mixture


def write_rehearsal(folder: Path, mix: Path | None, side: int, seed: int) -> int:
    """Writes the rehearsal data as a dataset with the splits of its sources; returns its number of images.

    Args:
        folder: Folder of the dataset.
        mix: The user's dataset; None: a stand-in is made.
        side: Side of the model's input, pixels.
        seed: Random seed.

    Raises:
        DatasetError: The user's dataset cannot be read.
        OSError: The folder cannot be written.
    """
    if mix is not None:
        return _write_sample(folder, Dataset(mix), seed)
    parts = [_photographs(folder, side, seed)]
    if is_installed("mujoco"):
        parts.append(_homes(folder / "homes"))
    else:
        print("note: no homes are rehearsed, since MuJoCo is not installed (extra [sim])", file=sys.stderr)
    images, _ = merge_datasets(parts, folder)
    _rename_source(folder)
    return images


def _photographs(folder: Path, side: int, seed: int) -> Path:
    """Writes augmented photographs of the demo, all for training."""
    plain, views = folder / "photographs", folder / "photograph-views"
    data = Dataset(PHOTOGRAPHS)
    _copy(plain, data, sorted(data.images), "train")
    make_views(plain, views, {"split": "train", "views": PHOTOGRAPH_VIEWS, "sentences": 6, "size": side, "seed": seed})
    return views


def _homes(folder: Path) -> Path:
    """Renders homes; evaluation uses other homes than training."""
    from mdsm_ros.homes import CATEGORIES
    from mdsm_ros.homes.furnishing.options import SPLIT_MODELS, stock_of_cache
    from mdsm_ros.homes.generate import SPLIT_SEEDS, write_home

    with DatasetWriter(folder, CATEGORIES, info={"source": "homes"}) as writer:
        for split, number in HOMES.items():
            stock = stock_of_cache(SPLIT_MODELS.get(split, "all"))
            for home in range(number):
                write_home(writer, SPLIT_SEEDS[split] + home, split=split, size=HOME_SIZE, depth=False, stock=stock)
    return folder


def _write_sample(folder: Path, data: Dataset, seed: int) -> int:
    """Copies some images of each split of a dataset."""
    rng = np.random.default_rng((seed, 5))
    chosen: list[int] = []
    for split, most in MIXED.items():
        ids = sorted({i.image_id for i in data.instructions if i.split == split} - set(chosen))
        chosen += sorted(int(i) for i in rng.permutation(ids)[:most])
    if not any(i.split == "train" and i.image_id in set(chosen) for i in data.instructions):
        raise DatasetError(f"mix {str(data.root)!r} holds 0 instructions of the split 'train', expected some")
    _copy(folder, data, chosen, None)
    return len(chosen)


def _copy(folder: Path, data: Dataset, image_ids: Sequence[int], split: str | None) -> None:
    """Copies images with their annotations and instructions, into one split or into their own splits."""
    wanted = set(image_ids)
    for image_id in image_ids:
        name = data.images[image_id].file_name
        target = inside(folder, name, DatasetError)
        target.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(inside(data.root, name, DatasetError), target)
    changed: dict[str, Any] = {"source": SOURCE} | ({} if split is None else {"split": split})
    content = {
        "images": [asdict(data.images[i]) | {"depth_file": None, "camera": None} for i in image_ids],
        "annotations": [asdict(a) for a in data.annotations.values() if a.image_id in wanted],
        "instructions": [asdict(i) | changed for i in data.instructions if i.image_id in wanted],
    }
    names = [{"id": i, "name": name} for i, name in data.categories.items()]
    merged = merge_contents([content])
    write_json(folder / ANNOTATIONS_FILE, {"info": {"source": SOURCE}, **merged, "categories": names})


def _rename_source(folder: Path) -> None:
    """Gives all instructions the same source, as the training mixture expects."""
    data = Dataset(folder)
    _copy(folder, data, sorted(data.images), None)
