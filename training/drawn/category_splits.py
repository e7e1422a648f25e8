"""Kinds of things that a grounding module is trained on, and kinds that it is only tested on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mdsm_ros.errors import DatasetError
from training.yaml_files import read_yaml


@dataclass(frozen=True)
class CategorySplit:
    """Names as they stand in a prompt.

    Attributes:
        seen: Pictures to train on show these alone.
        unseen: Named in no picture to train on.
    """

    seen: tuple[str, ...]
    unseen: tuple[str, ...]


_PASCAL = (
    "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table", "dog",
    "horse", "motorcycle", "person", "potted plant", "sheep", "couch", "train", "tv",
)  # fmt: skip


def _pascal(*unseen: str) -> CategorySplit:
    return CategorySplit(tuple(name for name in _PASCAL if name not in unseen), unseen)


SPLITS = {
    "homes": CategorySplit(
        seen=(
            "armchair", "backpack", "basket", "bench", "box", "cabinet", "door", "dresser", "picture", "pillow",
            "plant", "rug", "shelf", "stool", "table", "trash can",
        ),
        unseen=("ball", "bed", "lantern", "sofa", "suitcase"),
    ),
    "pascal-1": _pascal("tv", "car", "dog", "couch", "train"),
    "pascal-2": _pascal("horse", "motorcycle", "person", "potted plant", "sheep"),
    "pascal-3": _pascal("bus", "cat", "chair", "cow", "dining table"),
}  # fmt: skip
"""Splits by name.

"homes": 21 of the 35 kinds that ``mdsm-data captions`` crops most often out of homes, those with a shape of their own;
every fourth is unseen, big and small ones, some with a look-alike among the seen ones (sofa, armchair) and some without
(ball). "pascal-1" to "pascal-3": those of Grounded Diffusion (arXiv 2301.05221, public code), under COCO's names, by
which Mask R-CNN knows them.
"""


def read_split(name: str) -> CategorySplit:
    """A split of :data:`SPLITS`, or of a YAML file with lists ``seen`` and ``unseen``.

    Raises:
        DatasetError: There is no such split or file, or it does not hold two lists of names without a common one.
    """
    if name in SPLITS:
        return SPLITS[name]
    path = Path(name)
    if not path.is_file():
        raise DatasetError(f"categories is {name!r}, expected one of {', '.join(SPLITS)} or a YAML file")
    content = read_yaml(path, DatasetError, "lists of categories")
    if not isinstance(content, dict) or set(content) != {"seen", "unseen"}:
        raise DatasetError(f"{path}: expected the lists 'seen' and 'unseen', and nothing else")
    for key, names in content.items():
        if not (isinstance(names, list) and all(isinstance(n, str) and n.strip() for n in names)):
            raise DatasetError(f"{path}: {key} is {names!r}, expected a list of names")
    both = sorted(set(content["seen"]) & set(content["unseen"]))
    if both:
        raise DatasetError(f"{path}: {both[0]!r} is both seen and unseen")
    return CategorySplit(tuple(content["seen"]), tuple(content["unseen"]))
