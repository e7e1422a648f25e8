"""The errors that a user can cause: all of them are an :class:`MdsmError`."""

from __future__ import annotations


class MdsmError(ValueError):
    """The base of all errors that a user can cause: commands report it in one line, without a traceback."""


class SettingsError(MdsmError):
    """A setting of an answer, such as a threshold or a number of steps, has a value that it cannot have."""


class DatasetError(MdsmError):
    """A dataset file is missing, unreadable, or contradicts itself."""


class LibraryMissing(DatasetError):  # noqa: N818 - it names the state that the user has to change
    """The library of models is not in the cache."""


class ConfigError(MdsmError):
    """A configuration field holds a value that no model can be built from."""


class WeightsError(MdsmError):
    """A weights folder or hub repository that no model can be loaded from."""


class DeviceError(MdsmError):
    """A device or an acceleration that does not exist here."""


class NotHereError(WeightsError):
    """Weights that are neither on this machine nor can be downloaded."""


class DownloadError(MdsmError):
    """Weights that cannot be downloaded."""


class StorageError(MdsmError):
    """A result cannot be stored: the disk is full, or the folder cannot be written."""


class TrainingError(MdsmError):
    """A training that cannot go on: its numbers are not finite any more."""


class AccelerationError(MdsmError):
    """A model does not run faster in the way asked for, or gives other answers then."""


class InstructionError(MdsmError):
    """An instruction that cannot be answered: empty, far too long, or not text."""


class ReplyError(MdsmError):
    """A reply to a question that fits none of its options, or several, or a reply that nobody asked for."""


class ImageError(MdsmError):
    """An image that cannot be segmented: wrong shape or type."""


class AnswerError(MdsmError):
    """An answer of a model that means nothing: its numbers are not finite."""


class AttentionError(MdsmError):
    """A model that has no attention between pixels and words to show."""


class BagError(MdsmError):
    """A recording that cannot be opened, is damaged, or lacks a topic."""


class ConversionError(MdsmError):
    """An image message cannot be used.

    Attributes:
        field: name of the message's field that is wrong.
    """

    def __init__(self, field: str, value: object, expectation: str) -> None:
        super().__init__(f"image {field} is {value}, expected {expectation}")
        self.field = field


class SpatialError(ConversionError):
    """Depth, camera_info or a transform from which no right pose can be had.

    Attributes:
        field: What is wrong, in words: "camera_info k", "depth frame_id".
        value: What it is.
        expectation: What it should be.
    """

    def __init__(self, field: str, value: object, expectation: str) -> None:
        ValueError.__init__(self, f"{field} is {value}, expected {expectation}")
        self.field, self.value, self.expectation = field, value, expectation


class ReplayError(MdsmError):
    """A recording cannot be evaluated as asked."""


class DemoError(MdsmError):
    """The demo cannot be run as asked, or the node did not do its part."""


class BenchError(MdsmError):
    """The node could not be measured."""


class RosError(MdsmError):
    """ROS cannot start with these arguments, or in this environment."""


class ParameterError(MdsmError):
    """A parameter has a value that it cannot have."""


class CommandError(MdsmError):
    """An option has a value that it cannot have."""


class MissingPackageError(MdsmError):
    """A package of an extra is needed, and is not installed."""
