"""The record of each model type: what it names is there, and what the package knows of models comes from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from mdsm_ros.checkpoints.catalog import catalog, state
from mdsm_ros.errors import ConfigError
from mdsm_ros.models.families import (
    config_from_dict,
    families,
    find_family,
    presets,
    public_families,
    published,
    trained_families,
    trained_family,
)
from mdsm_ros.models.family import Family, resolve


def references(record: object) -> Iterator[str]:
    """Everything "module:name" in a record and the records in it."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        for field in dataclasses.fields(record):
            yield from references(getattr(record, field.name))
    elif isinstance(record, str) and record.startswith("mdsm_ros."):
        yield record


def test_every_type_is_found_once() -> None:
    names = [family.name for family in families()]
    assert {"mdsm", "lavt", "vpd", "grounded_diffusion", "daam", "clipseg", "grounded_sam2", "sam3"} <= set(names)
    assert len(set(names)) == len(names)
    assert len(trained_families()) + len(public_families()) == len(names)


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_what_a_record_names_can_be_imported(family: Family) -> None:
    found = list(references(family))
    assert len(found) >= 2
    for reference in found:
        assert callable(resolve(reference))
    assert find_family(family.name) is family
    assert family.config_type().model_type == family.name


def test_names_of_models_and_presets_are_their_own() -> None:
    entries = [name for family in families() for name in family.entries]
    entries += [name for family in trained_families() for name in family.origins]
    assert sorted(catalog()) == sorted(entries)
    assert next(iter(catalog())) == "mdsm-small"
    assert set(published()) <= set(catalog())
    assert sum(len(family.presets) for family in trained_families()) == len(presets())
    assert state(catalog()["mdsm-small"]) == "embedded"


def test_a_preset_survives_json() -> None:
    for config in presets().values():
        assert config_from_dict(config.to_dict()) == config
        assert trained_family(config).config_type is type(config)


def test_a_folder_of_the_hub_is_of_the_type_that_reads_it() -> None:
    assert find_family("sam3_video").name == "sam3"


@pytest.mark.parametrize("model_type", ["bisenet", None, 7])
def test_an_unknown_type_is_told_with_those_that_are_there(model_type: object) -> None:
    with pytest.raises(ConfigError, match=f"model_type is {model_type!r}, expected one of clipseg, daam, .*, vpd"):
        find_family(model_type)


def test_a_public_model_is_none_that_is_trained() -> None:
    with pytest.raises(ConfigError, match=r"model_type is 'sam3', expected one that is trained here: daam, .*, vpd"):
        trained_family(published()["sam3"])
