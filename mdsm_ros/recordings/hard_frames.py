"""Stores uncertain and corrected frames of a node as files: ``STAMP.jpg`` and, beside it, ``STAMP.json``.

The folder is a ring buffer: the oldest frames are removed if it exceeds its limit. ``mdsm learn`` reads it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.dataset.metrics import iou
from mdsm_ros.errors import StorageError
from mdsm_ros.files import write_bytes, write_json
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.recordings.notes import CORRECTED, FLIPPED, UNSURE, Note, read_note
from mdsm_ros.recordings.rle import encode

IMAGE_ENDING, NOTE_ENDING = ".jpg", ".json"
QUALITY = 92  # JPEG quality
CLOSE = 0.15  # a score as close to present_threshold as this
STEADY = 0.5  # IoU with the mask before, below which an answer has flipped
APART = 10**9  # ns between kept frames: closer ones look alike
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class _Before:
    instruction: str
    present: bool
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Correction:
    """What a person said about a frame, in reply to a question.

    Attributes:
        stamp: Stamp of the frame in ns.
        image: The frame, uint8 (H, W, 3) RGB.
        instruction: Instruction that the question was about.
        score: Score of the model's answer, 0 to 1.
        mask: The object that the person chose, bool (H, W); None if they said that none of the objects is meant.
    """

    stamp: int
    image: NDArray[np.uint8]
    instruction: str
    score: float
    mask: NDArray[np.bool_] | None


class HardFrames:
    """The folder of kept frames. Safe in all threads, but only one may call :meth:`offer`.

    Args:
        folder: Folder, created if absent; its existing content counts. "~" is the user's home.
        megabytes: Largest size of the folder.

    Raises:
        StorageError: The folder cannot be made or read.
    """

    def __init__(self, folder: Path, megabytes: int) -> None:
        self._limit = megabytes * MEGABYTE
        try:
            self._folder = folder.expanduser()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._sizes = OrderedDict((stamp, self._size(stamp)) for stamp in sorted(self._stamps()))
        except (OSError, RuntimeError) as error:  # RuntimeError: an unknown home
            raise StorageError(f"keep_hard_frames is {str(folder)!r}, which cannot be used: {error}") from error
        self._lock = threading.Lock()  # of what follows and of the files
        self._before: _Before | None = None
        self._last: int | None = None  # stamp of the newest frame that was unsure or flipped

    def offer(
        self,
        stamp: int,
        picture: Callable[[], NDArray[np.uint8]],
        instruction: str,
        answer: Segmentation,
        present_threshold: float,
    ) -> list[str]:
        """Keeps a frame whose answer was unsure or has flipped; returns the reasons, [] if it is not stored.

        Args:
            stamp: Stamp of the frame in ns.
            picture: Function that returns the image, uint8 (H, W, 3) RGB; called only if the frame is kept.
            instruction: Instruction that was answered.
            answer: Final answer.
            present_threshold: Lowest score for which the target counts as in view.

        Raises:
            StorageError: The frame cannot be written.
        """
        reasons = self._reasons(instruction, answer, present_threshold)
        if not reasons:
            return []
        with self._lock:
            if (self._last is not None and abs(stamp - self._last) < APART) or stamp in self._sizes:
                return []
            self._keep(stamp, picture, Note(instruction, tuple(reasons)), answer.score, answer.present)
            self._last = stamp
        return reasons

    def correct(self, correction: Correction) -> None:
        """Keeps a frame that a person corrected, also if others were kept within the same second.

        If the frame is there already, its note is replaced: what a person said counts most, and of several replies
        the last one.

        Raises:
            StorageError: The frame cannot be written.
        """
        mask = None if correction.mask is None else encode(correction.mask)
        with self._lock:
            before = read_note(self._path(correction.stamp, NOTE_ENDING))
            reasons = before.why if before.instruction == correction.instruction else ()
            note = Note(correction.instruction, tuple(dict.fromkeys((*reasons, CORRECTED))), mask)
            self._keep(correction.stamp, lambda: correction.image, note, correction.score, present=True)

    def forget_answer(self) -> None:
        """Compares the next answer with none before it, because a reply may change the mask."""
        self._before = None

    def _keep(
        self, stamp: int, picture: Callable[[], NDArray[np.uint8]], note: Note, score: float, present: bool
    ) -> None:
        buffer = BytesIO()
        content: dict[str, Any] = note.content() | {"score": round(score, 4), "present": present}
        try:
            Image.fromarray(picture()).save(buffer, "jpeg", quality=QUALITY)  # OSError: 65536 pixels or more on a side
            write_json(self._path(stamp, NOTE_ENDING), content)
            write_bytes(self._path(stamp, IMAGE_ENDING), buffer.getvalue())
            self._sizes.pop(stamp, None)  # it is the newest one now
            self._sizes[stamp] = self._size(stamp)
            self._make_room()
        except OSError as error:
            if stamp not in self._sizes:
                with suppress(OSError):  # a note without an image would never be removed
                    self._path(stamp, NOTE_ENDING).unlink(missing_ok=True)
            raise StorageError(f"frame {stamp} cannot be kept in {str(self._folder)!r}: {error}") from error

    def _reasons(self, instruction: str, answer: Segmentation, threshold: float) -> list[str]:
        before, self._before = self._before, _Before(instruction, answer.present, answer.mask)
        reasons = [UNSURE] if abs(answer.score - threshold) < CLOSE else []
        if before is None or before.instruction != instruction or before.mask.shape != answer.mask.shape:
            return reasons
        jumped = before.present and answer.present and iou(before.mask, answer.mask) < STEADY
        return reasons + ([FLIPPED] if before.present != answer.present or jumped else [])

    def _make_room(self) -> None:
        total = sum(self._sizes.values())
        while total > self._limit and len(self._sizes) > 1:
            stamp, size = self._sizes.popitem(last=False)
            total -= size
            for ending in (IMAGE_ENDING, NOTE_ENDING):
                self._path(stamp, ending).unlink(missing_ok=True)

    def _stamps(self) -> list[int]:
        return [int(path.stem) for path in self._folder.glob(f"*{IMAGE_ENDING}") if path.stem.isdecimal()]

    def _size(self, stamp: int) -> int:
        paths = (self._path(stamp, ending) for ending in (IMAGE_ENDING, NOTE_ENDING))
        return sum(path.stat().st_size for path in paths if path.exists())

    def _path(self, stamp: int, ending: str) -> Path:
        return self._folder / f"{stamp}{ending}"
