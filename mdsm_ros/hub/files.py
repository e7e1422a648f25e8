"""Names of the files that a model is made of. Imports nothing."""

from __future__ import annotations

HUB_FILES = ("*.json", "*.safetensors", "*.txt", "README.md")
"""What a model is made of; never a pickle."""
