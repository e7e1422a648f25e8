"""A video as a camera: raw 720p images at the video's own rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_typestore

from mdsm_ros.errors import DemoError
from mdsm_ros.extras import require
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.pixels import MAX_PIXELS
from mdsm_ros.recordings.exchange import Frame, Outgoing

HEIGHT = 720  # pixels; larger videos are scaled down to it
FRAME_ID = "camera_color_optical_frame"
STORE = get_typestore(Stores.ROS2_JAZZY)
IMAGE, STRING = "sensor_msgs/msg/Image", "std_msgs/msg/String"


class VideoSource:
    """A video file; the instructions divide its length evenly.

    Raises:
        DemoError: The file does not exist, or contains no video.
    """

    image_topic = "/camera/image"
    instruction_topic = "/instruction"
    topics = {image_topic: IMAGE, instruction_topic: STRING}  # noqa: RUF012

    def __init__(self, path: Path, instructions: Sequence[str]) -> None:
        self.path = path
        self.instructions = [validate_instruction(text) for text in instructions]
        self.duration = self._probe()

    def messages(self, start: int) -> Iterator[Outgoing]:
        """Images stamped with their time in the replay, and each instruction just before its first image."""
        sent = -1
        for due, pixels in self._frames():
            index = min(int(len(self.instructions) * due / self.duration), len(self.instructions) - 1)
            if index > sent:
                sent = index
                yield Outgoing(self.instruction_topic, due, _string(self.instructions[index]))
            frame = Frame(start + round(due * 1e9), FRAME_ID, index)
            yield Outgoing(self.image_topic, due, _image(frame, pixels), frame)

    def truth(self, frame: Frame) -> None:
        """Returns None: the ground truth is unknown."""
        return

    def _probe(self) -> float:
        """Length in seconds."""
        require("av", purpose="reading a video")
        import av

        try:
            with av.open(str(self.path)) as container:
                if not container.streams.video:
                    raise DemoError(f"{str(self.path)!r} holds no video stream")
                width, height = container.streams.video[0].width, container.streams.video[0].height
                if width * height > MAX_PIXELS:
                    raise DemoError(
                        f"video {str(self.path)!r} is {width}x{height} pixels, expected at most {MAX_PIXELS} in all"
                    )
                if not container.duration:
                    raise DemoError(f"video {str(self.path)!r} does not say how long it is")
                seconds: float = container.duration / av.time_base
                return seconds
        except (av.FFmpegError, OSError) as error:
            raise DemoError(f"video {str(self.path)!r} cannot be read: {error}") from error

    def _frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yields the seconds since the first frame, and uint8 (H, W, 3) RGB, rotated as the file requires."""
        import av

        first = None
        try:
            with av.open(str(self.path)) as container:
                for frame in container.decode(video=0):
                    if frame.time is None:
                        continue
                    first = frame.time if first is None else first
                    turn = _turn(frame)
                    scale = min(1.0, HEIGHT / (frame.width if turn.is_on_its_side else frame.height))
                    width, height = round(frame.width * scale / 2) * 2, round(frame.height * scale / 2) * 2
                    yield frame.time - first, turn.applied(frame.to_ndarray(format="rgb24", width=width, height=height))
        except av.FFmpegError as error:
            raise DemoError(f"video {str(self.path)!r} is damaged: {error}") from error


@dataclass(frozen=True)
class _Turn:
    """The orientation of a frame: first transposed, then mirrored."""

    is_on_its_side: bool = False
    mirror_columns: bool = False
    mirror_rows: bool = False

    def applied(self, pixels: np.ndarray) -> np.ndarray:
        """The pixels (H, W, 3) in display orientation."""
        if self.is_on_its_side:
            pixels = pixels.swapaxes(0, 1)
        pixels = pixels[:, ::-1] if self.mirror_columns else pixels
        return np.ascontiguousarray(pixels[::-1] if self.mirror_rows else pixels)


def _turn(frame: Any) -> _Turn:
    """Reads the display matrix, which phones write: x' = a x + c y, y' = b x + d y."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(data), "=i4")[:5])
            if abs(b) > abs(a):
                return _Turn(True, c < 0, b < 0)
            return _Turn(False, a < 0, d < 0)
    return _Turn()


def _string(text: str) -> bytes:
    return bytes(STORE.serialize_cdr(STORE.types[STRING](data=text), STRING))


def _image(frame: Frame, pixels: np.ndarray) -> bytes:
    seconds, nanoseconds = divmod(frame.stamp, 10**9)
    height, width, channels = pixels.shape
    message = STORE.types[IMAGE](
        header=STORE.types["std_msgs/msg/Header"](
            stamp=STORE.types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds),
            frame_id=frame.frame_id,
        ),
        height=height,
        width=width,
        encoding="rgb8",
        is_bigendian=0,
        step=width * channels,
        data=pixels.reshape(-1),
    )
    return bytes(STORE.serialize_cdr(message, IMAGE))
