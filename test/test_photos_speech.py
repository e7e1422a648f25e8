from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from photo_collections import COLORS, HEIGHT, WIDTH, Box, box_mask, paint, scene

from mdsm_ros.homes.speech.queries import Clause, Query
from training.photos.speech.colors import look
from training.photos.speech.queries import RELATIONS, SELECTIONS, Judge
from training.photos.speech.scene import PictureObject, PictureScene, is_scattered, object_of, scene_of
from training.photos.speech.speaker import Sentence, Speaker, pronoun_form
from training.photos.speech.words.kinds import HYPERNYMS, NOUNS, fits, is_plural, normal, nouns, speakable
from training.photos.speech.words.rooms import room_of
from training.photos.speech.words.strangers import STRANGERS

LEFT, MIDDLE, RIGHT = (10, 60, 40, 100), (65, 60, 95, 100), (120, 60, 150, 100)


def say(picture: PictureScene, count: int = 40, absent_share: float = 0.0, seed: int = 0) -> list[Sentence]:
    return Speaker(picture, np.random.default_rng(seed)).sentences(count, absent_share)


def verdict(statement: str, thing: Box, *marks: Box, kinds: tuple[str, str] = ("cup", "chair")) -> bool | None:
    picture = scene((kinds[0], thing), *((kinds[1], mark) for mark in marks), whole=True)
    return RELATIONS[statement](picture, picture.objects[0], picture.objects[1:])


def picked(statement: str, *boxes: Box, kind: str = "cup", mark: Box | None = None) -> int | None:
    picture = scene(*((kind, box) for box in boxes), *([("chair", mark)] if mark else []))
    return SELECTIONS[statement](picture, picture.objects[: len(boxes)], picture.objects[len(boxes) :])


# -- kinds and colours -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Potted_Plant", "potted plant"),
        ("tvmonitor", "tv"),
        ("SOFA", "couch"),
        ("  Red-Box ", "red box"),
        ("cup", "cup"),
    ],
)
def test_names_of_the_same_kind_are_one(name: str, kind: str) -> None:
    assert normal(name) == kind


def test_what_can_be_taken_for_something_else_is_doubtful() -> None:
    assert fits("chair", "chair") is True
    assert fits("chair", "couch") is None  # an armchair
    assert fits("chair", "car") is False
    assert fits("chair", "office chair") is None
    assert fits("chair", "object") is None
    assert fits("animal", "dog") is True
    assert fits("animal", "teddy bear") is None
    assert fits("cat", "dog") is False
    assert fits("cat", "dog", absent=True) is None


def test_names_that_are_no_words_are_not_spoken() -> None:
    assert [speakable(name) for name in ("tv", "wine glass", "object", "cls_1", "7", "")] == [True, True, *[False] * 4]
    assert not say(scene(("object", MIDDLE)))
    assert is_plural("scissors")
    assert not is_plural("pair of scissors")
    assert nouns("dining table") == ("dining table",)
    assert "table" in nouns("dining table", broad=True)


@pytest.mark.parametrize("color", ["red", "blue", "green", "yellow", "white", "black"])
def test_one_color_is_found_in_light_and_shade(color: str) -> None:
    mask = box_mask((30, 20, 90, 90))
    rgb = paint({(30, 20, 90, 90): color})
    looks = look(rgb, mask)
    assert looks is not None
    assert looks.color == color
    shade = rgb.astype(float)
    shade[:, 60:] *= 0.8
    shaded = look(shade.astype(np.uint8), mask)
    assert shaded is not None
    assert shaded.color in (color, None)
    wrong = [c for c in COLORS if c not in (color, "gray") and looks.verdict(c)]
    assert not wrong


def test_two_colors_or_few_pixels_are_no_color() -> None:
    mask = box_mask((30, 20, 90, 90))
    looks = look(paint({(30, 20, 60, 90): "red", (60, 20, 90, 90): "blue"}), mask)
    assert looks is not None
    assert looks.color is None
    assert looks.verdict("red") is None
    assert looks.verdict("green") is False
    assert look(paint({}), box_mask((30, 20, 36, 26))) is None
    gray = look(paint({(30, 20, 90, 90): "gray"}), mask)
    assert gray is not None
    assert gray.color is None  # perhaps white in the shade
    assert gray.verdict("white") is None


