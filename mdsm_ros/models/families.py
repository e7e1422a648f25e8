"""All model types. Imports their configurations and no heavy library.

A model type is a folder beside this file whose ``__init__.py`` defines ``FAMILY``; there is no other list.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.config import ModelConfig, PublicConfig
from mdsm_ros.models.family import Family, PublicFamily, TrainedFamily


@cache
def families() -> tuple[Family, ...]:
    """All model types by name: first those that this package trains, then the public ones."""
    folders = (module.name for module in iter_modules([str(Path(__file__).parent)]) if module.ispkg)
    packages = (import_module(f"mdsm_ros.models.{name}") for name in sorted(folders))
    found: list[Family] = [package.FAMILY for package in packages if hasattr(package, "FAMILY")]
    return tuple(sorted(found, key=lambda family: isinstance(family, PublicFamily)))


def trained_families() -> tuple[TrainedFamily, ...]:
    """The model types that this package trains."""
    return tuple(family for family in families() if isinstance(family, TrainedFamily))


def public_families() -> tuple[PublicFamily, ...]:
    """The model types with publicly available weights."""
    return tuple(family for family in families() if isinstance(family, PublicFamily))


def find_family(model_type: object) -> Family:
    """Finds the type named by the ``model_type`` of a config.json.

    Raises:
        ConfigError: There is no such type.
    """
    for family in families():
        if model_type in ((family.name, *family.folder_types) if isinstance(family, PublicFamily) else (family.name,)):
            return family
    names = ", ".join(sorted(family.name for family in families()))
    raise ConfigError(f"model_type is {model_type!r}, expected one of {names}")


def trained_family(config: ModelConfig) -> TrainedFamily:
    """Finds the type of a configuration of a model that this package trains.

    Raises:
        ConfigError: The configuration belongs to a public model.
    """
    for family in trained_families():
        if family.name == config.model_type:
            return family
    names = ", ".join(family.name for family in trained_families())
    raise ConfigError(f"model_type is {config.model_type!r}, expected one that is trained here: {names}")


def public_family(config: PublicConfig) -> PublicFamily:
    """Finds the type of a public model's configuration."""
    return next(family for family in public_families() if isinstance(config, family.config_type))


@cache
def presets() -> Mapping[str, ModelConfig]:
    """Configurations of models that this package trains, by name."""
    return {name: config for family in trained_families() for name, config in family.presets.items()}


@cache
def published() -> Mapping[str, PublicConfig]:
    """Configurations of public models, by the names for users."""
    return {name: config for family in public_families() for name, config in family.published.items()}


def config_from_dict(values: Mapping[str, Any]) -> ModelConfig:
    """Builds a configuration of the type that ``model_type`` names.

    Raises:
        ConfigError: The type or a key is unknown, or a value is out of range.
    """
    return find_family(values.get("model_type")).config_type.from_dict(values)
