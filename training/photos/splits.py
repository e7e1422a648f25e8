"""Assigns photographs to splits, from the file name alone.

An image has the same split in every collection and every copy: COCO's image 89 is
``000000000089.jpg`` in one export and ``coco_train2017_000000000089.jpg`` in another.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePath

_NUMBER = re.compile(r"(?<![A-Za-z0-9])\d[\d_]*$")  # not the 2017 of train2017_000000000089


def picture_key(file_name: str) -> str:
    """Returns the common name of an image's copies: the number at the end of its file name, else the whole name."""
    stem = PurePath(file_name).stem
    number = _NUMBER.search(stem)
    return number.group() if number else stem


def split_of(file_name: str, test: float, val: float) -> str:
    """Returns the split of an image: "test", "val" or "train".

    Args:
        file_name: Name of the image's file; folders in it are ignored.
        test: Fraction of the images held out for testing. A larger fraction holds out the same images and more.
        val: Fraction of the images held out for validation.
    """
    digest = hashlib.sha256(picture_key(file_name).encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return "test" if place < test else "val" if place < test + val else "train"