# -- relations: right, wrong and borderline ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "right", "wrong", "borderline"),
    [
        ("left", (5, 40, 40, 80), (110, 40, 150, 80), (40, 40, 90, 80)),
        ("right", (110, 40, 150, 80), (5, 40, 40, 80), (70, 40, 120, 80)),
        ("top", (60, 5, 100, 40), (60, 90, 100, 118), (60, 30, 100, 80)),
        ("bottom", (60, 80, 100, 118), (60, 2, 100, 30), (60, 40, 100, 90)),
        ("top left", (5, 5, 35, 25), (110, 80, 150, 110), (10, 20, 60, 60)),
        ("bottom right", (130, 95, 158, 118), (5, 5, 35, 25), (80, 70, 130, 110)),
        ("center", (60, 40, 100, 80), (5, 40, 30, 80), (35, 40, 85, 80)),
    ],
)
def test_places(statement: str, right: Box, wrong: Box, borderline: Box) -> None:
    assert verdict(statement, right) is True
    assert verdict(statement, wrong) is False
    assert verdict(statement, borderline) is None


MARK = (70, 50, 110, 100)


@pytest.mark.parametrize(
    ("statement", "right", "wrong", "borderline"),
    [
        ("left of", (30, 60, 60, 100), (120, 60, 150, 100), (50, 60, 90, 100)),
        ("right of", (118, 60, 150, 100), (30, 60, 60, 100), (95, 60, 130, 100)),
        ("next to", (40, 60, 66, 100), (0, 60, 18, 100), (20, 60, 45, 100)),
    ],
)
def test_beside_a_landmark(statement: str, right: Box, wrong: Box, borderline: Box) -> None:
    assert verdict(statement, right, MARK) is True
    assert verdict(statement, wrong, MARK) is False
    assert verdict(statement, borderline, MARK) is None


def test_between_two_landmarks() -> None:
    first, second = (10, 50, 40, 100), (120, 50, 150, 100)
    assert verdict("between", (65, 60, 95, 95), first, second) is True
    assert verdict("between", (0, 60, 8, 95), first, second) is False
    assert verdict("between", (30, 60, 95, 95), first, second) is None


def test_on_needs_a_foot_on_the_landmark() -> None:
    table = (20, 50, 140, 110)

    def on(thing: Box, kind: str = "cup", mark: str = "dining table") -> bool | None:
        picture = scene((mark, table), (kind, thing))
        return RELATIONS["on"](picture, picture.objects[1], picture.objects[:1])

    assert on((60, 30, 80, 70)) is True
    assert on((60, 5, 80, 30)) is False  # in the air
    assert on((60, 80, 80, 118)) is False  # it ends below the table
    assert on((60, 70, 80, 108)) is None  # before it, perhaps
    assert on((130, 30, 158, 70)) is None  # half beside it
    assert on((60, 30, 80, 70), kind="person") is None
    assert on((60, 30, 80, 70), mark="car") is None


def test_above_and_below_are_for_what_hangs() -> None:
    picture = scene(("clock", (60, 10, 90, 40)), ("couch", (40, 60, 110, 110)))
    clock, couch = picture.objects
    assert RELATIONS["above"](picture, clock, [couch]) is True
    assert RELATIONS["above"](picture, couch, [clock]) is False
    assert RELATIONS["below"](picture, couch, [clock]) is True
    assert RELATIONS["below"](picture, clock, [couch]) is False
    assert verdict("above", (60, 10, 90, 40), (40, 60, 110, 110)) is None  # a cup is behind, rather


def test_in_front_and_behind_by_what_stands_lower() -> None:
    picture = scene(("couch", (30, 30, 130, 85)), ("dog", (60, 60, 90, 105)))
    couch, dog = picture.objects
    assert RELATIONS["in front of"](picture, dog, [couch]) is True
    assert RELATIONS["behind"](picture, couch, [dog]) is True
    assert RELATIONS["in front of"](picture, couch, [dog]) is False
    assert RELATIONS["behind"](picture, dog, [couch]) is False
    level = scene(("couch", (30, 30, 130, 85)), ("dog", (60, 50, 90, 88)))
    assert RELATIONS["in front of"](level, level.objects[1], level.objects[:1]) is None
    seat = scene(("chair", (50, 30, 100, 105)), ("dog", (60, 30, 90, 70)))  # it may sit on the chair
    assert RELATIONS["in front of"](seat, seat.objects[0], seat.objects[1:]) is None


# -- selections --------------------------------------------------------------------------------------------------------


