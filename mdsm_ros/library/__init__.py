"""Real models for homes: what ``mdsm-data library`` converted into the cache, and our own table about it."""

from mdsm_ros.errors import LibraryMissing
from mdsm_ros.library.library import Library, Model
from mdsm_ros.library.shapes import Patch, Shape, Surface

__all__ = ["Library", "LibraryMissing", "Model", "Patch", "Shape", "Surface"]
