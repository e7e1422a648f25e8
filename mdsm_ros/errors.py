"""The errors that a user can cause: all of them are an :class:`MdsmError`."""

from __future__ import annotations


class MdsmError(ValueError):
    """The base of all errors that a user can cause; commands report them in one line, without a traceback."""


class SettingsError(MdsmError):
    """A setting of an answer, such as a threshold or a number of steps, has an invalid value."""


class DatasetError(MdsmError):
    """A dataset file is missing, unreadable, or contradicts itself."""


class LibraryMissing(DatasetError):  # noqa: N818 - it names the state that the user has to change
    """The library of 3D models is not in the cache."""


class ConfigError(MdsmError):
    """No model can be built from the value of a configuration field."""


class WeightsError(MdsmError):
    """No model can be loaded from a weights folder or hub repository."""


class DeviceError(MdsmError):
    """A device or an acceleration is not available on this machine."""


class NotHereError(WeightsError):
    """Weights are not on this machine and cannot be downloaded."""


class DownloadError(MdsmError):
    """Weights cannot be downloaded."""


class UploadError(MdsmError):
    """A model cannot be uploaded."""


class StorageError(MdsmError):
    """A result cannot be stored: the disk is full, or the folder cannot be written."""


class TrainingError(MdsmError):
    """A training run cannot continue because its numbers are no longer finite."""


class AccelerationError(MdsmError):
    """An acceleration fails on a model, or changes its answers."""


class InstructionError(MdsmError):
    """An instruction cannot be answered: it is empty, far too long, or not text."""


class ReplyError(MdsmError):
    """A reply to a question that fits none of its options, or several, or a reply that nobody asked for."""


class ImageError(MdsmError):
    """An image cannot be segmented: it has the wrong shape or type."""


class AnswerError(MdsmError):
    """An answer of a model is meaningless because its numbers are not finite."""


class AttentionError(MdsmError):
    """A model has no attention between pixels and words."""


class BagError(MdsmError):
    """A recording cannot be opened, is damaged, or lacks a topic."""


class ConversionError(MdsmError):
    """An image message cannot be used.

    Attributes:
        field: Name of the wrong field of the message.
    """

    def __init__(self, field: str, value: object, expectation: str) -> None:
        super().__init__(f"image {field} is {value}, expected {expectation}")
        self.field = field


class SpatialError(ConversionError):
    """No correct pose can be computed from depth, camera_info or a transform.

    Attributes:
        field: Name of the wrong field, such as "camera_info k" or "depth frame_id".
        value: Value of the field.
        expectation: Expected value of the field.
    """

    def __init__(self, field: str, value: object, expectation: str) -> None:
        ValueError.__init__(self, f"{field} is {value}, expected {expectation}")
        self.field, self.value, self.expectation = field, value, expectation


class ReplayError(MdsmError):
    """A recording cannot be evaluated with the given options."""


class DemoError(MdsmError):
    """The demo cannot run with the given options, or the node failed."""


class BenchError(MdsmError):
    """The node could not be measured."""


class RosError(MdsmError):
    """ROS cannot start with these arguments, or in this environment."""


class ParameterError(MdsmError):
    """A parameter has an invalid value."""


class CommandError(MdsmError):
    """An option has an invalid value."""


class MissingPackageError(MdsmError):
    """A package of an extra is needed but not installed."""
