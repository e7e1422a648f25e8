"""The description of a model type, available before any of its libraries is imported.

Functions and classes are given as "module:name" and imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from mdsm_ros.hub.files import HUB_FILES
from mdsm_ros.models.config import ModelConfig, PublicConfig


def resolve(reference: str) -> Any:
    """Imports the object that "module:name" names."""
    module, name = reference.split(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class Repository:
    """A repository on the Hugging Face hub.

    Attributes:
        name: Hub id.
        revision: Branch, tag or commit; None for the main branch.
        files: Patterns of the files to download.
    """

    name: str
    revision: str | None = None
    files: tuple[str, ...] = HUB_FILES


@dataclass(frozen=True)
class Entry:
    """A line of ``mdsm models``.

    Attributes:
        what: Description in a few words.
        licence: Licence of the weights.
        megabytes: Approximate size of the download; 0 for weights in this package.
        repositories: Repositories of the weights.
        gated: Whether the owners grant access individually.
    """

    what: str
    licence: str
    megabytes: int = 0
    repositories: tuple[Repository, ...] = ()
    gated: bool = False


@dataclass(frozen=True)
class Conversion:
    """The conversion of the authors' own checkpoints by ``mdsm convert``.

    Attributes:
        recognizes: "module:function" that decides from a checkpoint's content whether it is of this type.
        convert: "module:function" that makes the model from the content and the hub id or folder of ``language``.
        language: Hub id of the parts that the checkpoint lacks: the tokenizer, and for some types the text encoder.
        licence: Licence of the weights, by its name on the hub.
        title: Title of the model card.
        origin: Source of such checkpoints.
    """

    recognizes: str
    convert: str
    language: str
    licence: str
    title: str
    origin: str


@dataclass(frozen=True)
class Family:
    """A model type.

    Attributes:
        name: The ``model_type`` in config.json.
        config_type: Class of the configurations.
        network: "module:class" of the model.
        entries: Models of this type in ``mdsm models``, by their names for ``--model``.
    """

    name: str
    config_type: type[ModelConfig]
    network: str
    entries: Mapping[str, Entry] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainedFamily(Family):
    """A model type that this package trains.

    Attributes:
        presets: Configurations by name.
        load_tokenizer: "module:function" that loads the tokenizer of the public text encoder from which training with a
            configuration starts; returns None if there is none.
        load_encoders: "module:function" that fills a model's encoders with the checkpoints of its configuration.
        blank_tokenizer: "module:function" that makes a tokenizer without words, for models that are only timed.
        learns_vocabulary: Whether training builds its own vocabulary if the public one is too large or absent.
        start_covers: Fields with checkpoints that ``start_from`` of a training run replaces; empty if it replaces all
            of them.
        origins: Public weights from which training starts, in ``mdsm models`` by their names for ``mdsm download``.
        conversion: Conversion of the authors' checkpoints; None if there is none.
    """

    presets: Mapping[str, ModelConfig]
    load_tokenizer: str
    load_encoders: str
    blank_tokenizer: str
    learns_vocabulary: bool = False
    start_covers: tuple[str, ...] = ()
    origins: Mapping[str, Entry] = field(default_factory=dict)
    conversion: Conversion | None = None


@dataclass(frozen=True, kw_only=True)
class PublicFamily(Family):
    """A model type with publicly available weights.

    Attributes:
        load: "module:function" that makes the model from a configuration and the checkpoints, by the names of the
            fields in ``weights``; see :class:`~mdsm_ros.models.interface.PublicCheckpoint`.
        published: Configurations by their names for ``--model``.
        folder_types: Values of ``model_type`` in folders of transformers' layout; empty for ``name`` alone.
    """

    load: str
    config_type: type[PublicConfig]
    published: Mapping[str, PublicConfig]
    folder_types: tuple[str, ...] = ()


def sources(config: PublicConfig) -> tuple[Repository, ...]:
    """The repositories that a configuration names, for its :class:`Entry`."""
    return tuple(Repository(name, revision) for name, revision in config.sources.values())
