"""The rooms of the package: folders that do not import each other in a circle, and none that is too full."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_MODULES = 12  # in one folder, __init__.py not counted
MOST_FOLDERS = 15


def packages(root: Path) -> list[Path]:
    found = [file.parent for top in ("mdsm_ros", "training") for file in sorted((root / top).rglob("__init__.py"))]
    assert found, f"no packages in {root}"
    return found


def dotted(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts)


@cache
def imports(file: Path, root: Path) -> list[str]:
    """Full dotted names of everything that a file imports, in functions and for type checkers, too."""
    package = dotted(file, root).split(".")[:-1]
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names += [f"{module}.{alias.name}" for alias in node.names]
    return names


def neighbours(package: Path, root: Path) -> Mapping[str, set[str]]:
    """Which of its neighbours each module or folder of a package imports; what the package exports is left out."""
    prefix = dotted(package, root) + "."
    graph: dict[str, set[str]] = defaultdict(set)
    for file in package.rglob("*.py"):
        own = file.relative_to(package).with_suffix("").parts[0]
        if own != "__init__":
            found = {name for name in imports(file, root) if name.startswith(prefix)}
            graph[own] |= {name.removeprefix(prefix).split(".")[0] for name in found} - {own}
    return {name: others & graph.keys() for name, others in graph.items()}


def circle(package: Path, root: Path) -> list[str]:
    """Names of neighbours that import each other in a circle; none, or the first is the last as well."""
    try:
        TopologicalSorter(neighbours(package, root)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def content(package: Path) -> tuple[int, int]:
    """How many modules and how many folders a package has."""
    modules = [file for file in package.glob("*.py") if file.name != "__init__.py"]
    return len(modules), len(list(package.glob("*/__init__.py")))


@pytest.mark.parametrize("package", packages(ROOT), ids=lambda package: dotted(package, ROOT))
def test_neighbours_do_not_import_each_other_in_a_circle(package: Path) -> None:
    assert circle(package, ROOT) == []


def test_no_folder_is_too_full() -> None:
    counts = {dotted(package, ROOT): content(package) for package in packages(ROOT)}
    assert {name: count for name, count in counts.items() if count[0] > MOST_MODULES or count[1] > MOST_FOLDERS} == {}


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {file.parent for top in ("mdsm_ros", "training") for file in (ROOT / top).rglob("*.py")}
    assert sorted(folders) == sorted(packages(ROOT))


def test_a_circle_between_two_folders_is_seen(tmp_path: Path) -> None:
    for name, text in (
        ("mdsm_ros/__init__", ""),
        ("mdsm_ros/a/__init__", ""),
        ("mdsm_ros/b/__init__", ""),
        ("mdsm_ros/a/one", "from mdsm_ros.b import two"),
        ("mdsm_ros/b/two", "import json"),
        ("mdsm_ros/b/three", "def f():\n    from ..a.one import x"),
    ):
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert sorted(set(circle(tmp_path / "mdsm_ros", tmp_path))) == ["a", "b"]
    assert circle(tmp_path / "mdsm_ros" / "b", tmp_path) == []
    assert content(tmp_path / "mdsm_ros" / "b") == (2, 0)
