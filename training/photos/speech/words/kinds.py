"""The names of categories, the categories that people may confuse, and broader categories.

Tables only, and the few functions that read them. A category missing in the tables uses its own name.
"""

from __future__ import annotations

import re

SAME: dict[str, str] = {
    "aeroplane": "airplane",
    "plane": "airplane",
    "motorbike": "motorcycle",
    "bike": "bicycle",
    "sofa": "couch",
    "settee": "couch",
    "diningtable": "dining table",
    "pottedplant": "potted plant",
    "houseplant": "potted plant",
    "tvmonitor": "tv",
    "tv monitor": "tv",
    "television": "tv",
    "fridge": "refrigerator",
    "cellphone": "cell phone",
    "mobile phone": "cell phone",
    "smartphone": "cell phone",
    "hair dryer": "hair drier",
    "hairdryer": "hair drier",
    "doughnut": "donut",
    "remote control": "remote",
    "computer mouse": "mouse",
    "teddy": "teddy bear",
    "people": "person",
    "human": "person",
    "pedestrian": "person",
    "wineglass": "wine glass",
    "window blinds": "window blind",
    "carpet": "rug",
    "shelves": "shelf",
}
"""Names of the same kind in other collections."""

NOUNS: dict[str, tuple[str, ...]] = {
    "person": ("person",),
    "bicycle": ("bicycle", "bike"),
    "motorcycle": ("motorcycle", "motorbike"),
    "airplane": ("airplane", "plane", "aircraft"),
    "bus": ("bus",),
    "train": ("train",),
    "truck": ("truck",),
    "boat": ("boat",),
    "traffic light": ("traffic light", "stoplight", "traffic signal"),
    "fire hydrant": ("fire hydrant", "hydrant"),
    "stop sign": ("stop sign",),
    "backpack": ("backpack", "rucksack"),
    "handbag": ("handbag", "bag"),
    "tie": ("tie", "necktie"),
    "suitcase": ("suitcase", "travel case"),
    "frisbee": ("frisbee", "flying disc"),
    "skis": ("skis", "pair of skis"),
    "sports ball": ("ball",),
    "baseball bat": ("baseball bat", "bat"),
    "baseball glove": ("baseball glove", "baseball mitt"),
    "tennis racket": ("tennis racket", "racket"),
    "wine glass": ("wine glass", "glass"),
    "banana": ("banana",),
    "broccoli": ("broccoli",),
    "donut": ("donut", "doughnut"),
    "couch": ("couch", "sofa"),
    "potted plant": ("potted plant", "plant in the pot"),
    "dining table": ("dining table",),
    "tv": ("screen", "tv or monitor"),
    "laptop": ("laptop", "laptop computer", "notebook computer"),
    "mouse": ("computer mouse", "mouse"),
    "remote": ("remote", "remote control"),
    "keyboard": ("keyboard", "computer keyboard"),
    "cell phone": ("cell phone", "phone", "mobile phone"),
    "microwave": ("microwave", "microwave oven"),
    "oven": ("oven", "stove"),
    "sink": ("sink", "basin"),
    "refrigerator": ("refrigerator", "fridge"),
    "teddy bear": ("teddy bear", "stuffed bear", "teddy"),
    "hair drier": ("hair dryer", "blow dryer"),
    "scissors": ("scissors", "pair of scissors"),
    "curtain": ("curtain",),
    "window blind": ("window blind", "blind"),
    "cabinet": ("cabinet", "cupboard"),
    "counter": ("counter", "countertop"),
    "rug": ("rug", "carpet"),
    "shelf": ("shelf",),
    "lamp": ("lamp",),
    "toilet": ("toilet", "toilet", "commode"),
}
"""Names of a kind; the first is the most usual."""

BROAD: dict[str, tuple[str, ...]] = {
    "dining table": ("table", "table", "table"),
    "potted plant": ("plant", "plant", "house plant"),
}
"""Names that fit more than the kind: only for pictures in which everything that they fit is labelled."""

ABSENT: dict[str, tuple[str, ...]] = {
    "tv": ("tv", "television"),
    "wine glass": ("wine glass",),
    "handbag": ("handbag", "purse"),
    "sports ball": ("ball",),
    "oven": ("oven",),
    "cell phone": ("cell phone", "mobile phone"),
    "baseball bat": ("baseball bat",),
}
"""Names for what is not there, where the usual ones could be taken for something else that is."""

_ALIKE_GROUPS: tuple[tuple[str, ...], ...] = (
    ("chair", "couch", "armchair", "bench", "stool"),
    ("couch", "bed"),
    ("dining table", "table", "desk", "counter", "coffee table", "bench"),
    ("cup", "wine glass", "bowl", "vase", "mug", "glass"),
    ("bottle", "vase", "wine glass", "cup"),
    ("tv", "laptop", "monitor", "screen", "microwave"),
    ("car", "truck", "bus", "van"),
    ("bus", "train", "truck"),
    ("bicycle", "motorcycle"),
    ("sheep", "cow", "goat"),
    ("cow", "horse"),
    ("dog", "sheep"),
    ("cat", "dog"),
    ("dog", "bear"),
    ("potted plant", "vase", "plant", "flowers", "tree", "broccoli"),
    ("handbag", "backpack", "suitcase", "purse", "bag"),
    ("oven", "microwave", "toaster", "stove"),
    ("knife", "fork", "spoon"),
    ("sandwich", "hot dog", "pizza"),
    ("apple", "orange", "sports ball"),
    ("donut", "cake"),
    ("surfboard", "skateboard", "snowboard", "skis", "boat"),
    ("bear", "teddy bear"),
    ("bowl", "sink"),
    ("remote", "cell phone", "mouse", "keyboard"),
    ("keyboard", "laptop"),
    ("refrigerator", "cabinet", "oven"),
    ("cabinet", "shelf", "counter", "door"),
    ("window", "door", "mirror"),
    ("curtain", "window blind", "towel", "blanket"),
    ("rug", "towel", "blanket"),
    ("kite", "umbrella", "airplane", "bird"),
    ("book", "laptop", "keyboard"),
    ("baseball glove", "sports ball"),
    ("tennis racket", "baseball bat"),
    ("toilet", "sink"),
    ("parking meter", "fire hydrant"),
    ("stop sign", "traffic light"),
    ("frisbee", "sports ball"),
)

