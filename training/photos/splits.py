"""Which split a photograph belongs to, from its file name alone.

A picture keeps its split whatever else is in the collection, in every copy of it: COCO's picture 89 is
``000000000089.jpg`` in one export and ``coco_train2017_000000000089.jpg`` in another.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePath

_NUMBER = re.compile(r"(?<![A-Za-z0-9])\d[\d_]*$")  # not the 2017 of train2017_000000000089


def picture_key(file_name: str) -> str:
    """What names a picture in all its copies: the number at the end of its file name, else the whole name."""
    stem = PurePath(file_name).stem
    number = _NUMBER.search(stem)
    return number.group() if number else stem


def split_of(file_name: str, test: float, val: float) -> str:
    """The split of a picture: "test", "val" or "train".

    Args:
        file_name: Name of the picture's file; folders in it do not matter.
        test: Fraction of the pictures that are held out for testing. A larger fraction holds out the same pictures
            and more.
        val: Fraction of the pictures that are held out for validation.
    """
    digest = hashlib.sha256(picture_key(file_name).encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return "test" if place < test else "val" if place < test + val else "train"
