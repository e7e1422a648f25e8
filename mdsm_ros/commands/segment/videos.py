"""Frames of video files and cameras, and videos of overlays, by OpenCV."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import ImageError
from mdsm_ros.pixels import MAX_PIXELS

USUAL_RATE = 25.0  # frames per second of a video that does not say it
CAMERA_RATE = 10.0  # frames per second of the video that is written of a camera
CODEC = "mp4v"
WAIT = 10.0  # s without a frame after which a camera counts as gone

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # FFmpeg would print what the error says again; read at first use


@dataclass(frozen=True)
class Shot:
    """A frame.

    Attributes:
        number: Number of the frame in the video or since the camera was opened, from 0.
        seconds: Time since the first frame.
        image: Pixels, uint8 (H, W, 3) RGB.
    """

    number: int
    seconds: float
    image: NDArray[np.uint8]


class VideoFile:
    """The frames of a video file.

    Args:
        path: File of the video.
        every: Number of frames of which one is read.

    Raises:
        ImageError: The file does not exist, is not a video, or has frames that are too large.
    """

    def __init__(self, path: str, every: int = 1) -> None:
        if not Path(path).is_file():
            raise ImageError(f"video {path!r} does not exist")
        self._name, self._every = f"video {path!r}", every
        self._capture = _open(path, self._name)
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if 0 < rate < 1000 else USUAL_RATE
        frames = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.total: int | None = -(-frames // every) if frames > 0 else None

    def shots(self) -> Iterator[Shot]:
        """Yields every n-th frame.

        Raises:
            ImageError: No frame can be decoded.
        """
        number = 0
        while self._capture.grab():
            if number % self._every == 0:
                whole, pixels = self._capture.retrieve()
                if not whole:
                    break
                yield Shot(number, number / self.rate, _rgb(pixels))
            number += 1
        if not number:
            raise ImageError(f"{self._name} is damaged: no frame of it can be decoded")

    def close(self) -> None:
        """Closes the file."""
        self._capture.release()


class Camera:
    """The newest frames of a camera: a thread reads it without pause, since drivers keep old frames.

    Args:
        index: Number of the camera.
        every: Number of frames of which one is offered.

    Raises:
        ImageError: There is no such camera, or it is in use.
    """

    rate = CAMERA_RATE
    total: int | None = None

    def __init__(self, index: int, every: int = 1) -> None:
        self._name, self._every = f"camera {index}", every
        self._capture = _open(index, self._name)
        self._changed = threading.Condition()
        self._newest: Shot | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def shots(self) -> Iterator[Shot]:
        """Yields the newest frame each time, until the camera ends.

        Raises:
            ImageError: The camera gives no frame.
        """
        seen = False
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._newest is not None or self._ended, WAIT):
                    break
                shot, self._newest = self._newest, None
            if shot is None:
                break
            seen = True
            yield shot
        if not seen:
            raise ImageError(f"{self._name} gives no images")

    def close(self) -> None:
        """Ends the thread and closes the camera."""
        with self._changed:
            self._ended = True
        self._thread.join(timeout=1.0)
        self._capture.release()

    def _read(self) -> None:
        began, number = time.monotonic(), 0
        while not self._ended:
            whole, pixels = self._capture.read()
            if not whole:
                break
            if number % self._every == 0:
                shot = Shot(number, time.monotonic() - began, _rgb(pixels))
                with self._changed:
                    self._newest = shot
                    self._changed.notify_all()
            number += 1
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class OverlayVideo:
    """A video file to write; it appears under its name when it is closed.

    Args:
        path: File to write, with the suffix .mp4.
        rate: Frames per second.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self.path, self._rate = path, rate
        self._partial = path.with_name(f"{path.stem}.partial{path.suffix}")  # OpenCV goes by the suffix
        self._writer: cv2.VideoWriter | None = None
        self._frames = 0

    def __enter__(self) -> OverlayVideo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, image: NDArray[np.uint8], seconds: float) -> None:
        """Adds a frame as often as its time asks for, or not at all: the video plays as fast as the camera saw it.

        Args:
            image: Frame, uint8 (H, W, 3) RGB; all have the size of the first.
            seconds: Time of the frame since the first one.

        Raises:
            ImageError: The file cannot be written.
        """
        height, width = image.shape[:2]
        if self._writer is None:
            code = cv2.VideoWriter.fourcc(*CODEC)
            writer = cv2.VideoWriter(str(self._partial), code, self._rate, (width, height))
            if not writer.isOpened():
                raise ImageError(
                    f"video {str(self.path)!r} cannot be written: the folder or the {CODEC} encoder is missing"
                )
            self._writer = writer
        pixels = np.ascontiguousarray(image[..., ::-1])
        for _ in range(round(seconds * self._rate) + 1 - self._frames):
            self._writer.write(pixels)
            self._frames += 1

    def close(self) -> None:
        """Ends the file and checks it, since OpenCV is silent about a full disk.

        Raises:
            ImageError: Frames are missing in the file.
        """
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        written = cv2.VideoCapture(str(self._partial))
        frames = int(written.get(cv2.CAP_PROP_FRAME_COUNT)) if written.isOpened() else 0
        written.release()
        if frames != self._frames:
            self._partial.unlink(missing_ok=True)
            raise ImageError(
                f"video {str(self.path)!r} cannot be written: {frames} of {self._frames} frames are in it; is the disk "
                "full?"
            )
        os.replace(self._partial, self.path)


def _open(source: str | int, name: str) -> cv2.VideoCapture:
    with _quiet():
        capture = cv2.VideoCapture(source)
    if not capture.isOpened():
        capture.release()
        raise ImageError(f"{name} cannot be opened" + ("" if isinstance(source, str) else "; is it in use?"))
    width, height = (int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > MAX_PIXELS:
        capture.release()
        raise ImageError(f"{name} is {width}x{height} pixels, expected at most {MAX_PIXELS} in all")
    return capture


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides OpenCV's own warnings about a source that cannot be opened: the error says it."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels[..., ::-1])
