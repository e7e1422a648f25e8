"""Infers the room of an image from its labels, if it is clear."""

from __future__ import annotations

from collections.abc import Iterable

ROOMS: dict[str, tuple[str, ...]] = {
    "bathroom": ("bathroom", "restroom", "washroom"),
    "bedroom": ("bedroom", "guest bedroom", "sleeping room"),
    "kitchen": ("kitchen",),
    "living room": ("living room", "lounge", "family room", "sitting room"),
    "dining room": ("dining room", "dining area"),
    "office": ("office", "study"),
}

EVIDENCE: dict[str, dict[str, float]] = {
    "toilet": {"bathroom": 3.0},
    "toothbrush": {"bathroom": 1.0},
    "bed": {"bedroom": 3.0},
    "oven": {"kitchen": 2.0},
    "refrigerator": {"kitchen": 2.0},
    "microwave": {"kitchen": 1.5},
    "toaster": {"kitchen": 1.5},
    "couch": {"living room": 2.0},
    "tv": {"living room": 0.5},
    "dining table": {"dining room": 1.0},
    "chair": {"dining room": 0.5},
    "wine glass": {"dining room": 0.5},
    "keyboard": {"office": 1.0},
    "mouse": {"office": 1.0},
    "laptop": {"office": 0.5},
}
"""How much a kind speaks for a room."""

ENOUGH = 1.5
LEAD = 1.4  # lead over the second room

OUTDOORS = frozenset(
    [
        "car",
        "bus",
        "truck",
        "train",
        "airplane",
        "boat",
        "motorcycle",
        "sheep",
        "cow",
        "horse",
        "elephant",
        "zebra",
        "giraffe",
        "kite",
        "surfboard",
    ]
) | {"traffic light", "stop sign", "fire hydrant", "parking meter"}
"""Kinds beside which no room is named."""

OUTSIDE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("car", "bus", "truck", "motorcycle", "traffic light"), ("outside", "out to the street")),
    **dict.fromkeys(("sheep", "cow"), ("outside", "out to the animals")),
}


def room_of(kinds: Iterable[str]) -> str | None:
    """Returns the type of room that contains such objects, if one is clearly the most likely.

    Args:
        kinds: Categories of the objects in the image.
    """
    present = set(kinds)
    if present & OUTDOORS:
        return None
    scores = dict.fromkeys(ROOMS, 0.0)
    for kind in present:
        for room, weight in EVIDENCE.get(kind, {}).items():
            scores[room] += weight
    first, second = sorted(scores, key=lambda room: -scores[room])[:2]
    return first if scores[first] >= ENOUGH and scores[first] >= LEAD * scores[second] else None
