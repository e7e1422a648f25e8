"""Outputs in the robot's frame: they wait for late transforms, and nothing waits for them."""

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

POLL = 0.005  # s between two looks for a transform that is late
MOST_WAITING = 30  # answers; a second of a fast model
OPTICAL = "optical_frame"  # end of the names of frames whose z axis looks forward (REP 103)


class Place(NamedTuple):
    """The frame that an answer's outputs are given in.

    Attributes:
        frame: Its name.
        pose: From the frame of the image to it.
        up: (3,) its z axis in the frame of the image; None where that is not known to point up.
    """

    frame: str
    pose: Rigid
    up: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class _Waiting:
    """An answer whose transform was not there yet."""

    header: Any
    deadline: float  # s, monotonic
    found: Callable[[Place], None]
    missed: Callable[[], None]


class TransformQueue:
    """Calls back with the transform at the stamp of an image, at once or as soon as it is there.

    Args:
        target: Frame that is wanted; "" for that of the image.
        timeout: Seconds to wait for a late transform.
        find: Finds transforms.
        note: Is told of transforms that did not come, by kind.
        fail: Is told of exceptions of what is called back, by place.
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
        """The name of the frame that outputs of an image are given in."""
        return self.target or str(header.frame_id)

    def find(self, header: Any, found: Callable[[Place], None], missed: Callable[[], None]) -> None:
        """Looks for the transform of an image; does not wait.

        Args:
            header: Of the image.
            found: Is called with the transform, here or in the thread of this queue, in the order of the images.
            missed: Is called in the thread of this queue where the transform did not come.
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
        """Forgets who waits; nobody is called back from now on."""
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
        except BaseException as error:  # nothing else sees what a thread raises
            if not self._closed:
                self._fail("transforms", error)

    def _look(self, header: Any) -> Place | SpatialError:
        """The place of an image's outputs, or why it is not known."""
        source = str(header.frame_id).lstrip("/")
        try:
            pose = self._find(self.target, source, header.stamp)
        except SpatialError as error:
            return error
        up = None if self.target.endswith(OPTICAL) else np.asarray(pose.rotation[2])
        return Place(self.target, pose, up)
