"""Keeps hard and corrected frames while the node serves: a failure is reported, and the node continues."""

from __future__ import annotations

import threading

from mdsm_ros.errors import StorageError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.recordings.hard_frames import Correction, HardFrames
from mdsm_ros.ros.complaints import Complaints
from mdsm_ros.ros.inputs.frames import Frame
from mdsm_ros.ros.process.guard import Guard
from mdsm_ros.ros.tracking.thread import nanoseconds

KIND = "hard frames"  # on /diagnostics


class Keeping:
    """Writes the kept frames of one camera in the right thread, and reports failures.

    Args:
        kept: The folder.
        complaints: Reports of failures.
        guard: Counter of exceptions.
    """

    def __init__(self, kept: HardFrames, complaints: Complaints, guard: Guard) -> None:
        self._kept = kept
        self._complaints = complaints
        self._guard = guard

    def offer(self, frame: Frame, instruction: str, answer: Segmentation, threshold: float) -> None:
        """Keeps a frame whose answer was unsure or has flipped; the worker calls it.

        Args:
            frame: The frame.
            instruction: Instruction that was answered.
            answer: Final answer.
            threshold: Lowest score for which the target counts as in view.
        """
        try:
            self._kept.offer(nanoseconds(frame.header), lambda: frame.picture, instruction, answer, threshold)
        except StorageError as error:
            self._complaints.note(KIND, error)

    def correct(self, correction: Correction) -> None:
        """Keeps a corrected frame, without waiting: the executor's thread calls it, and a disk may be slow."""
        self._kept.forget_answer()
        threading.Thread(target=self._write, args=(correction,), name="mdsm_keeping", daemon=True).start()

    def _write(self, correction: Correction) -> None:
        try:
            self._kept.correct(correction)
        except StorageError as error:
            self._complaints.note(KIND, error)
        except Exception as error:
            self._guard.note(KIND, error)
