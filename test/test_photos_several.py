"""Sentences about several objects of a photograph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from photo_collections import scene

from mdsm_ros.homes.speech.groups import Group
from mdsm_ros.homes.speech.queries import Query
from mdsm_ros.language.several import asks_for_several
from training.photos.speech.queries import Judge
from training.photos.speech.several import SeveralSpeaker, members
from training.photos.speech.speaker import Sentence, Speaker
from training.photos.write import Options

CUPS = (("cup", (10, 60, 40, 100), "red"), ("cup", (65, 60, 95, 100), "blue"))
DOG, COUCH = ("dog", (120, 60, 150, 100), "white"), ("couch", (50, 10, 100, 40), "green")
PICTURE = scene(*CUPS, DOG, COUCH, exhaustive=frozenset({"cup", "dog"}))


def say(picture: object, count: int = 6, seeds: int = 10) -> list[Sentence]:
    return [
        sentence
        for seed in range(seeds)
        for rng in [np.random.default_rng(seed)]
        for sentence in SeveralSpeaker(Speaker(picture, rng), rng).sentences(count)  # type: ignore[arg-type]
    ]


def test_sentences_ask_for_several_and_mean_their_targets() -> None:
    found = say(PICTURE)
    assert {sentence.targets for sentence in found} == {(0, 1), (2, 3)}
    assert all(asks_for_several(sentence.text) for sentence in found)
    judge = Judge(PICTURE)
    for sentence in found:
        assert sentence.group is not None
        assert tuple(thing.index for thing in members(judge, sentence.group)) == sentence.targets
    texts = " ".join(sentence.text.lower() for sentence in found)
    assert "both cups" in texts
    assert "the dog and the" in texts


def test_all_of_a_kind_is_said_only_where_all_are_labelled() -> None:
    assert {sentence.targets for sentence in say(replace(PICTURE, exhaustive=frozenset({"dog"})))} == {(2, 3)}
    assert members(Judge(replace(PICTURE, exhaustive=frozenset())), Group("all", (Query("cup"),))) == []


def test_a_crowd_or_a_small_object_among_them_keeps_it_from_being_said() -> None:
    kinds = frozenset({"cup", "dog"})
    assert (0, 1) not in {s.targets for s in say(scene(*CUPS, DOG, uncertain=frozenset({1}), exhaustive=kinds))}
    small = ("cup", (100, 100, 103, 103))
    assert all(0 not in s.targets for s in say(scene(*CUPS, small, DOG, exhaustive=kinds)))


def test_a_picture_of_one_object_has_none() -> None:
    assert say(scene(DOG, exhaustive=frozenset({"dog"}))) == []


def test_the_recipe_names_the_option_only_where_it_is_used() -> None:
    plain = Options(0.1, 0.1, 0.1, 8, 0.2, 0)
    assert plain.recipe == {
        "test": 0.1, "val": 0.1, "test_exhaustive": 0.1, "per_picture": 8, "absent": 0.2, "seed": 0
    }  # fmt: skip
    assert replace(plain, several=0.25).recipe["several"] == 0.25
