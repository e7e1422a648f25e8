"""Homes' instructions that ask for several things, judged without the code that made them."""

from __future__ import annotations

import ctypes.util
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="needs the extra [sim]")
if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
    pytest.skip("rendering needs libegl1 and libgl1-mesa-dri", allow_module_level=True)

from mdsm_ros.homes.generate import Sample, Talk
from mdsm_ros.homes.speech.grammar import in_plural, plural_name
from mdsm_ros.homes.speech.instructions import Sentence, Speaker
from mdsm_ros.homes.speech.queries import Scene
from mdsm_ros.language.several import asks_for_several
from training.homes.verify import find_fault

pytestmark = pytest.mark.render


@pytest.fixture(scope="module")
def spoken(views_of_homes: list[Sample]) -> list[tuple[Sample, Sentence]]:
    found = []
    for seed, sample in enumerate(views_of_homes):
        speaker = Speaker(sample.room, sample.seen, sample.view.items.size, np.random.default_rng(seed))
        found += [(sample, sentence) for sentence in speaker.sentences(6, several=1.0)]
    return found


def test_they_are_clear_and_ask_for_several(spoken: list[tuple[Sample, Sentence]]) -> None:
    assert len(spoken) > 40
    assert [find_fault(*pair) for pair in spoken if find_fault(*pair)] == []
    heard = [asks_for_several(sentence.text) for _, sentence in spoken]
    assert np.mean(heard) > 0.95
    assert all(len(sentence.targets) > 1 for _, sentence in spoken if sentence.target is not None)
    sorts = Counter(sentence.group.sort for _, sentence in spoken if sentence.group is not None)
    assert set(sorts) == {"all", "each", "on"}


def test_all_of_a_kind_are_all_that_are_visible(spoken: list[tuple[Sample, Sentence]]) -> None:
    judged = 0
    for sample, sentence in spoken:
        query = sentence.query
        if sentence.group is None or sentence.group.sort != "all" or query.clauses or query.color:
            continue
        kinds = {i: sample.room.items[int(i)].kind for i in np.unique(sample.view.items) if i >= 0}
        assert sorted(sentence.targets) == [i for i, kind in kinds.items() if kind == query.kind], sentence.text
        judged += 1
    assert judged > 3


def test_everything_on_a_thing_lies_on_it(spoken: list[tuple[Sample, Sentence]]) -> None:
    for sample, sentence in spoken:
        if sentence.group is not None and sentence.group.sort == "on":
            holder = Scene(sample.room, sample.seen, sample.view.items.size).find(sentence.query)
            assert holder is not None
            lying = {seen.index for seen in sample.seen if sample.room.items[seen.index].support == holder.index}
            assert lying <= set(sentence.targets)


def test_others_are_said_as_before_where_nothing_asks_for_several(views_of_homes: list[Sample]) -> None:
    sample = views_of_homes[0]
    said = [
        Speaker(sample.room, sample.seen, sample.view.items.size, np.random.default_rng(0)).sentences(6, **options)
        for options in ({}, {"several": 0.0})
    ]
    assert said[0] == said[1]
    assert all(sentence.group is None for sentence in said[0])
    assert Talk().recipe == {"sentences": 6, "not_in_view_share": Talk().not_in_view_share}
    assert Talk(several=0.5).recipe["several"] == 0.5


@pytest.mark.parametrize(
    ("name", "plural"),
    [
        ("coffee table", "coffee tables"), ("stack of books", "stacks of books"), ("knife", "knives"),
        ("man", "men"), ("vanity", "vanities"), ("shoes", None), ("toilet paper", None), ("scissors", None),
        ("pair of shoes", "pairs of shoes"), ("cup and saucer", None),
    ],
)  # fmt: skip
def test_plural_names(name: str, plural: str | None) -> None:
    assert plural_name(name) == plural


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("and bring it to me", "and bring them to me"),
        ("because it is dirty", "because they are dirty"),
        ("and put it back where it belongs", "and put them back where they belong"),
        ("so it's like new", "so they're like new"),
        ("put {} back in its place", "put {} back in their place"),
        ("and leave everything else as it was", "and leave everything else as it was"),
        ("and be quick about it", "and be quick about it"),
    ],
)
def test_what_is_said_of_several(one: str, several: str) -> None:
    assert in_plural(one) == several
