"""What the package knows of a model type before any of its libraries is imported.

Functions and classes are given as "module:name" and imported when they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from mdsm_ros.hub.files import HUB_FILES
from mdsm_ros.models.config import ModelConfig, PublicConfig


def resolve(reference: str) -> Any:
    """Imports what "module:name" stands for."""
    module, name = reference.split(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class Repository:
    """A repository on the Hugging Face hub.

    Attributes:
        name: Hub id.
        revision: Branch, tag or commit; None: the main branch.
        files: Patterns of what is downloaded.
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
        megabytes: Approximate size of the download; 0 for what comes with this package.
        repositories: Where the weights are.
        gated: Whether their owners grant access one by one.
    """

    what: str
    licence: str
    megabytes: int = 0
    repositories: tuple[Repository, ...] = ()
    gated: bool = False


@dataclass(frozen=True)
class Conversion:
    """How ``mdsm convert`` makes a model of the authors' own checkpoint.

    Attributes:
        recognizes: "module:function" from the checkpoint's content to whether it is one of this type.
        convert: "module:function" from the content, and the hub id or folder of ``language``, to the model.
        language: Hub id of what is not in the checkpoint: the tokenizer, and for some types the text encoder.
        licence: Licence of the weights, as the hub calls it.
        title: Title of the model card.
        origin: Where such checkpoints come from.
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
        config_type: Class of its configurations.
        network: "module:class" of the model.
        entries: Its models in ``mdsm models``, by the names that ``--model`` takes.
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
        load_tokenizer: "module:function" from a configuration to the tokenizer of the public text encoder that a
            training starts from; None where it starts from none.
        load_encoders: "module:function" that fills a model's encoders with the checkpoints of its configuration.
        blank_tokenizer: "module:function" to a tokenizer that knows no words, for models that are only timed.
        learns_vocabulary: Whether a training makes its own vocabulary where the public one is too large or absent.
        start_covers: Fields of the configuration that name checkpoints which ``start_from`` of a training replaces;
            none: it replaces all of them.
        origins: Public weights where a training starts, in ``mdsm models`` by the names that ``mdsm download`` takes.
        conversion: How checkpoints of the authors are converted; None: they cannot be.
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
    """A model type whose weights others have published.

    Attributes:
        load: "module:function" from a configuration, and the checkpoints by the names of the fields in its
            ``weights``, to the model; see :class:`~mdsm_ros.models.interface.PublicCheckpoint`.
        published: Configurations by the names that ``--model`` takes.
        folder_types: Values of ``model_type`` in folders of transformers' layout; none: ``name`` alone.
    """

    load: str
    config_type: type[PublicConfig]
    published: Mapping[str, PublicConfig]
    folder_types: tuple[str, ...] = ()


def sources(config: PublicConfig) -> tuple[Repository, ...]:
    """The repositories that a configuration names, for its :class:`Entry`."""
    return tuple(Repository(name, revision) for name, revision in config.sources.values())
