"""Counts and names the unusable records of a collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

SEPARATOR = "\t"
EXAMPLES = 3  # names printed for each reason


class Faults:
    """Counts omitted records by reason, and stores their names in order."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, name: str) -> None:
        """Adds an omitted record.

        Args:
            reason: Description of the fault, such as "annotations left out: no mask".
            name: Name of the faulty record.
        """
        self.names[reason].append(name)

    def add_counts(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Adds the counts that workers stored under :func:`key`; returns the other counts."""
        others = {}
        for text, number in counts.items():
            reason, separator, name = text.partition(SEPARATOR)
            if separator:
                self.names[reason].extend([name] * number)
            else:
                others[text] = number
        return others

    def lines(self) -> list[str]:
        """Returns one line for each reason, with its count and some of the names."""
        lines = []
        for reason, names in sorted(self.names.items()):
            more = f" and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
            lines.append(f"{len(names):>7} {reason} ({', '.join(names[:EXAMPLES])}{more})")
        return lines


def key(reason: str, name: str) -> str:
    """Returns the name of a worker's counter for a fault."""
    return f"{reason}{SEPARATOR}{name}"
