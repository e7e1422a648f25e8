"""Properties of categories: size, support, and indoor or outdoor place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Habit:
    """Size and place of a category.

    Attributes:
        size: Shortest and longest typical length of the longer side of the box in the image, in metres.
        stands: "floor", "table" (on a table, a bed, a couch; otherwise on the floor only near the camera), or "both".
        place: "indoors", "outdoors" or "anywhere".
    """

    size: tuple[float, float]
    stands: str
    place: str


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split(", "))


def _all(names: str, low: float, high: float, stands: str, place: str) -> dict[str, Habit]:
    return {name: Habit((low, high), stands, place) for name in sorted(_names(names))}


PASTED: dict[str, Habit] = {
    **_all("person", 1.1, 1.8, "floor", "anywhere"),
    **_all("dog", 0.45, 0.9, "floor", "anywhere"),
    **_all("cat", 0.35, 0.6, "both", "anywhere"),
    **_all("sheep", 0.9, 1.2, "floor", "outdoors"),
    **_all("horse", 1.9, 2.4, "floor", "outdoors"),
    **_all("cow", 1.7, 2.3, "floor", "outdoors"),
    **_all("elephant, giraffe", 3.0, 4.5, "floor", "outdoors"),
    **_all("zebra, bear", 1.6, 2.2, "floor", "outdoors"),
    **_all("bird", 0.2, 0.5, "floor", "outdoors"),
    **_all("bicycle", 1.5, 1.8, "floor", "outdoors"),
    **_all("motorcycle", 1.9, 2.3, "floor", "outdoors"),
    **_all("car", 3.6, 4.6, "floor", "outdoors"),
    **_all("bus, truck", 6.0, 10.0, "floor", "outdoors"),
    **_all("fire hydrant", 0.6, 0.9, "floor", "outdoors"),
    **_all("parking meter", 1.1, 1.5, "floor", "outdoors"),
    **_all("bench", 1.3, 1.9, "floor", "outdoors"),
    **_all("chair", 0.8, 1.1, "floor", "anywhere"),
    **_all("couch", 1.4, 2.2, "floor", "indoors"),
    **_all("potted plant", 0.35, 1.0, "both", "anywhere"),
    **_all("bed", 1.9, 2.3, "floor", "indoors"),
    **_all("dining table", 1.2, 2.0, "floor", "indoors"),
    **_all("toilet", 0.6, 0.8, "floor", "indoors"),
    **_all("tv", 0.5, 0.9, "table", "indoors"),
    **_all("refrigerator", 1.5, 1.9, "floor", "indoors"),
    **_all("oven", 0.8, 1.0, "floor", "indoors"),
    **_all("microwave", 0.45, 0.55, "table", "indoors"),
    **_all("toaster", 0.25, 0.35, "table", "indoors"),
    **_all("suitcase", 0.5, 0.8, "floor", "anywhere"),
    **_all("backpack", 0.4, 0.55, "both", "anywhere"),
    **_all("handbag", 0.3, 0.45, "both", "anywhere"),
    **_all("umbrella", 0.8, 1.0, "floor", "anywhere"),
    **_all("skateboard", 0.7, 0.8, "floor", "anywhere"),
    **_all("sports ball", 0.2, 0.25, "floor", "anywhere"),
    **_all("baseball glove, frisbee", 0.25, 0.3, "both", "anywhere"),
    **_all("teddy bear", 0.25, 0.5, "both", "indoors"),
    **_all("bottle", 0.22, 0.32, "table", "anywhere"),
    **_all("wine glass", 0.18, 0.23, "table", "indoors"),
    **_all("cup", 0.09, 0.14, "table", "anywhere"),
    **_all("bowl", 0.14, 0.28, "table", "indoors"),
    **_all("fork, knife, spoon", 0.16, 0.22, "table", "indoors"),
    **_all("banana", 0.16, 0.25, "table", "indoors"),
    **_all("apple, orange", 0.07, 0.09, "table", "indoors"),
    **_all("broccoli, carrot, hot dog, donut", 0.1, 0.2, "table", "indoors"),
    **_all("sandwich", 0.14, 0.2, "table", "indoors"),
    **_all("pizza, cake", 0.22, 0.32, "table", "indoors"),
    **_all("laptop", 0.33, 0.4, "table", "indoors"),
    **_all("keyboard", 0.4, 0.46, "table", "indoors"),
    **_all("mouse", 0.1, 0.12, "table", "indoors"),
    **_all("remote", 0.17, 0.22, "table", "indoors"),
    **_all("cell phone", 0.12, 0.16, "table", "indoors"),
    **_all("book", 0.2, 0.28, "table", "indoors"),
    **_all("clock", 0.15, 0.3, "table", "indoors"),
    **_all("vase", 0.2, 0.4, "table", "indoors"),
    **_all("scissors", 0.16, 0.22, "table", "indoors"),
    **_all("hair drier", 0.2, 0.26, "table", "indoors"),
    **_all("toothbrush", 0.17, 0.2, "table", "indoors"),
}
"""Categories that may be pasted, by COCO's names."""

