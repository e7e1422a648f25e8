"""Names of a model's files. Imports nothing."""

from __future__ import annotations

HUB_FILES = ("*.json", "*.safetensors", "mdsm_*.onnx", "*.txt", "README.md")
"""The files of a model; never a pickle."""
