"""``CompressedImage.format`` as image_transport writes it: "rgb8; jpeg compressed bgr8", "16UC1; compressedDepth"."""

from __future__ import annotations

import re
from typing import NamedTuple


class Format(NamedTuple):
    """The parsed content of the field.

    Attributes:
        encoding: Encoding of the image before compression; "" if not given.
        transport: Transport, "compressedDepth" or "" for all others.
        codec: Codec in lower case: jpeg, png, rvl ...; "" if not given.
    """

    encoding: str
    transport: str
    codec: str


def parse_format(text: str) -> Format:
    """Parses the field; never fails, because drivers write it in many ways."""
    encoding, _, rest = text.partition(";") if ";" in text else ("", "", text)
    words = re.findall(r"\w+", rest.lower())
    if "compresseddepth" in words:
        codec = next((word for word in words if word in ("png", "rvl")), "png")  # older publishers: PNG
        return Format(encoding.strip(), "compressedDepth", codec)
    return Format(encoding.strip(), "", "jpeg" if words[:1] == ["jpg"] else "".join(words[:1]))
