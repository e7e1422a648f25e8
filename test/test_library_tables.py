"""The tables about the library of real models: well formed, in agreement with each other and with the homes."""

from __future__ import annotations

import csv
import importlib.util
from collections import Counter
from pathlib import Path

import pytest

import mdsm_ros
from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.objects import OBJECTS
from mdsm_ros.homes.kinds.rooms import ROOMS

FOLDER = Path(mdsm_ros.__file__).parent / "library"
MODEL_COLUMNS = ["id", "kind", "places", "rooms", "usable", "reason", "front", "scale", "note"]
KIND_COLUMNS = ["kind", "synonyms", "plural", "group", "portable", "imagenet"]
CATALOGUES = {  # name: number of models
    "scopia": 395,
    "katorlegaz": 90,
    "blendswap-cc-0": 175,
    "blendswap-cc-by": 135,
    "reallusion": 25,
}
PLACES = {"floor", "wall", "ceiling", "surface", "shelf", "soft", "under", "in"}
GROUPS = {
    *("bag", "cleaning", "clothing", "decoration", "electronics", "fixture", "food", "furniture", "hygiene", "kitchen"),
    *("lighting", "music", "office", "person", "pet", "plant", "sport", "tableware", "textile", "tool", "toy"),
}


def _read(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


MODELS = _read("models.csv")
KINDS = _read("kinds.csv")
USABLE = [row for row in MODELS if row["usable"] == "yes"]


def _words(row: dict[str, str]) -> list[str]:
    return [row["kind"], *filter(None, row["synonyms"].split("|"))]


@pytest.mark.parametrize(("name", "columns"), [("models.csv", MODEL_COLUMNS), ("kinds.csv", KIND_COLUMNS)])
def test_the_columns_are_the_agreed_ones_and_every_cell_is_trimmed(name: str, columns: list[str]) -> None:
    rows = _read(name)
    assert rows
    for row in rows:
        assert list(row) == columns
        assert all(cell == cell.strip() for cell in row.values()), row


def test_every_model_of_the_catalogues_has_one_row() -> None:
    ids = [row["id"] for row in MODELS]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    counts = Counter(name.split("/")[0] for name in ids)
    assert {name: counts[name] for name in CATALOGUES} == CATALOGUES
    assert set(counts) == {*CATALOGUES, "libero"}
    assert all(name.split("/")[1] for name in ids)


def test_usable_models_say_what_they_are_and_rejected_ones_why_not() -> None:
    for row in MODELS:
        assert row["usable"] in ("yes", "no"), row
        assert bool(row["reason"]) == (row["usable"] == "no"), row
        if row["usable"] == "yes":
            assert all(row[column] for column in ("kind", "places", "rooms")), row


def test_places_and_rooms_are_known() -> None:
    for row in MODELS:
        assert set(row["places"].split()) <= PLACES, row
        rooms = [room for room in row["rooms"].split("|") if room]
        assert rooms == ["any"] or set(rooms) <= set(ROOMS), row
        assert len(rooms) == len(set(rooms)), row


def test_front_is_an_angle_and_scale_a_factor() -> None:
    for row in MODELS:
        assert -180 <= float(row["front"] or 0) <= 270, row
        assert 0.1 <= float(row["scale"] or 1) <= 10, row


def test_what_a_model_shows_besides_itself_is_a_kind() -> None:
    known = {row["kind"] for row in KINDS} | set(OBJECTS) | set(FURNITURE) | set(FIXTURES)
    shown = [
        (row["id"], kind, row["kind"])
        for row in MODELS
        if row["note"].startswith("shows ")
        for kind in row["note"].removeprefix("shows ").split("|")
    ]
    assert len(shown) > 20
    assert [item for item in shown if item[1] not in known or item[1] == item[2]] == []


def test_both_tables_have_the_same_kinds() -> None:
    kinds = [row["kind"] for row in KINDS]
    assert len(kinds) == len(set(kinds))
    assert {row["kind"] for row in USABLE} == set(kinds)
    assert {row["kind"] for row in MODELS if row["kind"]} == set(kinds)


def test_a_word_means_one_kind() -> None:
    owners: dict[str, set[str]] = {}
    for row in KINDS:
        for word in [*_words(row), row["plural"]]:
            assert word == word.lower(), row
            owners.setdefault(word, set()).add(row["kind"])
        assert len(_words(row)) == len(set(_words(row))), row
    assert {word: kinds for word, kinds in owners.items() if len(kinds) > 1} == {}


def test_a_kind_of_the_homes_is_never_another_kinds_synonym() -> None:
    homes = set(OBJECTS) | set(FURNITURE) | set(FIXTURES)
    synonyms = {word: row["kind"] for row in KINDS for word in _words(row)[1:]}
    assert {word: kind for word, kind in synonyms.items() if word in homes} == {}


def test_groups_and_portable_are_known() -> None:
    assert {row["group"] for row in KINDS} == GROUPS
    assert {row["portable"] for row in KINDS} == {"yes", "no"}
    assert all(row["plural"] for row in KINDS)
    for row in KINDS:
        if row["kind"] in OBJECTS:
            assert (row["portable"] == "yes") == OBJECTS[row["kind"]].portable, row


def _imagenet_names() -> set[str]:
    """The names of ImageNet's 1,000 classes, as timm's ``ImageNetInfo`` gives them.

    They are read from timm's files, since importing timm takes many times longer.
    """
    package = importlib.util.find_spec("timm")
    if package is None or package.origin is None:
        pytest.skip("timm is not installed")
    folder = Path(package.origin).parent / "data" / "_info"
    lines = (folder / "imagenet_synset_to_lemma.txt").read_text(encoding="utf-8").splitlines()
    names = dict(line.split("\t", 1) for line in lines)
    return {names[synset] for synset in (folder / "imagenet_synsets.txt").read_text(encoding="utf-8").split()}


def test_imagenet_classes_are_spelled_as_timm_spells_them() -> None:
    names = _imagenet_names()
    used = {row["kind"]: [name for name in row["imagenet"].split("|") if name] for row in KINDS}
    assert [(kind, name) for kind, classes in used.items() for name in classes if name not in names] == []
    assert all(len(classes) == len(set(classes)) for classes in used.values())
    assert sum(map(bool, used.values())) >= 80


def test_there_are_as_many_models_and_kinds_as_wanted() -> None:
    assert sum(not row["id"].startswith("libero/") for row in USABLE) >= 550
    assert len({row["kind"] for row in USABLE} | set(OBJECTS) | set(FURNITURE) | set(FIXTURES)) >= 300
