"""Statements about the position of one object in an image, judged from boxes and masks.

Every verdict has three values: true, false, or too close to call (None). A relation judges one object, ``(scene, thing,
marks) -> Verdict``; ``marks`` are its landmarks. Rows and columns are pixels from the top left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from training.photos.speech.scene import PictureObject, PictureScene

Verdict = bool | None
Marks = Sequence[PictureObject]
Relation = Callable[[PictureScene, PictureObject, Marks], Verdict]


STANDING = frozenset(
    [
        "person",
        "dog",
        "sheep",
        "cow",
        "horse",
        "elephant",
        "bear",
        "zebra",
        "giraffe",
        "bicycle",
        "car",
        "motorcycle",
        "bus",
        "truck",
        "chair",
        "couch",
        "bench",
    ]
) | {"dining table", "bed", "toilet", "refrigerator", "fire hydrant", "parking meter"}
"""Kinds that stand on the ground, so that the lower one in a picture is nearer."""

SUPPORTS = frozenset(
    {"dining table", "table", "desk", "couch", "bed", "chair", "bench", "counter", "shelf", "cabinet", "suitcase"}
    | {"coffee table", "nightstand", "stool", "armchair", "rug", "ottoman", "dresser", "sideboard"}
)
RESTING = frozenset(
    [
        "cat",
        "dog",
        "bottle",
        "cup",
        "fork",
        "knife",
        "spoon",
        "bowl",
        "banana",
        "apple",
        "sandwich",
        "orange",
        "broccoli",
        "carrot",
        "pizza",
        "donut",
        "cake",
        "laptop",
        "mouse",
        "remote",
        "keyboard",
        "book",
        "clock",
        "vase",
        "scissors",
        "toothbrush",
        "backpack",
        "handbag",
        "suitcase",
        "frisbee",
        "toaster",
        "microwave",
        "tv",
        "mug",
        "plate",
        "pillow",
        "cushion",
        "lamp",
        "phone",
        "basket",
        "blanket",
    ]
) | {"wine glass", "hot dog", "teddy bear", "cell phone", "sports ball", "hair drier", "potted plant"}
ANIMAL_SUPPORTS = frozenset({"couch", "bed", "chair", "bench", "armchair", "rug", "ottoman"})
CARRIERS = SUPPORTS | frozenset(
    {"horse", "bicycle", "motorcycle", "elephant", "car", "truck", "bus", "cow", "skateboard", "surfboard", "boat"}
)
CARRIED = frozenset({"person", "cat", "dog", "bird"})
HANGING = frozenset(
    {"clock", "tv", "microwave", "mirror", "window", "shelf", "cabinet", "picture", "curtain", "window blind"}
    | {"traffic light", "stop sign", "kite", "airplane", "bird", "lamp"}
)
"""Kinds that are said to be above others."""


def _over(low: float, high: float, other_low: float, other_high: float) -> float:
    """Returns the overlap of two ranges as a fraction of the shorter one."""
    shorter = min(high - low, other_high - other_low)
    return max(0.0, min(high, other_high) - max(low, other_low)) / max(shorter, 1e-6)


def columns_shared(a: PictureObject, b: PictureObject) -> float:
    """Returns the overlap of two boxes' columns as a fraction of the narrower box."""
    return _over(a.box[0], a.box[2], b.box[0], b.box[2])


def rows_shared(a: PictureObject, b: PictureObject) -> float:
    """Returns the overlap of two boxes' rows as a fraction of the shorter box."""
    return _over(a.box[1], a.box[3], b.box[1], b.box[3])


def columns_apart(a: PictureObject, b: PictureObject) -> float:
    """Returns the number of columns between two boxes; 0 if they share columns."""
    return max(a.box[0] - b.box[2], b.box[0] - a.box[2], 0.0)


def gap(a: PictureObject, b: PictureObject) -> float:
    """Returns the pixels between two boxes; 0 if they overlap."""
    across = columns_apart(a, b)
    down = max(a.box[1] - b.box[3], b.box[1] - a.box[3], 0.0)
    return float(np.hypot(across, down))


# -- places in the image -----------------------------------------------------------------------------------------------
# ---------------------------------------------------------------------------------------------


def _side(position: float, low: float, high: float) -> Verdict:
    """Whether a range of fractions is clearly in the first half: completely, with its centre in the first 0.35.

    The verdict is False only if no part of the range is in that half: people may accept an object in the middle.
    """
    if position <= 0.35 and high <= 0.5:
        return True
    return False if low >= 0.5 else None