def test_ordinals_from_both_sides() -> None:
    row = ((5, 50, 25, 90), (45, 50, 65, 90), (85, 50, 105, 90), (125, 50, 145, 90))
    assert [picked(s, *row) for s in ("leftmost", "second from left", "third from left")] == [0, 1, 2]
    assert [picked(s, *row) for s in ("rightmost", "second from right", "third from right")] == [3, 2, 1]
    close = ((5, 50, 25, 90), (45, 50, 65, 90), (50, 20, 70, 48), (125, 50, 145, 90))
    assert picked("second from left", *close) is None
    assert picked("leftmost", *close) == 0
    assert picked("second from right", *close) is None
    assert picked("leftmost", row[0]) is None  # the only one


def test_middle_is_of_three_in_a_row() -> None:
    assert picked("middle", LEFT, MIDDLE, RIGHT) == 1
    assert picked("middle", LEFT, MIDDLE) is None
    assert picked("middle", LEFT, (65, 5, 95, 30), RIGHT) is None


def test_sizes_need_a_factor() -> None:
    big, small = (10, 20, 80, 100), (110, 60, 130, 90)
    assert picked("largest", small, big) == 1
    assert picked("smallest", small, big) == 0
    assert picked("smallest", (140, 60, 160, 90), big) is None  # cut off: it may be as large
    assert picked("largest", LEFT, (60, 55, 95, 100)) is None
    assert picked("smallest", LEFT, (60, 55, 95, 100)) is None


def test_nearness_to_the_camera_is_for_what_stands() -> None:
    near, far = (10, 30, 80, 110), (110, 40, 130, 70)
    assert picked("closest to camera", far, near, kind="chair") == 1
    assert picked("farthest from camera", far, near, kind="chair") == 0
    assert picked("closest to camera", far, near, kind="kite") is None
    assert picked("closest to camera", (110, 40, 130, 104), near, kind="sheep") is None  # stands hardly higher up
    assert picked("closest to camera", (110, 90, 130, 118), near, kind="chair") is None  # small, but lower


def test_highest_lowest_and_nearest() -> None:
    assert picked("highest", (10, 5, 30, 30), (60, 60, 80, 90)) == 0
    assert picked("lowest", (10, 5, 30, 30), (60, 60, 80, 90)) == 1
    assert picked("highest", (10, 50, 30, 80), (60, 55, 80, 85)) is None
    assert picked("nearest", (44, 60, 64, 100), (130, 60, 150, 100), mark=(10, 60, 40, 100)) == 0
    assert picked("nearest", (44, 60, 64, 100), (44, 5, 64, 40), mark=(10, 60, 40, 100)) is None


# -- sentences ---------------------------------------------------------------------------------------------------------


def test_crowds_and_doubtful_objects_end_uniqueness() -> None:
    assert say(scene(("sheep", LEFT)))
    assert not say(scene(("sheep", LEFT), ("sheep", RIGHT), uncertain=frozenset({1})))
    about = {s.target for s in say(scene(("sheep", LEFT), ("sheep", RIGHT), ("car", MIDDLE), uncertain=frozenset({1})))}
    assert about == {2}
    assert not any(
        "sheep" in s.text.lower() for s in say(scene(("car", LEFT), ("sheep", RIGHT), uncertain=frozenset({1})))
    )
    assert not say(scene(("person", LEFT), unique=False), absent_share=0.5)


def test_a_mask_of_several_objects_is_doubtful() -> None:
    assert not is_scattered(box_mask(LEFT))
    assert is_scattered(box_mask(LEFT) | box_mask(RIGHT))
    pieces = box_mask((10, 60, 40, 100)) | box_mask((43, 60, 60, 100))  # behind a post
    assert not is_scattered(pieces)
    assert is_scattered(pieces, strict=True)
    assert object_of(0, "horse", pieces).certain
    assert not object_of(0, "sheep", pieces).certain
    assert not object_of(0, "horse", pieces, certain=False).certain


def test_a_herd_animal_wider_than_one_is_doubtful() -> None:
    wide = box_mask((10, 60, 90, 100))
    assert not object_of(0, "sheep", wide).certain
    assert object_of(0, "boat", wide).certain
    assert object_of(0, "sheep", box_mask((10, 60, 60, 100))).certain


def test_small_objects_are_not_asked_for() -> None:
    assert {s.target for s in say(scene(("cup", (10, 10, 14, 14)), ("chair", RIGHT)))} == {1}
    assert say(scene(("cup", (10, 10, 22, 28))))
    assert not say(scene(("cup", (0, 10, 12, 28))))  # cut off by the picture's border


