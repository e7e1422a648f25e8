"""Publishes outputs in the robot's frame. They wait for late transforms without blocking anything else."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import SpatialError
from mdsm_ros.recordings.cameras.registration import SAME_FRAME, Rigid
from mdsm_ros.ros.depth.buffer import FindTransform

POLL = 0.005  # s between two lookups of a late transform
MOST_WAITING = 30  # answers: one second of a fast model
OPTICAL = "optical_frame"  # end of the names of frames whose z axis looks forward (REP 103)


class Place(NamedTuple):
    """The frame of an answer's outputs.

    Attributes:
        frame: Name of the frame.
        pose: Transform from the frame of the image to this frame.
        up: Its z axis (3,) in the frame of the image; None if that axis is not known to point up.
    """

    frame: str
    pose: Rigid
    up: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class _Waiting:
    """An answer whose transform had not arrived yet."""

    header: Any
    deadline: float  # s, monotonic
    found: Callable[[Place], None]
    missed: Callable[[], None]


class TransformQueue:
    """Calls back with the transform at the stamp of an image, immediately or as soon as it arrives.

    Args:
        target: Name of the target frame; "" for the frame of the image.
        timeout: Seconds to wait for a late transform.
        find: Function that looks up transforms.
        note: Function called for each transform that did not arrive, with the type of the error.
        fail: Function called for each exception of a callback, with its place.
    """

    def __init__(
        self,
        target: str,
        timeout: float,
        find: FindTransform,
        note: Callable[[str, Exception], None],
        fail: Callable[[str, BaseException], None],
    ) -> None:
        self.target = target
        self._timeout = timeout
        self._find = find
        self._note = note
        self._fail = fail
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._closed = False
        self._thread: threading.Thread | None = None

    def frame_of(self, header: Any) -> str:
        """Returns the name of the frame of an image's outputs."""
        return self.target or str(header.frame_id)

    def find(self, header: Any, found: Callable[[Place], None], missed: Callable[[], None]) -> None:
        """Requests the transform of an image; does not wait.

        Args:
            header: Header of the image.
            found: Function called with the transform, here or in the thread of this queue, in the order of the images.
            missed: Function called in the thread of this queue if the transform did not arrive.
        """
        if self.target in ("", str(header.frame_id).lstrip("/")):
            found(Place(str(header.frame_id), SAME_FRAME))
            return
        with self._changed:
            is_first = not self._waiting
        place = self._look(header) if is_first else None
        if isinstance(place, Place):
            found(place)
            return
        with self._changed:
            if self._closed:
                return
            self._waiting.append(_Waiting(header, time.monotonic() + self._timeout, found, missed))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mdsm_transforms", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Drops all waiting answers; no callback is called from now on."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                first, is_crowded = self._waiting[0], len(self._waiting) > MOST_WAITING
            place = self._look(first.header)
            if isinstance(place, Place) or is_crowded or time.monotonic() >= first.deadline:
                self._call(first, place)
                with self._changed:
                    if not self._closed:
                        self._waiting.popleft()
            else:
                time.sleep(POLL)

    def _call(self, waiting: _Waiting, place: Place | SpatialError) -> None:
        try:
            if isinstance(place, Place):
                waiting.found(place)
            else:
                self._note(f"transform to {self.target}", place)
                waiting.missed()
        except BaseException as error:  # exceptions of a thread are seen nowhere else
            if not self._closed:
                self._fail("transforms", error)

    def _look(self, header: Any) -> Place | SpatialError:
        """Returns the frame of an image's outputs, or the error that explains why it is unknown."""
        source = str(header.frame_id).lstrip("/")
        try:
            pose = self._find(self.target, source, header.stamp)
        except SpatialError as error:
            return error
        up = None if self.target.endswith(OPTICAL) else np.asarray(pose.rotation[2])
        return Place(self.target, pose, up)
