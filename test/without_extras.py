"""Python as it is after ``pip install .[torch]``: the packages of all other extras are hidden. For subprocesses."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Collection
from typing import Any

from mdsm_ros.extras import BASE, EXTRAS

BROUGHT = {"yaml", "tokenizers"}  # by requirements of the package itself and of the extra torch
ALSO_ROS = {"ament_index_python", "builtin_interfaces", "cv_bridge", "rcl_interfaces", "vision_msgs"}


class _Hiding:
    """A finder that does not find some packages."""

    def __init__(self, finder: Any, hidden: set[str]) -> None:
        self._finder, self._hidden = finder, hidden

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.split(".", maxsplit=1)[0] in self._hidden else self._finder.find_spec(name, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


def hide(*, base: bool = False, kept: Collection[str] = ("torch",)) -> None:
    """Hides the packages of the extras.

    Args:
        base: Whether everything is hidden, with what the package itself requires.
        kept: The extras whose packages stay.
    """
    stays = set() if base else {module for extra in (BASE, *kept) for module in EXTRAS[extra]} | BROUGHT
    chosen = [(module, needed) for of in EXTRAS.values() for module, needed in of.items() if module not in stays]
    modules = {module for module, _ in chosen} | ALSO_ROS
    names = {needed.split(">")[0].split("[")[0] for module, needed in chosen if module in modules}
    sys.meta_path[:] = [_Hiding(finder, modules) for finder in sys.meta_path]
    find = importlib.metadata.Distribution.from_name

    def from_name(name: str) -> importlib.metadata.Distribution:
        if name.lower().replace("_", "-") in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return find(name)

    importlib.metadata.Distribution.from_name = from_name  # type: ignore[method-assign]
