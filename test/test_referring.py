"""Clauses, relations, questions and replies: which of several objects an instruction means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mdsm_ros.errors import ReplyError
from mdsm_ros.geometry import Camera, locate
from mdsm_ros.language.referring import words
from mdsm_ros.language.referring.candidates import Candidate, View, candidate_of_box, candidate_of_mask
from mdsm_ros.language.referring.colors import color_degree, color_fractions, main_color
from mdsm_ros.language.referring.description import Description, Statement, describe_target, parse
from mdsm_ros.language.referring.questions import make_question
from mdsm_ros.language.referring.ranking import rank
from mdsm_ros.language.referring.relations import MARKS, RELATIONS, SELECTIONS
from mdsm_ros.language.referring.replies import Special, match_reply


def thing(x: float, y: float = 0.5, size: float = 0.1, color: str = "", depth: float | None = None) -> Candidate:
    """A square object around a place in the image, 2 m wide at 2 m."""
    box = (x - size / 2, y - size / 2, x + size / 2, y + size / 2)
    colors = {color: 1.0} if color else {}
    if depth is None:
        return Candidate(box, 1.0, size**2, colors)
    center, half = np.array([(x - 0.5) * depth, (y - 0.5) * depth, depth]), np.full(3, size * depth / 2)
    return Candidate(box, 1.0, size**2, colors, center, half)


def chosen(phrase: str, things: Sequence[Candidate], **marks: Candidate) -> int:
    """Which of several objects a phrase means, given its landmarks by noun."""
    ranking = rank(parse(phrase), things, lambda mark: [marks[mark.noun]] if mark.noun in marks else [])
    assert ranking.judged
    return ranking.best


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("get the cup", Description("cup")),
        ("Bring me the grey cup.", Description("cup", "gray")),
        ("take the left cup", Description("cup", statements=(Statement("leftmost"),))),
        ("take the cup on the left", Description("cup", statements=(Statement("leftmost"),))),
        ("open the second drawer from the left", Description("drawer", statements=(Statement("second from left"),))),
        ("push the third chair from the right", Description("chair", statements=(Statement("third from right"),))),
        ("go to the biggest striped rug", Description("rug", None, "striped", (Statement("largest"),))),
        (
            "Go to the kitchen and get the mug that's nearest to the sink",
            Description("mug", statements=(Statement("nearest", (Description("sink"),)),)),
        ),
        (
            "dust the box in between the brown dresser and the floor lamp",
            Description(
                "box", statements=(Statement("between", (Description("dresser", "brown"), Description("floor lamp"))),)
            ),
        ),
        (
            "take the book on the bed and left of the lamp that is on the rug",
            Description(
                "book",
                statements=(
                    Statement("on", (Description("bed"),)),
                    Statement(
                        "left of", (Description("lamp", statements=(Statement("on", (Description("rug"),)),)),)
                    ),
                ),
            ),
        ),
        ("clean the picture with the black frame", Description("picture", "black")),
        ("open the drawers of the white cabinet behind the sofa", Description("cabinet", "white", None, (
            Statement("behind", (Description("sofa"),)),
        ))),
        ("wipe the table farthest from you", Description("table", statements=(Statement("farthest from camera"),))),
    ],
)  # fmt: skip
def test_an_instruction_is_read_into_noun_colour_and_clauses(instruction: str, expected: Description) -> None:
    assert describe_target(instruction) == expected


@pytest.mark.parametrize("text", ["", "   ", "the", "one", "и", "on the", "between the and the", "?!"])
def test_every_text_is_read(text: str) -> None:
    assert isinstance(describe_target(text), Description)
    assert isinstance(parse(text), Description)


def test_every_statement_of_the_homes_can_be_judged() -> None:
    assert set(words.CLAUSES) <= set(RELATIONS) | set(SELECTIONS) == set(MARKS)
    assert set(words.SHORT_CLAUSES) | set(words.SHORT_PREFIXES) | set(words.PREFIXES) <= set(MARKS)
    for name, said in {**words.SHORT_CLAUSES, **words.CLAUSES}.items():
        assert all(text.count("{}") == MARKS[name] for text in said)


@pytest.mark.parametrize("depth", [None, 2.0])
def test_relations_to_a_landmark(depth: float | None) -> None:
    sink = thing(0.5, 0.5, depth=depth)
    left, right = thing(0.3, 0.5, depth=depth), thing(0.7, 0.5, depth=depth)
    over, low = thing(0.5, 0.3, depth=depth), thing(0.5, 0.75, depth=depth)
    assert chosen("the cup left of the sink", [right, left], sink=sink) == 1
    assert chosen("the cup to the right of the sink", [right, left], sink=sink) == 0
    assert chosen("the cup above the sink", [low, over], sink=sink) == 1
    assert chosen("the cup under the sink", [over, low], sink=sink) == 1
    assert chosen("the cup below the sink", [over, low], sink=sink) == 1
    far = thing(0.95, 0.5, depth=depth)
    assert chosen("the cup nearest to the sink", [far, right], sink=sink) == 1
    assert chosen("the cup farthest from the sink", [far, right], sink=sink) == 0
    assert chosen("the cup next to the sink", [far, right], sink=sink) == 1
    assert chosen("the cup between the sink and the lamp", [left, right], sink=sink, lamp=far) == 1


def test_on_and_shelves() -> None:
    table = Candidate((0.2, 0.5, 0.8, 0.9))
    assert chosen("the cup on the table", [thing(0.5, 0.2), thing(0.5, 0.5), thing(0.9, 0.5)], table=table) == 1
    shelf = Candidate((0.2, 0.1, 0.8, 0.9))
    books = [thing(0.5, 0.25), thing(0.5, 0.5), thing(0.5, 0.78)]
    assert chosen("the book on the top shelf of the shelf", books, shelf=shelf) == 0
    assert chosen("the book on the middle shelf of the shelf", books, shelf=shelf) == 1
    assert chosen("the book on the bottom shelf of the shelf", books, shelf=shelf) == 2


def test_behind_and_in_front_are_judged_by_depth() -> None:
    sofa = thing(0.5, 0.5, 0.3, depth=2.0)
    near, far = thing(0.5, 0.5, depth=1.5), thing(0.5, 0.5, depth=2.6)
    assert chosen("the box behind the sofa", [near, far], sofa=sofa) == 1
    assert chosen("the box in front of the sofa", [near, far], sofa=sofa) == 0


def test_near_in_the_image_is_not_near_in_space() -> None:
    lamp = thing(0.5, 0.5, depth=1.0)
    beside, deep = thing(0.75, 0.5, depth=1.0), thing(0.6, 0.5, depth=4.0)
    flat = [thing(0.75, 0.5), thing(0.6, 0.5)]
    assert chosen("the cup nearest to the lamp", [beside, deep], lamp=lamp) == 0
    assert chosen("the cup nearest to the lamp", flat, lamp=thing(0.5, 0.5)) == 1


def test_selections_compare_the_objects() -> None:
    row = [thing(0.1), thing(0.3, 0.3), thing(0.5, size=0.2), thing(0.7), thing(0.9, size=0.05)]
    assert chosen("the leftmost cup", row) == 0
    assert chosen("the second cup from the left", row) == 1
    assert chosen("the cup in the middle", row) == 2
    assert chosen("the cup second from the right", row) == 3
    assert chosen("the right cup", row) == 4
    assert chosen("the largest cup", row) == 2
    assert chosen("the small cup", row) == 4
    assert chosen("the highest cup", row) == 1
    assert chosen("the closest cup", [thing(0.2, depth=3.0), thing(0.8, depth=1.0)]) == 1
    assert chosen("the cup farthest from you", [thing(0.2, depth=3.0), thing(0.8, depth=1.0)]) == 0


def test_a_colour_decides_and_a_landmark_that_is_not_found_does_not() -> None:
    pair = [thing(0.2, color="blue"), thing(0.8, color="red")]
    assert chosen("the red cup", pair) == 1
    ranking = rank(parse("the cup next to the sink"), pair)
    assert not ranking.judged
    assert ranking.margin == pytest.approx(0.0)
    assert ranking.contenders(0.2) == [0, 1]
    assert rank(parse("the cup"), pair[:1]).margin == 1.0


def test_an_object_is_no_landmark_of_its_own() -> None:
    towels = [thing(0.2), thing(0.35), thing(0.9)]
    ranking = rank(parse("the towel next to the towel on the left"), towels, lambda mark: towels[:1])
    assert ranking.best == 1


def test_colours_of_pixels() -> None:
    for name, color in {"blue": (20, 60, 200), "red": (200, 20, 20), "brown": (107, 64, 31), "white": (235, 235, 232),
                        "black": (12, 12, 14), "gray": (122, 125, 127), "yellow": (237, 209, 26)}.items():  # fmt: skip
        fractions = color_fractions(np.full((50, 3), color, dtype=np.uint8))
        assert main_color(fractions) == name
        assert color_degree(fractions, name) == 1.0
    assert main_color(color_fractions(np.zeros((0, 3), dtype=np.uint8))) is None


def test_masks_and_boxes_become_candidates() -> None:
    image = np.zeros((40, 80, 3), dtype=np.uint8)
    mask = np.zeros((40, 80), dtype=bool)
    mask[10:30, 20:40] = True
    image[mask] = (200, 20, 20)
    depth, camera = np.full((40, 80), 2.0, np.float32), Camera(80.0, 80.0, 40.0, 20.0)
    view = View(image, lambda mask: locate(mask, depth, camera))
    found = candidate_of_mask(view, mask, 0.7)
    assert found.box == (0.25, 0.25, 0.5, 0.75)
    assert found.area == pytest.approx(0.125)
    assert found.center is not None
    assert found.center == pytest.approx([-0.25, 0.0, 2.0], abs=0.03)
    boxed = candidate_of_box(view, (0.25, 0.25, 0.5, 0.75), 0.7)
    assert boxed.box == found.box
    assert boxed.colors["red"] == 1.0
    assert candidate_of_mask(View(image), mask).center is None


def test_questions_say_what_tells_the_objects_apart() -> None:
    assert make_question("cup", [thing(0.2), thing(0.8)]).text == "Which cup: the left one or the right one?"
    mixed = [thing(0.2, color="red"), thing(0.8, color="blue")]
    assert make_question("cup", mixed).text == "Which cup: the red one or the blue one?"
    for noun in ("", "cup " * 200):
        assert make_question(noun, mixed).text == "Which object: the red one or the blue one?"
    partly = [thing(0.2), thing(0.8, color="blue")]
    assert make_question("cup", partly).options[0].words == "the left one"
    three = make_question("pillow", [thing(0.8), thing(0.5), thing(0.2)])
    assert three.text == "Which pillow: the rightmost one, the middle one or the leftmost one?"
    stacked = make_question("shoes", [thing(0.5, 0.8), thing(0.5, 0.2)])
    assert stacked.text == "Which shoes: the lower ones or the upper ones?"
    deep = make_question("box", [thing(0.5, depth=1.0), thing(0.5, depth=2.0)])
    assert deep.text == "Which box: the closest one or the farthest one?"
    assert make_question("box", [thing(0.5), thing(0.5)]).text == "Which box: the first one or the second one?"


@pytest.mark.parametrize(
    ("reply", "index"),
    [
        ("the blue one", 1),
        ("blue", 1),
        ("The blue cup, please.", 1),
        ("left", 0),
        ("on the left", 0),
        ("I mean the left one", 0),
        ("the one on the right", 1),
        ("right", 1),
        ("the second", 1),
        ("second one", 1),
        ("2", 1),
        ("number two", 1),
        ("the first", 0),
        ("the former", 0),
        ("the last one", 1),
        ("not the blue one", 0),
        ("the red cup", 0),
        ("the bigger one", 0),
    ],
)
def test_replies_choose_an_option(reply: str, index: int) -> None:
    question = make_question("cup", [thing(0.2, size=0.2, color="red"), thing(0.8, color="blue")])
    assert match_reply(question, reply) == index


def test_every_option_is_understood_in_its_own_words() -> None:
    for asked in ([thing(0.2), thing(0.8)], [thing(0.5, 0.2), thing(0.5, 0.8)], [thing(0.5), thing(0.5)],
                  [thing(0.1), thing(0.3), thing(0.5), thing(0.7)]):  # fmt: skip
        question = make_question("cup", asked)
        assert [match_reply(question, option.words) for option in question.options] == list(range(len(asked)))


@pytest.mark.parametrize("reply", ["", "the green one", "banana", "the third", "both", "yes", "a" * 5000, "not"])
def test_replies_that_fit_nothing_are_refused_with_what_is_expected(reply: str) -> None:
    question = make_question("cup", [thing(0.2, color="red"), thing(0.8, color="blue")])
    with pytest.raises(ReplyError, match="expected one of 'the red one', 'the blue one'"):
        match_reply(question, reply)


def test_neither_is_a_reply() -> None:
    question = make_question("cup", [thing(0.2), thing(0.8)])
    assert match_reply(question, "Neither of them.") is Special.NEITHER
    assert match_reply(question, "none") is Special.NEITHER