def test_rivals_are_told_apart() -> None:
    picture = scene(("chair", LEFT, "red"), ("chair", MIDDLE, "blue"), ("chair", RIGHT, "blue"))
    sentences = say(picture)
    assert {s.target for s in sentences} == {0, 1, 2}
    for sentence in sentences:
        assert sentence.distractors == 2
        assert sentence.query.clauses or sentence.query.color == "red"
    identical = scene(("chair", LEFT), ("couch", (*LEFT[:2], 38, 98)))
    assert Judge(identical).find(Query("chair")) is None


def test_a_clause_with_an_unclear_landmark_is_not_judged() -> None:
    judge = Judge(scene(("cup", LEFT), ("chair", MIDDLE), ("chair", RIGHT)))
    unclear = Query("cup", clauses=(Clause("left of", (Query("chair"),)),))
    assert judge.find(unclear) is None
    clear = Query("cup", clauses=(Clause("left of", (Query("chair", clauses=(Clause("leftmost"),)),)),))
    assert judge.find(clear) is judge.scene.objects[0]
    assert clear.expressions == 2


def test_general_names_are_for_the_only_one() -> None:
    animals = frozenset(HYPERNYMS["animal"])

    def general(picture: PictureScene) -> bool:
        return any(s.query.kind == "animal" for seed in range(40) for s in say(picture, seed=seed))

    assert general(scene(("dog", MIDDLE), exhaustive=animals))
    assert not general(scene(("dog", LEFT), ("horse", RIGHT), exhaustive=animals))
    assert not general(scene(("dog", MIDDLE)))


def test_absent_kinds_are_covered_and_not_alike() -> None:
    kinds = frozenset({"couch", "chair", "cat", "tv", "boat", "potted plant"})
    picture = scene(("couch", LEFT, "red"), ("car", MIDDLE), exhaustive=kinds)
    absent = [s for s in say(picture, 60, 0.9) if s.target is None and s.query.kind not in STRANGERS]
    assert {s.query.kind for s in absent} >= {"cat", "tv", "boat", "couch"}
    # it may be the couch; not covered; overlooked by annotators
    assert not any(s.query.kind in ("chair", "car", "potted plant") for s in absent)
    for sentence in absent:
        assert sentence.distractors == 0
        if sentence.query.kind == "couch":
            assert sentence.query.color != "red"


def test_what_a_pet_lies_on_is_not_said_to_be_absent() -> None:
    kinds = frozenset({"couch", "bed", "cat", "tv"})

    def absent(kind: str) -> set[str]:
        said = say(scene((kind, LEFT), exhaustive=kinds), 60, 0.9)
        return {s.query.kind for s in said if s.target is None and s.query.kind not in STRANGERS}

    assert "couch" in absent("car")
    assert absent("cat") >= {"tv"}
    assert not absent("cat") & {"couch", "bed"}


def test_strangers_are_said_of_every_picture_and_are_no_labels() -> None:
    absent = [s for s in say(scene(("chair", LEFT)), 30, 0.9) if s.target is None]  # nothing is known to be missing
    assert absent
    for sentence in absent:
        assert sentence.query.kind in STRANGERS
        assert sentence.query.kind in sentence.text.lower()
    assert not set(STRANGERS) & {name for kind in NOUNS for name in nouns(kind, broad=True)}
    assert [name for name in STRANGERS if name != " ".join(name.split())] == []
    assert len(set(STRANGERS)) == len(STRANGERS)


def test_hard_negatives_keep_a_distance() -> None:
    kinds = frozenset({"couch"})

    def absent(color: str) -> set[Query]:
        picture = scene(("couch", LEFT, color), ("car", MIDDLE), exhaustive=kinds)
        return {s.query for s in say(picture, 200, 0.95) if s.target is None}

    assert Query("couch", "green") in absent("red")
    assert not {q.color for q in absent("red")} & {"red", "orange", "pink", "brown"}
    car = (Query("car"),)
    assert Query("couch", clauses=(Clause("right of", car),)) in absent("red")
    assert Query("couch", clauses=(Clause("left of", car),)) not in absent("red")
    assert Query("couch", clauses=(Clause("right"),)) not in absent(
        "red"
    )  # a listener would take the one that is there
    crowd = scene(("couch", LEFT, "red"), ("couch", RIGHT, "red"), uncertain=frozenset({1}), exhaustive=kinds)
    assert {s.query.kind for s in say(crowd, 60, 0.95)} <= set(STRANGERS)