_MAY_BE_TAKEN: dict[str, frozenset[str]] = {}
for _group in _ALIKE_GROUPS:
    for _kind in _group:
        _MAY_BE_TAKEN[_kind] = _MAY_BE_TAKEN.get(_kind, frozenset()) | frozenset(_group) - {_kind}

CLEAR_PAIRS: frozenset[frozenset[str]] = frozenset(
    frozenset(pair)
    for pair in (
        ("cat", "dog"),
        ("cow", "horse"),
        ("dog", "sheep"),
        ("toilet", "sink"),
        ("car", "bus"),
        ("bicycle", "motorcycle"),
        ("bowl", "sink"),
        ("sheep", "cow"),
        ("tv", "laptop"),
        ("keyboard", "laptop"),
        ("tv", "microwave"),
        ("bottle", "cup"),
        ("bottle", "wine glass"),
        ("oven", "microwave"),
        ("refrigerator", "oven"),
        ("remote", "keyboard"),
        ("mouse", "keyboard"),
        ("knife", "fork"),
        ("knife", "spoon"),
        ("fork", "spoon"),
        ("apple", "orange"),
    )
)
"""Alike enough that one is not said to be absent beside the other, but told apart when both are labelled."""

_ANIMALS = frozenset(["bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"])
_VEHICLES = frozenset(["bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"])

HYPERNYMS: dict[str, frozenset[str]] = {
    "animal": _ANIMALS,
    "pet": frozenset({"cat", "dog"}),
    "vehicle": _VEHICLES,
    "piece of fruit": frozenset({"banana", "apple", "orange"}),
}
"""Kinds that hold others."""

HYPERNYM_DOUBTS: dict[str, frozenset[str]] = {
    "animal": frozenset({"teddy bear", "person"}),
    "pet": frozenset({"teddy bear"}) | (_ANIMALS - {"cat", "dog"}),
    "vehicle": frozenset({"skateboard"}),
    "piece of fruit": frozenset({"broccoli", "carrot"}),
}

UNSPEAKABLE = frozenset(
    ["object", "thing", "other", "unknown", "misc", "background", "foreground", "instance", "default", "item", "things"]
)
"""Names of categories that name nothing."""

PLURAL = frozenset({"skis", "scissors", "curtains", "blinds", "flowers", "shoes", "glasses", "books"})
"""Nouns that stand in the plural though one object goes by them."""

LONGEST = 60
"""Characters of a name that a sentence can hold."""

_WORDS = re.compile(r"[^\W\d_]+(?:[ '-][^\W_]+)*")


def normal(name: str) -> str:
    """Normalises the name of a category: lower case, single spaces, one name for each category.

    ``"Potted_Plant"``, ``"pottedplant"`` and ``"potted plant"`` are the same.
    """
    kind = " ".join(re.sub(r"[_/\\.-]+", " ", name).lower().split())
    return SAME.get(kind, kind)


def speakable(kind: str) -> bool:
    """Whether a category's name consists of words that fit into a sentence."""
    return 1 < len(kind) <= LONGEST and bool(_WORDS.fullmatch(kind)) and kind not in UNSPEAKABLE


def nouns(kind: str, broad: bool = False) -> tuple[str, ...]:
    """Returns the names of a present category."""
    return (BROAD.get(kind, ()) if broad else ()) + NOUNS.get(kind, (kind,))


def is_plural(noun: str) -> bool:
    """Whether a noun takes "are" and "them"."""
    return noun.rsplit(maxsplit=1)[-1] in PLURAL and not noun.startswith("pair of ")


def fits(kind: str, other: str, *, absent: bool = False) -> bool | None:
    """Whether a category's name fits an object that is labelled ``other``; None if it may.

    Args:
        kind: Name that is used, a category or one of :data:`HYPERNYMS`.
        other: Label of an object.
        absent: Whether to decide if the category is absent from the image, which is stricter.
    """
    if kind in HYPERNYMS:
        if other in HYPERNYMS[kind]:
            return True
        return None if other in HYPERNYM_DOUBTS[kind] or not speakable(other) else False
    if kind == other:
        return True
    if not speakable(other) or kind.rsplit(maxsplit=1)[-1] == other.rsplit(maxsplit=1)[-1]:
        return None
    if other not in _MAY_BE_TAKEN.get(kind, ()):
        return False
    return False if not absent and frozenset((kind, other)) in CLEAR_PAIRS else None
