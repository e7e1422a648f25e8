"""``CompressedImage.format`` as image_transport writes it: "rgb8; jpeg compressed bgr8", "16UC1; compressedDepth"."""

from __future__ import annotations

import re
from typing import NamedTuple


class Format(NamedTuple):
    """What the field says.

    Attributes:
        encoding: Of the image before it was compressed; "" where it is not said.
        transport: compressedDepth, or "" for all others.
        codec: Lower case: jpeg, png, rvl ...; "" where it is not said.
    """

    encoding: str
    transport: str
    codec: str


def parse_format(text: str) -> Format:
    """Reads the field; never fails, since many drivers write it as they like."""
    encoding, _, rest = text.partition(";") if ";" in text else ("", "", text)
    words = re.findall(r"\w+", rest.lower())
    if "compresseddepth" in words:
        codec = next((word for word in words if word in ("png", "rvl")), "png")  # older publishers say no codec: PNG
        return Format(encoding.strip(), "compressedDepth", codec)
    return Format(encoding.strip(), "", "jpeg" if words[:1] == ["jpg"] else "".join(words[:1]))