def test_rooms_are_named_where_they_are_plausible() -> None:
    assert room_of(["oven", "sink"]) == "kitchen"
    assert room_of(["toilet", "sink"]) == "bathroom"
    assert room_of(["oven", "car"]) is None
    assert room_of(["dog"]) is None
    assert room_of(["couch", "oven"]) is None
    picture = scene(("oven", LEFT), ("refrigerator", RIGHT))
    assert any("kitchen" in s.text for s in say(picture))
    silent = Speaker(picture, np.random.default_rng(0), rooms=False).sentences(40, 0.0)
    assert not any("kitchen" in s.text for s in silent)


def test_verbs_fit_and_vary() -> None:
    picture = scene(("bus", MIDDLE))
    texts = [s.text for seed in range(30) for s in say(picture, 8, seed=seed)]
    assert len(set(texts)) > 60
    assert not any(re.search(r"\b(bring me|fetch|fold|throw|sit on)\b", text.lower()) for text in texts)
    assert pronoun_form("bring me {}", "it") == "bring it to me"
    assert pronoun_form("wipe off {}", "it") == "wipe it off"
    assert pronoun_form("sit on {}", "it") == "sit on it"


def test_the_same_seed_says_the_same() -> None:
    picture = scene(("chair", LEFT, "red"), ("cup", MIDDLE), ("dog", RIGHT), exhaustive=frozenset({"cat", "chair"}))
    assert say(picture, 8, 0.2, seed=3) == say(picture, 8, 0.2, seed=3)
    assert say(picture, 8, 0.2, seed=3) != say(picture, 8, 0.2, seed=4)


# -- an independent judge ----------------------------------------------------------------------------------------------

KINDS = ("chair", "cup", "dog", "clock", "dining table", "bottle", "couch")


def random_scene(rng: np.random.Generator) -> PictureScene:
    boxes, kinds, colors = [], [], []
    for _ in range(int(rng.integers(2, 8))):
        width, height = rng.integers(12, 60), rng.integers(12, 60)
        left, top = rng.integers(0, WIDTH - width), rng.integers(0, HEIGHT - height)
        boxes.append((int(left), int(top), int(left + width), int(top + height)))
        kinds.append(KINDS[int(rng.integers(len(KINDS)))])
        colors.append(list(COLORS)[int(rng.integers(len(COLORS)))])
    masks = [box_mask(box) for box in boxes]
    rgb = paint(dict(zip(boxes, colors, strict=True)))
    for i in range(len(masks)):
        for later in masks[i + 1 :]:
            masks[i] &= ~later
    kept = [i for i, mask in enumerate(masks) if mask.sum() > 30]
    uncertain = frozenset(n for n, _ in enumerate(kept) if rng.random() < 0.1)
    return scene_of(
        rgb, [kinds[i] for i in kept], [masks[i] for i in kept], uncertain=uncertain, exhaustive=frozenset(KINDS)
    )


