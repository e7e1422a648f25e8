"""Words that distinguish objects, in instructions, questions and replies. Tables only.

:mod:`mdsm_ros.homes.speech` makes sentences with ``CLAUSES``, ``PREFIXES`` and the names of colours, patterns and
sizes. ``SHORT_CLAUSES`` and ``SHORT_PREFIXES`` contain further forms that people use; homes never use them.
"""

from __future__ import annotations

CLAUSES: dict[str, tuple[str, ...]] = {
    "on": (
        "on {}",
        "on {}",
        "sitting on {}",
        "standing on {}",
        "lying on {}",
        "resting on {}",
        "on top of {}",
        "atop {}",
        "placed on {}",
        "situated on {}",
    ),
    "under": ("under {}", "underneath {}", "beneath {}"),
    "above": ("above {}", "hanging above {}", "over {}", "hung above {}", "on the wall above {}", "directly above {}"),
    "below": ("below {}", "directly below {}", "that stands below {}", "located below {}"),
    "on wall": (
        "on the wall",
        "hanging on the wall",
        "mounted on the wall",
        "attached to the wall",
        "that hangs on the wall",
        "up on the wall",
    ),
    "on floor": ("on the floor", "standing on the floor", "on the ground", "placed on the floor", "on the bare floor"),
    "top shelf": ("on the top shelf of {}", "on the highest shelf of {}", "on the uppermost shelf of {}"),
    "middle shelf": ("on the middle shelf of {}", "on the center shelf of {}"),
    "bottom shelf": ("on the bottom shelf of {}", "on the lowest shelf of {}"),
    "left of": ("to the left of {}", "left of {}", "on the left side of {}", "on the left hand side of {}"),
    "right of": ("to the right of {}", "right of {}", "on the right side of {}", "on the right hand side of {}"),
    "in front of": ("in front of {}", "just in front of {}", "that is in front of {}"),
    "behind": ("behind {}", "just behind {}", "that is behind {}", "located behind {}"),
    "next to": (
        "next to {}",
        "beside {}",
        "near {}",
        "by {}",
        "close to {}",
        "adjacent to {}",
        "right next to {}",
    ),
    "between": ("between {} and {}", "in between {} and {}", "that is between {} and {}"),
    "nearest": ("nearest to {}", "closest to {}", "nearest {}", "that is closest to {}", "that is nearest to {}"),
    "farthest": ("farthest from {}", "furthest from {}", "farthest away from {}"),
    "leftmost": (
        "furthest left",
        "on the far left",
        "farthest to the left",
        "that is furthest left",
        "all the way to the left",
    ),
    "rightmost": ("on the far right", "farthest to the right", "that is furthest right", "all the way to the right"),
    "second from left": ("second from the left", "that is second from the left"),
    "second from right": ("second from the right", "that is second from the right"),
    "third from left": ("third from the left", "that is third from the left"),
    "third from right": ("third from the right", "that is third from the right"),
    "middle": ("in the middle", "in the center", "that is in the middle", "in the centre"),
    "closest to camera": ("closest to you", "nearest to you", "right in front of you", "nearest of all to you"),
    "farthest from camera": ("farthest away from you", "farthest from you", "furthest from where you stand"),
    "highest": ("that is highest up", "placed the highest", "at the very top"),
    "lowest": ("that is lowest", "placed the lowest", "at the very bottom"),
    "largest": (),
    "smallest": (),
}
"""Statements after the noun; {} is a landmark."""

PREFIXES: dict[str, tuple[str, ...]] = {
    "leftmost": ("leftmost",),
    "rightmost": ("rightmost",),
    "middle": ("middle",),
    "closest to camera": ("closest", "nearest"),
    "farthest from camera": ("farthest", "furthest"),
    "highest": ("highest", "topmost", "uppermost"),
    "lowest": ("lowest", "bottommost"),
    "largest": ("largest", "biggest"),
    "smallest": ("smallest",),
}
"""Statements before the noun."""

COLOR_NAMES: dict[str, tuple[str, ...]] = {"gray": ("gray", "grey"), "purple": ("purple", "violet")}
PATTERN_NAMES: dict[str, tuple[str, ...]] = {
    "striped": ("striped",),
    "checkered": ("checkered", "checked", "plaid"),
    "dotted": ("dotted", "polka dot", "spotted"),
    "floral": ("floral", "flowered", "flower patterned"),
}
SIZE_NAMES: dict[str, tuple[str, ...]] = {"big": ("big", "large"), "small": ("small", "little")}

COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray")
"""Colours that are told from pixels; the names of the homes' colours."""

NEAREST, FARTHEST = ("closest", "nearest"), ("farthest", "furthest", "furthest away")
SHORT_CLAUSES: dict[str, tuple[str, ...]] = {
    "leftmost": ("on the left", "to the left", "at the left", "on the left side", "on your left", "on my left"),
    "rightmost": ("on the right", "to the right", "at the right", "on the right side", "on your right", "on my right"),
    "left of": ("on the left of {}", "at the left of {}"),
    "right of": ("on the right of {}", "at the right of {}"),
    "closest to camera": (
        "in front",
        "right in front",
        "just in front",
        "in the front",
        "at the front",
        "closest to me",
        "nearest to me",
        *NEAREST,
    ),
    "farthest from camera": ("in the back", "at the back", "in the background", "farthest away", *FARTHEST),
    "highest": ("at the top", "on top", "highest", "topmost"),
    "lowest": ("at the bottom", "lowest"),
    "fourth from left": ("fourth from the left",),
    "fourth from right": ("fourth from the right",),
    "second from left": ("from the left",),  # as in "the second cup from the left": the number is before the noun
    "second from right": ("from the right",),
}
"""The same statements as people say them for short."""

SHORT_PREFIXES: dict[str, tuple[str, ...]] = {
    "leftmost": ("left", "left-hand", "left-most"),
    "rightmost": ("right", "right-hand", "right-most"),
    "middle": ("center", "centre", "central"),
    "closest to camera": ("front", "nearer", "closer"),
    "farthest from camera": ("back", "far", "farther", "further"),
    "highest": ("upper", "top", "higher"),
    "lowest": ("lower", "bottom"),
    "largest": ("bigger", "larger", "taller", "tallest"),
    "smallest": ("smaller", "shorter", "shortest"),
    "big": (*SIZE_NAMES["big"], "tall", "huge"),
    "small": (*SIZE_NAMES["small"], "short", "tiny"),
}
"""Words before the noun that choose one of several: "the left cup"; alone in view, they choose nothing."""

ORDINALS: dict[str, int] = {"first": 1, "second": 2, "third": 3, "fourth": 4}
NUMBERS: dict[str, int] = {"1": 1, "2": 2, "3": 3, "4": 4, "one": 1, "two": 2, "three": 3, "four": 4}
ORDINALS_OF_NUMBERS: dict[str, int] = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
PARTS = ("door", "doors", "drawer", "drawers", "lid", "handle", "pages", "screen", "seat", "tap")
"""Parts of furniture that are handled for the whole: "the drawers of the white cabinet" are about the cabinet."""
RELATIVES = ("that is", "that are", "which is", "which are", "that's")
"""They set a clause off; after a landmark the clause is about the landmark."""
