"""Reading rosbag2 recordings without ROS, through the rosbags library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from mdsm_ros.errors import BagError
from mdsm_ros.foreign import shown
from mdsm_ros.recordings.limits import limit_rosbags
from mdsm_ros.recordings.places import check_kind, check_whole, storage_files
from mdsm_ros.recordings.salvage import SalvageReader

MAX_TOPICS = 100_000
limit_rosbags()


@dataclass(frozen=True)
class BagMessage:
    """One recorded message, not decoded yet."""

    topic: str
    type: str  # "sensor_msgs/msg/Image"
    time: int  # ns, time of recording
    data: bytes  # CDR, as in rmw


class Bag:
    """A rosbag2 recording: a folder with metadata.yaml, or a single .mcap or .db3 file.

    Use it as a context manager.

    Args:
        path: Path of the recording.
        salvage: Whether to read a damaged recording as far as possible; ``damage`` then describes the fault.

    Raises:
        BagError: The recording does not exist, or is not a readable rosbag2 recording.
    """

    def __init__(self, path: str | Path, *, salvage: bool = False) -> None:
        self.path = Path(path)
        self.damage: str | None = None
        self._reader: AnyReader | SalvageReader
        if not self.path.exists():
            raise BagError(f"bag {str(self.path)!r} does not exist")
        check_kind(self.path)
        try:
            self._reader = self._open()
        except BagError as error:
            files = storage_files(self.path)
            if not salvage or not files:
                raise
            try:
                self._reader = SalvageReader(files)
            except ValueError as nothing:
                raise BagError(f"{error}; {nothing}") from error
            self.damage = str(error)

    def _open(self) -> AnyReader:
        path = str(self.path)
        if self.path.is_dir() and not (self.path / "metadata.yaml").is_file():
            raise BagError(f"bag {path!r} holds no metadata.yaml, expected a rosbag2 folder")
        try:
            check_whole(self.path)
            reader = AnyReader([self.path], default_typestore=get_typestore(Stores.ROS2_JAZZY))
            reader.open()
            _check_files(reader)
            if len(reader.connections) > MAX_TOPICS:
                reader.close()
                raise BagError(f"bag {path!r} has {len(reader.connections)} topics, expected at most {MAX_TOPICS}")
            _add_known_types(reader)
        except BagError:
            raise
        except Exception as error:  # parsers of foreign bytes raise many types; all mean the same to the user
            raise BagError(f"bag {path!r} is damaged or not a rosbag2 recording: {error}") from error
        return reader

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    @property
    def topics(self) -> dict[str, str]:
        """The message types by topic name."""
        return {connection.topic: connection.msgtype for connection in self._connections()}

    @property
    def connections(self) -> list[Connection]:
        """The topics, as rosbags describes them."""
        return self._connections()

    @property
    def typestore(self) -> Typestore:
        """The message types, including those defined in the recording."""
        return self._reader.typestore

    def count(self, topic: str) -> int:
        """The number of messages on a topic, by the recording's index."""
        return sum(connection.msgcount for connection in self._connections() if connection.topic == topic)

    @property
    def duration(self) -> float:
        """The time between the first and the last message in seconds."""
        return self._reader.duration / 1e9 if self._reader.message_count else 0.0

    def find_topic(self, types: Sequence[str], name: str | None = None, *, exclude: Sequence[str] = ()) -> str:
        """Finds the topic ``name``, or the only topic with one of ``types`` that is not in ``exclude``.

        Raises:
            BagError: There is no such topic, it has another type, or several topics match.
        """
        topics = self.topics
        expected = " or ".join(types)
        holds = ", ".join(f"{topic} ({kind})" for topic, kind in sorted(topics.items())) or "nothing"
        if name is not None:
            if name not in topics:
                raise BagError(f"bag {str(self.path)!r} has no topic {name}, expected {expected}; it holds {holds}")
            if topics[name] not in types:
                raise BagError(f"topic {name} of bag {str(self.path)!r} is {topics[name]}, expected {expected}")
            return name
        candidates = sorted(topic for topic, kind in topics.items() if kind in types and topic not in exclude)
        if not candidates:
            raise BagError(f"bag {str(self.path)!r} has no topic of type {expected}; it holds {holds}")
        if len(candidates) > 1:
            raise BagError(
                f"bag {str(self.path)!r} has several topics of type {expected}, name one: {', '.join(candidates)}"
            )
        return candidates[0]

    def messages(
        self, topics: Sequence[str] | None = None, *, start: int | None = None, stop: int | None = None
    ) -> Iterator[BagMessage]:
        """The messages of ``topics`` (default: all) in the order of recording.

        Args:
            topics: Names of topics.
            start: Time in ns from which messages count; None: the beginning.
            stop: Time in ns before which messages count; None: the end.

        Raises:
            BagError: The recording is damaged.
        """
        connections = [c for c in self._connections() if topics is None or c.topic in topics]
        if not connections:
            return
        try:
            for connection, time, data in self._reader.messages(connections, start, stop):
                yield BagMessage(connection.topic, connection.msgtype, time, data)
        except GeneratorExit:
            raise
        except Exception as error:
            raise BagError(f"bag {str(self.path)!r} is damaged: {error}") from error

    def decode(self, message: BagMessage) -> Any:
        """Decodes a message: fields become attributes, arrays of numbers become numpy arrays.

        Raises:
            BagError: The bytes are not such a message.
        """
        try:
            return self._reader.deserialize(message.data, message.type)
        except Exception as error:
            raise BagError(f"bag {str(self.path)!r}: a message of {message.topic} is damaged: {error}") from error

    def _connections(self) -> list[Connection]:
        return list(self._reader.connections)


def _add_known_types(reader: AnyReader) -> None:
    """Adds ROS's own types to a recording with definitions of only some types."""
    known = reader.typestore.fielddefs
    if all(connection.msgtype in known for connection in reader.connections):
        return
    store = get_typestore(Stores.ROS2_JAZZY)
    reader.typestore.register({name: fields for name, fields in store.fielddefs.items() if name not in known})


def _check_files(reader: AnyReader) -> None:
    """Checks the file infos of metadata.yaml, on which rosbags would fail when it closes.

    Raises:
        ValueError: They are not a list; the reader is closed.
    """
    for one in reader.readers:
        storage: Any = getattr(one, "storage", None)
        files = getattr(storage, "files", [])
        if not isinstance(files, list):
            storage.files = []
            reader.close()
            raise ValueError(f"files of metadata.yaml is {shown(files)}, expected a list")