class Grid:
    """What is true of the pixels, judged without boxes' margins: coordinates of the masks alone."""

    def __init__(self, picture: PictureScene) -> None:
        self.picture = picture
        self.points = {i: np.argwhere(mask) for i, mask in picture.masks.items()}  # rows and columns

    def spot(self, thing: PictureObject) -> tuple[float, float]:
        rows, columns = self.points[thing.index].T
        return (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2

    def could_be(
        self, clause: Clause, thing: PictureObject, others: Sequence[PictureObject], marks: Sequence[int]
    ) -> bool:
        """Whether a listener who is generous could say a statement of a thing."""
        x, y = self.spot(thing)
        spots = [self.spot(o) for o in others]
        at = [self.spot(self.picture.objects[m]) for m in marks]
        name = clause.statement
        size = len(self.points[thing.index])
        sizes = [len(self.points[o.index]) for o in others]
        order = sorted([x, *(spot[0] for spot in spots)])
        if name in ("left", "right", "top", "bottom"):
            share = {"left": x / WIDTH, "right": 1 - x / WIDTH, "top": y / HEIGHT, "bottom": 1 - y / HEIGHT}[name]
            return share < 0.5
        if " " in name and name.split()[0] in ("top", "bottom"):
            row, column = name.split()
            return (y < HEIGHT / 2) == (row == "top") and (x < WIDTH / 2) == (column == "left")
        if name == "center":
            return abs(x / WIDTH - 0.5) < 0.2 and abs(y / HEIGHT - 0.5) < 0.3
        if name in ("left of", "right of"):
            return (x < at[0][0]) == (name == "left of")
        if name == "leftmost":
            return x == order[0]
        if name == "rightmost":
            return x == order[-1]
        if "from left" in name or "from right" in name:
            place = {"second": 1, "third": 2}[name.split()[0]]
            return x == (order if "left" in name else order[::-1])[place]
        if name == "middle":
            return len(order) == 3 and x == order[1]
        if name in ("largest", "closest to camera"):
            return all(size > other for other in sizes)
        if name in ("smallest", "farthest from camera"):
            return all(size < other for other in sizes)
        if name == "highest":
            return all(y < spot[1] for spot in spots)
        if name == "lowest":
            return all(y > spot[1] for spot in spots)
        if name == "nearest":
            return all(self.apart(thing, marks[0]) < self.apart(o, marks[0]) for o in others)
        if name == "next to":
            across, down = self.clear(thing, marks[0])
            return across < 0.3 * WIDTH and down < 0.25 * HEIGHT
        if name == "between":
            ends = sorted(spot[0] for spot in at)
            return ends[0] < x < ends[1] and min(self.clear(thing, mark)[1] for mark in marks) == 0
        if name in ("above", "below"):
            return (y < at[0][1]) == (name == "above") and self.clear(thing, marks[0])[0] < 0.05 * WIDTH
        bottom, mark_bottom = self.points[thing.index][:, 0].max(), self.points[marks[0]][:, 0].max()
        if name in ("in front of", "behind"):
            lower = bool(bottom > mark_bottom) == (name == "in front of")
            return lower and self.clear(thing, marks[0])[0] < 0.1 * WIDTH
        assert name == "on"
        return bool(self.apart(thing, marks[0]) <= 5 and bottom < mark_bottom)

    def clear(self, thing: PictureObject, mark: int) -> tuple[float, float]:
        """Columns and rows between two masks."""
        low, high = self.points[thing.index].min(axis=0), self.points[thing.index].max(axis=0) + 1
        mark_low, mark_high = self.points[mark].min(axis=0), self.points[mark].max(axis=0) + 1
        down, across = np.maximum(np.maximum(mark_low - high, low - mark_high), 0)
        return float(across), float(down)

    def apart(self, thing: PictureObject, mark: int) -> float:
        """Pixels between the nearest pixels of two masks."""
        ours, theirs = self.points[thing.index][::3], self.points[mark][::3]
        return float(np.sqrt(((ours[:, None] - theirs[None]) ** 2).sum(axis=2).min()))

    def meant(self, query: Query) -> list[int]:
        """Everything that a generous listener could take a query to mean."""
        named = [o for o in self.picture.objects if o.kind == query.kind and self.tinted(o, query.color)]
        found = []
        for thing in named:
            others = [o for o in named if o is not thing]
            if all(self.could_be(c, thing, others, [m for q in c.marks for m in self.meant(q)]) for c in query.clauses):
                found.append(thing.index)
        return found

    def tinted(self, thing: PictureObject, color: str | None) -> bool:
        """Whether a third of an object's pixels is nearest to a colour, of those that the scenes are painted with."""
        if color is None or color not in COLORS:
            return color is None
        return thing.looks is None or thing.looks.wide[color] > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_an_independent_judge_agrees_that_each_sentence_has_one_answer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    present, absent, statements = 0, 0, set()
    for _ in range(30):
        picture = random_scene(rng)
        grid = Grid(picture)
        for sentence in Speaker(picture, rng).sentences(10, 0.25):
            if sentence.query.kind in HYPERNYMS or sentence.query.kind in STRANGERS:
                continue
            expected = [] if sentence.target is None else [sentence.target]
            assert grid.meant(sentence.query) == expected, sentence
            names = nouns(sentence.query.kind, broad=True) + NOUNS.get(sentence.query.kind, ())
            if sentence.target is not None:
                assert any(name in sentence.text.lower() for name in names), sentence.text
                assert picture.objects[sentence.target].certain
            statements |= {clause.statement for clause in sentence.query.clauses}
            present += sentence.target is not None
            absent += sentence.target is None
    assert present > 40
    assert absent > 5
    assert len(statements) > 8
