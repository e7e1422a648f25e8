"""mdsm_ros: the pixels of the object that a sentence talks about, for ROS 2 robots."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["InferenceSettings", "Segmentation", "Segmenter"]

if TYPE_CHECKING:
    from mdsm_ros.inference.answer import Segmentation
    from mdsm_ros.inference.settings import InferenceSettings
    from mdsm_ros.segmenter import Segmenter
else:  # type checkers would take any name for one of the package's

    def __getattr__(name: str) -> Any:
        """Imports the public classes when they are first used, since they need PyTorch."""
        if name in __all__:
            return getattr(import_module("mdsm_ros.segmenter"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
