"""The thread that carries the newest answer's mask to every image of the camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rclpy.context import Context
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from mdsm_ros.errors import ConversionError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.tracking.tracker import TrackedMask, Tracker
from mdsm_ros.ros.complaints import Complaints
from mdsm_ros.ros.diagnostics import Statistics
from mdsm_ros.ros.inputs.frames import Frame
from mdsm_ros.ros.mailbox import Mailbox
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.guard import Guard
from mdsm_ros.ros.tracking.order import LATE, StampOrder

STOP_TIMEOUT = 1.0  # s that deactivation waits for the current image


@dataclass(frozen=True)
class _Answered:
    """An answer of the model with its image."""

    stamp: int  # ns
    image: np.ndarray
    instruction: str
    answer: Segmentation


class MaskTracking:
    """Publishes masks of stage "tracked" for the images that arrive while the model works on another one.

    The executor's thread adds images, the model's thread adds answers; neither waits. An image that arrives while
    another one is being tracked replaces the waiting one, as in the model's mailbox.

    Args:
        tracker: What carries the masks; only this thread uses it.
        context: Context of the node.
        guard: Counter of exceptions.
        frame_of: Function that gives the frame of a message.
        outputs: Publishers of the camera.
        statistics: Counts of the camera.
        complaints: Reports of unusable messages.

    Attributes:
        order: Order of all masks, including those of the model's thread.
    """

    def __init__(
        self,
        tracker: Tracker,
        context: Context,
        guard: Guard,
        frame_of: Callable[[Image | CompressedImage], Frame],
        outputs: Outputs,
        statistics: Statistics,
        complaints: Complaints,
    ) -> None:
        self.order = StampOrder()
        self._context = context
        self._guard = guard
        self._frame_of = frame_of
        self._outputs = outputs
        self._statistics = statistics
        self._complaints = complaints
        self._mailbox: Mailbox[Image | CompressedImage] = Mailbox()
        self._lock = threading.Lock()
        self._answered: _Answered | None = None
        self._instruction = ""
        self._resets = 0  # number of resets; results of work begun before the last one are not published
        self._newest: int | None = None  # stamp of the newest image, ns
        self._thread = threading.Thread(  # it alone has the tracker, whose model may have memory of a GPU, and frees it
            target=self._run, args=(tracker,), name="mdsm_tracking", daemon=True
        )

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; nothing is published from now on."""
        self._mailbox.close()
        self._thread.join(STOP_TIMEOUT)

    def reset(self, instruction: str) -> None:
        """Drops the mask at once; only answers to ``instruction`` are used from now on."""
        with self._lock:
            self._instruction, self._answered = instruction, None
            self._resets += 1

    def put(self, message: Image | CompressedImage) -> None:
        """Adds the newest image."""
        if self._mailbox.put(message) is not None:
            self._statistics.tracking_skipped()

    @property
    def resets(self) -> int:
        """The number of calls of ``reset``."""
        return self._resets

    def answer(self, header: Header, image: np.ndarray, instruction: str, answer: Segmentation, resets: int) -> None:
        """Adds the model's final answer, which is carried to the next image.

        Args:
            header: Header of the answered image.
            image: Pixels of the answered image, uint8 (h, w, 3) RGB, reduced like those of the tracked images.
            instruction: Instruction that was answered.
            answer: The answer.
            resets: Number of resets when the answer's object was decided; after a later reset, it may be another
                object.
        """
        with self._lock:
            if instruction == self._instruction and resets == self._resets:
                self._answered = _Answered(nanoseconds(header), image, instruction, answer)

    def _run(self, tracker: Tracker) -> None:
        resets = 0
        while (message := self._mailbox.take()) is not None:
            try:
                resets = self._work(tracker, message, resets)
            except ConversionError as error:
                self._complaints.note(f"image {error.field}", error)
            except BaseException as error:  # the thread lives as long as the node is active
                if not self._mailbox.closed:
                    self._guard.note("tracking", error)

    def _work(self, tracker: Tracker, message: Image | CompressedImage, resets: int) -> int:
        """Tracks one image; returns the number of resets at its start.

        Raises:
            ConversionError: The image is damaged, or has no stamp.
        """
        stamp = nanoseconds(message.header)
        if stamp == 0:
            raise ConversionError("stamp", 0, "the time of the picture, without which no mask is tracked")
        with self._lock:
            answered, self._answered = self._answered, None
            instruction, now = self._instruction, self._resets
        if now != resets:
            tracker.release()
        if answered is not None:
            tracker.answer(answered.stamp, answered.image, answered.answer)
        if self._is_late(stamp):
            return now
        frame = self._frame_of(message)
        image = frame.small
        begun = time.perf_counter()
        tracked = tracker.advance(stamp, image)
        seconds = time.perf_counter() - begun
        if tracker.drop is not None:
            self._statistics.track_dropped(tracker.drop)
        if tracked is not None:
            self.order.publish(stamp, lambda: self._publish(frame, instruction, tracked, seconds, now), again=False)
        return now

    def _is_late(self, stamp: int) -> bool:
        """Whether an image arrived late and is skipped; a much older stamp begins a new stream."""
        newest, self._newest = self._newest, stamp
        if newest is None or stamp > newest:
            return False
        if newest - stamp < LATE * 1e9:
            self._newest = newest
            return True
        return False

    def _publish(self, frame: Frame, instruction: str, tracked: TrackedMask, seconds: float, resets: int) -> None:
        if self._mailbox.closed or resets != self._resets:
            return
        self._outputs.publish_tracked(frame.header, lambda: frame.picture, instruction, tracked, seconds)
        self._statistics.image_tracked()


def nanoseconds(header: Header) -> int:
    """Returns the stamp of a header in nanoseconds."""
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)
