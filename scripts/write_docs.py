"""``make docs``: writes the parts of the documentation that are generated, between their markers.

A part begins with ``<!-- generated: NAME -->`` and ends with ``<!-- end of NAME -->``; what stands between is replaced.
``config/mdsm.yaml`` is generated as a whole.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mdsm_ros.checkpoints.catalog import catalog_markdown
from mdsm_ros.commands.bench.grid_table import table
from mdsm_ros.ros.interface.parameters import parameters_markdown, parameters_yaml
from mdsm_ros.ros.interface.topics import cameras_markdown, published_markdown, subscribed_markdown, summary_markdown
from scripts.mission import mission_markdown

ROOT = Path(__file__).resolve().parent.parent
GPU_FILE = ROOT / "docs" / "gpu.json"
COMMAND = "make docs"


def gpu_markdown() -> str:
    """The times that ``scripts/gpu/bench.sh`` measured, if somebody stored them in docs/gpu.json."""
    if not GPU_FILE.is_file():
        return "Nothing has been measured on a GPU yet.\n"
    return table(json.loads(GPU_FILE.read_text(encoding="utf-8"))) + "\n"


FILES: dict[str, Callable[[], str]] = {"config/mdsm.yaml": parameters_yaml}
PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"topics": summary_markdown},
    "docs/mission.md": {"mission": mission_markdown},
    "docs/models.md": {"models": catalog_markdown},
    "docs/results.md": {"times on a GPU": gpu_markdown},
    "docs/node.md": {
        "subscribed topics": subscribed_markdown,
        "published topics": published_markdown,
        "names with several cameras": cameras_markdown,
        "parameters": parameters_markdown,
    },
}
MARKERS = re.compile(r"<!-- generated: (?P<name>.+?) -->\n(?P<text>.*?)<!-- end of (?P=name) -->", re.DOTALL)


def filled(text: str, parts: dict[str, Callable[[], str]]) -> str:
    """A document with its parts generated anew.

    Raises:
        ValueError: The markers in the document are not those of the parts.
    """
    found = [match["name"] for match in MARKERS.finditer(text)]
    if sorted(found) != sorted(parts):
        raise ValueError(f"markers are those of {found}, expected {list(parts)}")
    return MARKERS.sub(
        lambda m: f"<!-- generated: {m['name']} -->\n{parts[m['name']]()}<!-- end of {m['name']} -->", text
    )


def stale(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """The files that are not as they should be, and what they should hold."""
    for name, make in FILES.items():
        yield from _changed(root / name, make())
    for name, parts in PARTS.items():
        path = root / name
        yield from _changed(path, filled(path.read_text(encoding="utf-8"), parts))


def _changed(path: Path, text: str) -> Iterator[tuple[Path, str]]:
    if path.read_text(encoding="utf-8") != text:
        yield path, text


def main() -> int:
    """Writes what is stale and names it."""
    for path, text in stale():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
