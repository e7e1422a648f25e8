"""Real 3D models for homes: the cache written by ``mdsm-data library``, and this project's table about it."""

from mdsm_ros.errors import LibraryMissing
from mdsm_ros.library.library import Library, Model
from mdsm_ros.library.shapes import Patch, Shape, Surface

__all__ = ["Library", "LibraryMissing", "Model", "Patch", "Shape", "Surface"]
