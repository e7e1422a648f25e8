"""Text for messages and logs."""

from __future__ import annotations


def in_utf8(text: str) -> str:
    """``text`` with "?" for every invalid character, such as a stray byte of a file name, for messages and logs."""
    return text.encode("utf-8", "replace").decode("utf-8")