SUPPORTS: dict[str, tuple[float, float]] = {
    "dining table": (0.1, 0.55),
    "bed": (0.35, 0.85),
    "couch": (0.5, 0.8),
    "bench": (0.35, 0.6),
}
"""Categories that carry others, and where on them, as fractions of their height from the top."""

MIRRORED = frozenset(PASTED) - {"clock", "keyboard", "book", "bottle", "tv", "laptop", "bus", "truck", "parking meter"}
"""Categories whose mirror image looks as likely; the others have writing on them."""

INDOORS = _names(
    "couch, bed, dining table, toilet, tv, laptop, keyboard, mouse, remote, microwave, oven, toaster, sink, "
    "refrigerator, book, vase, wine glass, bowl"
)
OUTDOORS = _names(
    "sheep, horse, cow, elephant, zebra, giraffe, bear, car, bus, truck, train, airplane, boat, traffic light, "
    "fire hydrant, stop sign, parking meter, kite, motorcycle, snowboard, skis, surfboard"
)
"""Categories that say where a photograph was taken."""


def place_of(categories: frozenset[str]) -> str:
    """Returns where a photograph with these categories was taken: "indoors", "outdoors" or "anywhere" (unknown)."""
    indoors, outdoors = bool(categories & INDOORS), bool(categories & OUTDOORS)
    if indoors == outdoors:
        return "anywhere"
    return "indoors" if indoors else "outdoors"


def belongs(category: str, place: str) -> bool:
    """Whether a category is plausible in a place of :func:`place_of`."""
    own = PASTED[category].place
    return "anywhere" in (own, place) or own == place


NAMES_OF_MODELS: dict[str, str] = {
    "armchair": "chair",
    "folding chair": "chair",
    "deck chair": "chair",
    "kitchen chair": "chair",
    "office chair": "chair",
    "table": "dining table",
    "kitchen table": "dining table",
    "houseplant": "potted plant",
    "plant": "potted plant",
    "indoor plant": "potted plant",
    "mug": "cup",
    "coffee mug": "cup",
    "coffee cup": "cup",
    "wine bottle": "bottle",
    "beer bottle": "bottle",
    "soda bottle": "bottle",
    "stove": "oven",
    "basketball": "sports ball",
    "soccer ball": "sports ball",
    "football": "sports ball",
    "cupcake": "cake",
    "birthday cake": "cake",
}
"""Categories in photographs by the library's names, where these differ; no other model is pasted."""

PHOTOGRAPHS_ONLY = _names(
    "person, dog, cat, bird, sheep, horse, cow, elephant, giraffe, zebra, bear, bicycle, motorcycle, car, bus, truck, "
    "keyboard, hot dog, cell phone"
)
"""Categories that are not rendered: the models are toys or something else of that name, or look like dolls."""