def place(side: str) -> Relation:
    """On the "left" or "right", at the "top" or "bottom" of the image."""

    def judge(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
        axis = 0 if side in ("left", "right") else 1
        size = (scene.width, scene.height)[axis]
        low, high, centre = thing.box[axis] / size, thing.box[axis + 2] / size, (thing.x, thing.y)[axis] / size
        return _side(1 - centre, 1 - high, 1 - low) if side in ("right", "bottom") else _side(centre, low, high)

    return judge


def corner(row: str, column: str) -> Relation:
    """In a corner of the image, for small objects only."""

    def judge(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
        verdicts = (place(row)(scene, thing, marks), place(column)(scene, thing, marks))
        if False in verdicts:
            return False
        x, y = thing.x / scene.width, thing.y / scene.height
        near = min(x, 1 - x) < 0.25 and min(y, 1 - y) < 0.25
        return True if all(verdicts) and near and thing.area < 0.12 * scene.pixels else None

    return judge


def center(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
    """In the middle of the image."""
    across, down = abs(thing.x / scene.width - 0.5), abs(thing.y / scene.height - 0.5)
    if across < 0.1 and down < 0.17 and thing.width < 0.8 * scene.width:
        return True
    return False if across > 0.25 or down > 0.33 else None


# -- relations to landmarks --------------------------------------------------------------------------------------------


def side_of(side: str) -> Relation:
    """Beside a landmark on its "left" or "right", as the viewer sees it, and not far from it."""

    def judge(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
        mark = marks[0]
        thing_x, mark_x = (thing.x, mark.x) if side == "left" else (-thing.x, -mark.x)
        inner, outer = (thing.box[2], mark.box[0]) if side == "left" else (-thing.box[0], -mark.box[2])
        outermost = thing.box[0] if side == "left" else -thing.box[2]
        if outermost >= mark_x:  # no part of it reaches across
            return False
        overlap = inner - outer  # overlap of the columns; negative: a gap
        clear = overlap <= 0.15 * min(thing.width, mark.width) and -overlap < 0.3 * scene.width
        return True if clear and rows_shared(thing, mark) > 0.45 and mark_x - thing_x > 0.08 * scene.width else None

    return judge


def next_to(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
    """Close beside a landmark, at about the same distance from the camera."""
    mark = marks[0]
    across = max(thing.box[0] - mark.box[2], mark.box[0] - thing.box[2])
    if across > 0.3 * scene.width and across > 1.2 * min(thing.width, mark.width):
        return False
    if thing.box[3] < mark.box[1] - 0.25 * scene.height or thing.box[1] > mark.box[3] + 0.25 * scene.height:
        return False
    small, large = sorted((thing.height, mark.height))
    level = abs(thing.box[3] - mark.box[3]) < 0.3 * large and large < 4 * small
    close = -0.2 * min(thing.width, mark.width) < across < 0.5 * min(thing.width, mark.width)
    return True if close and level and across < 0.15 * scene.width else None


def between(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
    """Between two landmarks, from left to right."""
    first, second = sorted(marks, key=lambda mark: mark.x)
    if thing.x <= first.box[0] or thing.x >= second.box[2]:
        return False
    if thing.box[1] > max(first.box[3], second.box[3]) or thing.box[3] < min(first.box[1], second.box[1]):
        return False
    slack = 0.15 * thing.width
    inside = first.box[2] <= thing.box[0] + slack and thing.box[2] - slack <= second.box[0]
    low, high = sorted((first.y, second.y))
    level = low - 0.5 * thing.height <= thing.y <= high + 0.5 * thing.height and rows_shared(first, second) > 0.3
    close = second.box[0] - first.box[2] < 0.6 * scene.width and (second.box[0] - first.box[2]) < 5 * thing.width
    return True if inside and level and close else None


def on(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
    """Resting on a landmark: its category can rest on the landmark's, and its foot is on the landmark's mask."""
    mark = marks[0]
    reach = 0.05 * scene.height
    if columns_apart(thing, mark) > reach or thing.box[3] < mark.box[1] - reach or thing.box[3] > mark.box[3] + reach:
        return False
    able = mark.kind in SUPPORTS and thing.kind in RESTING
    if thing.kind in ("cat", "dog"):
        able = mark.kind in ANIMAL_SUPPORTS
    contact = scene.rests_on(thing, mark)
    if not able or contact is None:
        return None
    foot = (mark.box[3] - thing.box[3]) / mark.height
    held = _over(thing.box[0], thing.box[2], mark.box[0], mark.box[2]) > 0.85 and thing.width < 0.9 * mark.width
    if thing.kind == "potted plant" and contact < 0.95:  # a plant behind a table ends at the table's edge, too
        return None
    return True if contact > 0.7 and foot > 0.12 and held else None


def above(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
    """Straight above a landmark, for hanging or flying objects."""
    mark = marks[0]
    if thing.y >= mark.y or columns_apart(thing, mark) > 0.06 * scene.width:
        return False
    space = mark.box[1] - thing.box[3]
    clear = space >= 0 and space < 0.35 * scene.height and columns_shared(thing, mark) > 0.6
    return True if clear and thing.kind in HANGING and mark.kind not in HANGING else None


def below(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
    """Straight below a hanging or flying object."""
    mark = marks[0]
    if thing.y <= mark.y or columns_apart(thing, mark) > 0.06 * scene.width:
        return False
    return True if above(scene, mark, [thing]) else None


def in_front_of(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
    """Nearer to the camera than a landmark, hiding a part of it or just in front of it; both on the ground."""
    mark = marks[0]
    lower = (thing.box[3] - mark.box[3]) / scene.height
    shared = columns_shared(thing, mark)
    if lower < -0.02 or columns_apart(thing, mark) > 0.2 * scene.width:
        return False
    carries = thing.kind in CARRIERS and mark.kind in CARRIED  # it may also sit on it
    able = thing.kind in STANDING and mark.kind in STANDING and not carries
    whole = mark.box[3] < 0.97 * scene.height  # a foot below the image's edge could be anywhere
    close = rows_shared(thing, mark) > 0.25 and shared > 0.7
    return True if able and whole and close and lower > 0.07 else None


def behind(scene: PictureScene, thing: PictureObject, marks: Marks) -> Verdict:
    """Farther from the camera than a landmark that hides a part of it."""
    mark = marks[0]
    lower = (mark.box[3] - thing.box[3]) / scene.height
    if lower < -0.02 or columns_apart(thing, mark) > 0.2 * scene.width:
        return False
    return True if in_front_of(scene, mark, [thing]) and rows_shared(thing, mark) > 0.4 else None
