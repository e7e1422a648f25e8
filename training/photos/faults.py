"""What of a collection cannot be used, counted and named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

SEPARATOR = "\t"
EXAMPLES = 3  # names that are printed for each reason


class Faults:
    """Counts what is left out, by reason, and remembers its names in the order in which they came."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, name: str) -> None:
        """Notes something that is left out.

        Args:
            reason: Description of the fault, such as "annotations left out: no mask".
            name: Name of the faulty record.
        """
        self.names[reason].append(name)

    def add_counts(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Takes over what workers noted under :func:`key`; returns the other counts."""
        others = {}
        for text, number in counts.items():
            reason, separator, name = text.partition(SEPARATOR)
            if separator:
                self.names[reason].extend([name] * number)
            else:
                others[text] = number
        return others

    def lines(self) -> list[str]:
        """One line a reason, with its number and some of the names."""
        lines = []
        for reason, names in sorted(self.names.items()):
            more = f" and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
            lines.append(f"{len(names):>7} {reason} ({', '.join(names[:EXAMPLES])}{more})")
        return lines


def key(reason: str, name: str) -> str:
    """A fault as a worker counts it."""
    return f"{reason}{SEPARATOR}{name}"
