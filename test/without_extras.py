"""Python as it is after ``pip install .``: the packages of all extras are hidden. For subprocesses."""

from __future__ import annotations

import importlib.metadata
import sys
from typing import Any

from mdsm_ros.extras import BASE, EXTRAS

BROUGHT_BY_BASE = {"yaml"}  # huggingface_hub requires it
ALSO_ROS = {"ament_index_python", "builtin_interfaces", "cv_bridge", "rcl_interfaces", "vision_msgs"}


class _Hiding:
    """A finder that does not find some packages."""

    def __init__(self, finder: Any, hidden: set[str]) -> None:
        self._finder, self._hidden = finder, hidden

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.split(".", maxsplit=1)[0] in self._hidden else self._finder.find_spec(name, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


def hide(*, base: bool = False) -> None:
    """Hides the packages of the extras, and what the package itself requires as well where ``base`` is true."""
    chosen = [
        (module, needed) for extra, of in EXTRAS.items() if base or extra != BASE for module, needed in of.items()
    ]
    modules = {module for module, _ in chosen} - (set() if base else BROUGHT_BY_BASE) | ALSO_ROS
    names = {needed.split(">")[0].split("[")[0] for module, needed in chosen if module in modules}
    sys.meta_path[:] = [_Hiding(finder, modules) for finder in sys.meta_path]
    find = importlib.metadata.Distribution.from_name

    def from_name(name: str) -> importlib.metadata.Distribution:
        if name.lower().replace("_", "-") in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return find(name)

    importlib.metadata.Distribution.from_name = from_name  # type: ignore[method-assign]
