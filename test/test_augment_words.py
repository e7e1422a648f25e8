"""What sentences become in the mirrored picture, and what they need when a part is cut out."""

from __future__ import annotations

import pytest

from training.augment.crop_words import Needs, names_color, needs_of
from training.augment.flip_words import flip_sentence


@pytest.mark.parametrize(
    ("text", "flipped"),
    [
        ("bring me the leftmost chair", "bring me the rightmost chair"),
        ("Go to the mug to the left of the laptop.", "Go to the mug to the right of the laptop."),
        ("the lamp on the left-hand side of the bed", "the lamp on the right-hand side of the bed"),
        ("the second cup from the right", "the second cup from the left"),
        ("Left of the sofa is a lamp", "Right of the sofa is a lamp"),
        ("THE LEFT ONE", "THE RIGHT ONE"),
        ("turn the knob clockwise", "turn the knob counterclockwise"),
        ("take the third book from left to right", "take the third book from right to left"),
        ("the chair facing left, right next to the door", "the chair facing right, right next to the door"),
        ("in the upper right corner", "in the upper left corner"),
        ("the vase on the right on the shelf", "the vase on the left on the shelf"),
        ("between the left and the right lamp", "between the right and the left lamp"),
        ("make a left turn and take the towel", "make a right turn and take the towel"),
        ("the robot's left", "the robot's right"),
        ("the lamp that is far right", "the lamp that is far left"),
        ("the box right under the right window", "the box right under the left window"),
    ],
)
def test_sides_are_swapped_and_swapped_back(text: str, flipped: str) -> None:
    assert flip_sentence(text) == flipped
    assert flip_sentence(flipped) == text


def test_clockwise_has_several_opposites() -> None:
    for word in ("counterclockwise", "counter-clockwise", "Anti-clockwise", "anticlockwise"):
        assert flip_sentence(f"turn the knob {word}").lower() == "turn the knob clockwise"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        "bring me the red mug",
        "the cup right behind the plate",
        "put it back right away",
        "the upright piano in bright light",
        "the box at a right angle to the wall",
        "right side up",
    ],
)
def test_what_names_no_side_stays(text: str) -> None:
    assert flip_sentence(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "the scissors left on the table",
        "check if any soap is left in the bottle on the right",
        "the book that she left behind",
        "see whether the left over food is covered",
        'the poster with "Pulp Fiction" on the left',
        "the book titled Emma",
        "the sign that says 'exit'",
        "the clock at 7 o'clock",
        "is that the right size",
        "is that right?",
        "go right to the kitchen",
    ],
)
def test_what_a_flip_may_falsify_is_refused(text: str) -> None:
    assert flip_sentence(text) is None


SEEN = ("sofa", "lamp", "chair", "book")


def needs(text: str, target: str = "chair") -> Needs:
    return needs_of(text, SEEN, [target])


def test_the_sentence_names_what_must_stay() -> None:
    assert needs("go to the chair") == Needs(frozenset({"chair"}), whole=False, place=False, unknown=False)
    assert needs("bring me the book on the couch", "book").categories == {"book", "sofa"}  # a synonym
    assert needs("the chair between lamps and books").categories == {"chair", "lamp", "book"}


@pytest.mark.parametrize(
    "text",
    [
        "the leftmost chair",
        "the nearest chair",
        "the second chair",
        "the middle chair",
        "the bigger chair",
        "both chairs",
        "the chair closest to the lamp",
    ],
)
def test_what_compares_wants_all_of_the_kind_whole(text: str) -> None:
    assert needs(text).whole


def test_places_in_the_picture_are_not_relations() -> None:
    for text in (
        "the chair on the left",
        "the chair at the top",
        "the chair in the corner of the room",
        "the far right",
    ):
        assert needs(text).place, text
    for text in (
        "the chair to the left of the lamp",
        "the chair right next to the lamp",
        "the book on top of the lamp",
    ):
        assert not needs(text).place, text


def test_a_landmark_that_nobody_annotated_is_noticed() -> None:
    assert needs("the chair next to the stove").unknown
    assert needs("the chair beside flowers").unknown
    assert not needs("the chair next to the lamp").unknown
    assert not needs("go to the kitchen and push the chair to the wall").unknown
    assert not needs("bring me the stool").unknown  # the target by another name
    assert needs("bring me the stool near the stove").unknown
    assert needs("the chair by the middle stove").unknown


def test_colours_are_found() -> None:
    assert names_color("the Red mug")
    assert names_color("the dark one")
    assert names_color("the violet towel")
    assert not names_color("the reddest of bred mugs".replace("reddest", "biggest"))
