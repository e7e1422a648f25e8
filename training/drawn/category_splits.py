"""Categories that a module is trained on, and categories that it is only tested on, from ``training/drawn/splits/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mdsm_ros.errors import DatasetError
from training.yaml_files import read_yaml

FOLDER = Path(__file__).parent / "splits"
SPLITS = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
"""The names of the splits; each file says whose it is."""


@dataclass(frozen=True)
class CategorySplit:
    """Names as they stand in a prompt.

    Attributes:
        seen: Categories of the images to train on.
        unseen: Categories that no image to train on shows, or that no instruction to train on asks for.
        aliases: Names that datasets have for a category beside its own.
        ignored: Categories of datasets of which it is unknown whether they belong to one of the split.
    """

    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def first_seen(self, number: int | None) -> CategorySplit:
        """The same split with the first ``number`` seen categories; None keeps all.

        Raises:
            DatasetError: There are not so many.
        """
        if number is None:
            return self
        if not 1 <= number <= len(self.seen):
            raise DatasetError(f"seen is {number}, expected 1 to the split's {len(self.seen)} seen categories")
        return CategorySplit(self.seen[:number], self.unseen, self.aliases, self.ignored)


def read_split(name: str) -> CategorySplit:
    """A split of :data:`SPLITS`, or of a YAML file with lists ``seen`` and ``unseen``.

    Raises:
        DatasetError: There is no such split or file, or it does not hold two lists of names without a common one.
    """
    path = FOLDER / f"{name}.yaml" if name in SPLITS else Path(name)
    if not path.is_file():
        raise DatasetError(f"categories is {name!r}, expected one of {', '.join(SPLITS)} or a YAML file")
    content = read_yaml(path, DatasetError, "lists of categories")
    optional = {"aliases", "ignored"}
    if not isinstance(content, dict) or set(content) - optional != {"seen", "unseen"}:
        raise DatasetError(f"{path}: expected the lists 'seen' and 'unseen', and only {sorted(optional)} beside them")
    seen, unseen = _names(path, "seen", content["seen"]), _names(path, "unseen", content["unseen"])
    both = sorted(set(seen) & set(unseen))
    if both:
        raise DatasetError(f"{path}: {both[0]!r} is both seen and unseen")
    aliases = content.get("aliases") or {}
    if not isinstance(aliases, dict) or set(aliases) - {*seen, *unseen}:
        raise DatasetError(f"{path}: aliases is {aliases!r}, expected lists of names by seen and unseen categories")
    return CategorySplit(
        seen,
        unseen,
        {kind: _names(path, f"aliases of {kind!r}", names) for kind, names in aliases.items()},
        _names(path, "ignored", content.get("ignored") or []),
    )


def _names(path: Path, key: str, names: Any) -> tuple[str, ...]:
    if not (isinstance(names, list) and all(isinstance(n, str) and n.strip() for n in names)):
        raise DatasetError(f"{path}: {key} is {names!r}, expected a list of names")
    return tuple(names)
