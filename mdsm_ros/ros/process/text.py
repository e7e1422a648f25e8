"""Text for messages and logs."""

from __future__ import annotations


def in_utf8(text: str) -> str:
    """``text`` with "?" for what is no character, such as a byte of a file name: neither message nor log takes it."""
    return text.encode("utf-8", "replace").decode("utf-8")
