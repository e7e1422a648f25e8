"""Which instructions ask for several objects."""

from __future__ import annotations

import pytest

from mdsm_ros.language.several import asks_for_one, asks_for_several, find_wanted


@pytest.mark.parametrize(
    ("instruction", "phrases", "number"),
    [
        ("bring me all the cups", ["all the cups"], None),
        ("Go to the kitchen and collect all of the red mugs on the counter", ["the red mugs on the counter"], None),
        ("pick up both pillows near the lamp", ["both pillows near the lamp"], 2),
        ("find two glasses", ["two glasses"], 2),
        ("push in the 3 chairs", ["the 3 chairs"], 3),
        ("wipe every chair", ["every chair"], None),
        ("dust each picture on the wall", ["each picture on the wall"], None),
        ("close both curtains", ["both curtains"], 2),
        ("get the cups on the table", ["the cups on the table"], None),
        ("take two of the four bowls", ["the four bowls"], 2),
        ("dust all the furniture in the den", ["all the furniture"], None),
        ("help the children", ["the children"], None),
        ("straighten the two leftmost pictures", ["the two leftmost pictures"], 2),
        ("Bring me those plates", ["those plates"], None),
        ("All the chairs in the kitchen need to be cleaned", ["all the chairs"], None),
        ("get everything on the table", ["objects on the table"], None),
        ("Please collect everything that lies on the coffee table", ["objects on the coffee table"], None),
        ("take everything that is under the bed and bring it to me", ["objects under the bed"], None),
        ("take all objects on the desk", ["all objects on the desk"], None),
    ],
)
def test_quantifiers_and_plurals(instruction: str, phrases: list[str], number: int | None) -> None:
    (wanted,) = find_wanted(instruction)
    assert [wanted.phrase.phrase] == phrases
    assert (wanted.several, wanted.number) == (True, number)


@pytest.mark.parametrize(
    ("instruction", "phrases"),
    [
        ("take the red cup and the plate", ["the red cup", "the plate"]),
        ("take the cup and the plate and bring them to me", ["the cup", "the plate"]),
        ("get the cup, the plate and the fork", ["the cup", "the plate", "the fork"]),
        ("get the cup, the plate, and the fork in the kitchen", ["the cup", "the plate", "the fork"]),
        ("wipe the table and chairs", ["the table", "chairs"]),
        ("cup and plate", ["cup", "plate"]),
        ("get the cup on the table and the plate on the shelf", ["the cup on the table", "the plate on the shelf"]),
        ("polish the chest of drawers and the lamp", ["the chest of drawers", "the lamp"]),
        ("clean the table and the shelf and wipe off the water marks", ["the table", "the shelf"]),
        ("Go to the den and polish a lamp and both vases", ["a lamp", "both vases"]),
    ],
)
def test_joined_noun_phrases(instruction: str, phrases: list[str]) -> None:
    assert [wanted.phrase.phrase for wanted in find_wanted(instruction)] == phrases
    assert asks_for_several(instruction)


@pytest.mark.parametrize(
    "instruction",
    [
        "get the red cup on the table",
        "take the scissors",
        "get the glass next to the two bottles",
        "put the book between the lamp and the vase",
        "get the towel that is to the left of the sink and the mirror",
        "Go to the living room and get the pillow nearest to the radio",
        "get the pair of shoes",
        "get one of the two chairs",
        "get the second chair from the left",
        "In the study there are two globes. Please dust the left one",
        "Walk past the chairs and get the towel",
        "Go to the room with the two sofas and the plants and water the fern",
        "bring the black and white towel",
        "Hand me the bag with the blue strap and the buckle",
        "take the picture on the wall and next to the lamp",
        "take the lamp on the desk and bring it to my father and the cook",
        "clean the table with soap and water",
        "clear everything off the dining table",
        "open the drawers of the dresser",
        "close the window that has a rug under it and a plant",
        "wash your hands",
        "clean all of the counter",
        "Take the lamp on the left, the one with the shade",
        "get the cup or the glass",
        "take the bus",
        "",
        "居間に行って、枕を取って。",
    ],
)
def test_one_object(instruction: str) -> None:
    assert not asks_for_several(instruction)


@pytest.mark.parametrize(
    ("instruction", "one"),
    [
        ("get the cup on the left", True),
        ("the person holding two bats", True),
        ("get the cups", False),
        ("bring me every cup", False),
        ("the cup and the plate", False),
        ("close the curtains", False),  # one object, whose halves are apart
        ("tidy the furniture", False),
        ("mow the grass", False),
        ("a photograph of a chair", False),
        ("get the photograph of the dog", True),
        ("wipe the floor behind the sofa", False),  # a leg of the table cuts it
        ("get the cup on the floor", True),
    ],
)
def test_which_instructions_ask_for_one_object(instruction: str, one: bool) -> None:
    assert asks_for_one(instruction) is one
