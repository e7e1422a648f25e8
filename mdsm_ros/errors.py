"""The errors that a user can cause."""

from __future__ import annotations


class MdsmError(Exception):
    """The base of all of them: commands print it as one line, the node logs and counts it."""


class DatasetError(MdsmError, ValueError):
    """A dataset file is missing, unreadable, or contradicts itself."""


class LibraryMissing(DatasetError):  # noqa: N818 - it names the state that the user has to change
    """The library of models is not in the cache."""


class ConfigError(MdsmError, ValueError):
    """A configuration field holds a value that no model can be built from."""


class WeightsError(MdsmError, ValueError):
    """A weights folder or hub repository that no model can be loaded from."""


class NotHereError(WeightsError):
    """Weights that are neither on this machine nor can be downloaded."""


class DownloadError(MdsmError):
    """Weights that cannot be downloaded."""


class AccelerationError(MdsmError, RuntimeError):
    """A model does not run faster in the way asked for, or gives other answers then."""


class InstructionError(MdsmError, ValueError):
    """An instruction that cannot be answered: empty, far too long, or not text."""


class ImageError(MdsmError, ValueError):
    """An image that cannot be segmented: wrong shape or type."""


class AttentionError(MdsmError, ValueError):
    """A model that has no attention between pixels and words to show."""


class BagError(MdsmError, ValueError):
    """A recording that cannot be opened, is damaged, or lacks a topic."""


class ConversionError(MdsmError, ValueError):
    """An image message cannot be used.

    Attributes:
        field: name of the message's field that is wrong.
    """

    def __init__(self, field: str, value: object, expectation: str) -> None:
        super().__init__(f"image {field} is {value}, expected {expectation}")
        self.field = field


class ReplayError(MdsmError, ValueError):
    """A recording cannot be evaluated as asked."""


class DemoError(MdsmError, RuntimeError):
    """The demo cannot be run as asked, or the node did not do its part."""


class BenchError(MdsmError):
    """The node could not be measured."""


class ParameterError(MdsmError, ValueError):
    """A parameter has a value that it cannot have."""


class CommandError(MdsmError):
    """An option has a value that it cannot have."""


class SettingError(MdsmError, ValueError):
    """A device, an acceleration or a preset that does not exist, here or at all."""


class MissingPackageError(MdsmError):
    """A package of an extra is needed, and is not installed."""
