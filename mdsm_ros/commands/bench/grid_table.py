"""The table of ``scripts/gpu/bench.sh``, from its JSON file; imports no PyTorch, because the documentation uses it."""

from __future__ import annotations

from typing import Any

COLUMNS = (("initial", 1), ("step", 1), ("memory", 0), ("setup", 1))  # names with digits


def table(content: dict[str, Any]) -> str:
    """The Markdown of a JSON file.

    Args:
        content: Result of :mod:`mdsm_ros.commands.bench.grid`.
    """
    lines = [
        f"{content['device']}, torch {content['torch']}; medians of {content['runs']} runs. Models with `random:` have "
        "random weights.",
        "",
        "| model | precision | way | batch | stage 1 (ms) | refinement step (ms) | peak memory (MiB) | set-up (s) |",
        "|---" * 8 + "|",
    ]
    for row in content["cells"]:
        head = f"| {row['model']} | {row['precision']} | {row['way']} | {row['batch']} | "
        values = [_shown(row[name], digits) for name, digits in COLUMNS] if "missing" not in row else []
        lines.append(head + " | ".join(values or [str(row["missing"]).replace("|", "/"), "", "", ""]) + " |")
    return "\n".join(lines)


def _shown(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
