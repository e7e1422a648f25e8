from __future__ import annotations

import pytest

from mdsm_ros.language.limits import limits_of


@pytest.mark.parametrize(
    "instruction",
    [
        "bring me all cups",
        "pick up both pillows near the lamp",
        "find two glasses",
        "get the cups on the table",
        "Go to the bathroom and clean the sinks",
        "take the red cup and the plate",
    ],
)
def test_several_objects(instruction: str) -> None:
    (line,) = limits_of(instruction)
    assert "may mean several" in line
    assert limits_of(instruction, finds_several=True) == []


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
        "Walk past the chairs and get the towel",
        "bring the black and white towel",
        "take the bus",
    ],
)
def test_one_object(instruction: str) -> None:
    assert limits_of(instruction) == []


def test_unknown_words_and_other_languages() -> None:
    vocabulary = {"take", "the", "red", "cup"}
    assert limits_of("take the red cup", vocabulary=vocabulary) == []
    (line,) = limits_of("take the red flurbogast", vocabulary=vocabulary)
    assert "'flurbogast'" in line
    (line,) = limits_of("hol die Tasse vom Tisch", understood=False, vocabulary=vocabulary)
    assert "English only" in line
