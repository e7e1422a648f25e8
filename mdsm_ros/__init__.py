"""Language-guided segmentation for ROS 2 robots: the pixels of the object that a sentence names."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["InferenceSettings", "Segmentation", "Segmenter"]

if TYPE_CHECKING:
    from mdsm_ros.inference.answer import Segmentation
    from mdsm_ros.inference.settings import InferenceSettings
    from mdsm_ros.segmenter import Segmenter
else:  # otherwise type checkers would accept any name

    def __getattr__(name: str) -> Any:
        """Imports the public classes on first use, because they need PyTorch."""
        if name in __all__:
            return getattr(import_module("mdsm_ros.segmenter"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
