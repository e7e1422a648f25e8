"""How often the five best classes of a picture hold one that fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mdsm_ros.errors import DatasetError

BEST = 5


@dataclass(frozen=True)
class Judged:
    """One picture.

    Attributes:
        group: Library, procedural, photographs or drawn.
        name: Name of the object.
        kind: Category of the object.
        classes: Names of the best classes, the best first.
        fits: One of them fits the kind.
    """

    group: str
    name: str
    kind: str
    classes: tuple[str, ...]
    fits: bool


def fitting_classes(kinds: Mapping[str, Sequence[str]], classes: Sequence[str]) -> dict[str, frozenset[int]]:
    """The numbers of the classes that fit each kind; kinds without one are left out.

    Args:
        kinds: Names of the classes by kind.
        classes: All names, in the order of the network's outputs.

    Raises:
        DatasetError: A name is of no class.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    for kind, names in kinds.items():
        for name in names:
            if name not in numbers:
                raise DatasetError(f"kind {kind!r}: class is {name!r}, expected one of ImageNet's names")
    return {kind: frozenset(numbers[name] for name in names) for kind, names in kinds.items() if names}


def fraction(judged: Sequence[Judged]) -> float:
    """Fraction of the pictures that fit; not a number without any."""
    return sum(picture.fits for picture in judged) / len(judged) if judged else float("nan")


def mean_of_kinds(judged: Sequence[Judged]) -> float:
    """The mean over the kinds of the fraction of their pictures that fit."""
    kinds = sorted({picture.kind for picture in judged})
    fractions = [fraction([picture for picture in judged if picture.kind == kind]) for kind in kinds]
    return sum(fractions) / len(fractions) if fractions else float("nan")


def report(judged: Sequence[Judged]) -> str:
    """Tables in Markdown: each group as a whole, on the kinds that library and procedural shapes share, and by kind."""
    groups = list(dict.fromkeys(picture.group for picture in judged))
    by_group = {group: [picture for picture in judged if picture.group == group] for group in groups}
    kinds_of = {group: {picture.kind for picture in pictures} for group, pictures in by_group.items()}
    shared = kinds_of.get("library", set()) & kinds_of.get("procedural", set())
    lines = [
        "| group | things | kinds | pictures | five best fit | mean of the kinds |",
        "|---|---|---|---|---|---|",
        *(_row(group, pictures) for group, pictures in by_group.items()),
        *(
            _row(f"{group}, kinds of both", [picture for picture in by_group[group] if picture.kind in shared])
            for group in ("library", "procedural")
            if shared
        ),
        "",
        "| kind | " + " | ".join(f"{group} (pictures)" for group in groups) + " |",
        "|---" * (1 + len(groups)) + "|",
    ]
    for kind in sorted(set().union(*kinds_of.values())):
        cells = [[picture for picture in by_group[group] if picture.kind == kind] for group in groups]
        lines.append(f"| {kind} | " + " | ".join(f"{fraction(c):.2f} ({len(c)})" if c else "" for c in cells) + " |")
    return "\n".join(lines)


def _row(name: str, judged: Sequence[Judged]) -> str:
    things, kinds = ({getattr(picture, field) for picture in judged} for field in ("name", "kind"))
    return (
        f"| {name} | {len(things)} | {len(kinds)} | {len(judged)} | {fraction(judged):.3f} "
        f"| {mean_of_kinds(judged):.3f} |"
    )
