"""Any video as a camera: raw 720p images at the video's own rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rosbags.typesys import Stores, get_typestore

from mdsm_ros.errors import DemoError
from mdsm_ros.extras import require
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.recordings.exchange import Frame, Outgoing

HEIGHT = 720  # pixels; larger videos are scaled down to it
FRAME_ID = "camera_color_optical_frame"
STORE = get_typestore(Stores.ROS2_JAZZY)
IMAGE, STRING = "sensor_msgs/msg/Image", "std_msgs/msg/String"


class VideoSource:
    """A video file; the instructions share its length evenly.

    Raises:
        DemoError: there is no such file, or it holds no video.
    """

    image_topic = "/camera/image"
    instruction_topic = "/instruction"
    topics = {image_topic: IMAGE, instruction_topic: STRING}  # noqa: RUF012

    def __init__(self, path: Path, instructions: Sequence[str]) -> None:
        self.path = path
        self.instructions = [validate_instruction(text) for text in instructions]
        self.duration = self._probe()

    def messages(self, start: int) -> Iterator[Outgoing]:
        """Images stamped with the time they are due, each instruction just before its first image."""
        sent = -1
        for due, pixels in self._frames():
            index = min(int(len(self.instructions) * due / self.duration), len(self.instructions) - 1)
            if index > sent:
                sent = index
                yield Outgoing(self.instruction_topic, due, _string(self.instructions[index]))
            frame = Frame(start + round(due * 1e9), FRAME_ID, index)
            yield Outgoing(self.image_topic, due, _image(frame, pixels), frame)

    def truth(self, frame: Frame) -> None:
        """Nobody knows."""
        return

    def _probe(self) -> float:
        """Length in seconds."""
        require("av", purpose="reading a video")
        import av

        try:
            with av.open(str(self.path)) as container:
                if not container.streams.video:
                    raise DemoError(f"{str(self.path)!r} holds no video stream")
                if not container.duration:
                    raise DemoError(f"video {str(self.path)!r} does not say how long it is")
                return container.duration / av.time_base
        except (av.FFmpegError, OSError) as error:
            raise DemoError(f"video {str(self.path)!r} cannot be read: {error}") from error

    def _frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Seconds since the first frame, and uint8 (H, W, 3) RGB."""
        import av

        first = None
        try:
            with av.open(str(self.path)) as container:
                for frame in container.decode(video=0):
                    if frame.time is None:
                        continue
                    first = frame.time if first is None else first
                    scale = min(1.0, HEIGHT / frame.height)
                    width, height = round(frame.width * scale / 2) * 2, round(frame.height * scale / 2) * 2
                    yield frame.time - first, frame.to_ndarray(format="rgb24", width=width, height=height)
        except av.FFmpegError as error:
            raise DemoError(f"video {str(self.path)!r} is damaged: {error}") from error


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
