"""Ground-truth masks from a dataset folder, whose images are labelled frames of the recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset, Instruction
from mdsm_ros.errors import DatasetError, InstructionError, ReplayError
from mdsm_ros.files import file_sha256
from mdsm_ros.inference.answer import validate_instruction


class Labels:
    """A dataset in the format of :mod:`mdsm_ros.dataset.format` as ground truth; its splits are ignored.

    The name of an image's file, without folder and suffix, is the stamp of the frame's header in ns. A label applies to
    the frame with that stamp and that current instruction; no annotation means that the target is not in view. Frames
    without a label have no ground truth.

    Args:
        folder: Folder of the dataset.

    Attributes:
        name: Name of folder and content, for distinguishing labels.

    Raises:
        ReplayError: The dataset is missing or damaged, an image has another name, an instruction cannot be used, or an
            image is labelled twice for the same instruction.
    """

    def __init__(self, folder: Path) -> None:
        self._by_frame: dict[tuple[int, str], Instruction] = {}
        try:
            self._data = Dataset(folder)
            for instruction in self._data.instructions:
                self._data.mask(instruction)  # reports a damaged mask now, not hours later
                self._note(instruction)
            digest = file_sha256(folder / ANNOTATIONS_FILE)
        except (DatasetError, InstructionError) as error:
            raise ReplayError(f"labels: {error}") from error
        self.name = f"{folder.resolve().name} (sha256 {digest[:12]})"
        self._unused = set(self._by_frame)
        self._unseen = {stamp for stamp, _ in self._by_frame}

    def _note(self, instruction: Instruction) -> None:
        name = Path(self._data.images[instruction.image_id].file_name)
        if not (name.stem.isascii() and name.stem.isdigit()):
            raise ReplayError(
                f"labels: image {instruction.image_id} is {str(name)!r}, expected the stamp of a frame in ns, "
                f"such as '1700000000250000000{name.suffix}'"
            )
        key = (int(name.stem), validate_instruction(instruction.text))
        if key in self._by_frame:
            raise ReplayError(f"labels: image {str(name)!r} is labelled twice for {instruction.text!r}")
        self._by_frame[key] = instruction

    def truth(self, stamp: int, instruction: str) -> NDArray[np.bool_] | None:
        """The mask (H, W) of a frame, all False if the target is not in view; None if it is not labelled.

        Args:
            stamp: Stamp of the frame's header in ns.
            instruction: Current instruction, as :func:`mdsm_ros.inference.answer.validate_instruction` gives it.
        """
        self._unseen.discard(stamp)
        label = self._by_frame.get((stamp, instruction))
        if label is None:
            return None
        self._unused.discard((stamp, instruction))
        return self._data.mask(label)

    def unused(self) -> dict[str, int]:
        """The number of unused labels by reason."""
        of_no_image = sum(stamp in self._unseen for stamp, _ in self._unused)
        reasons = {
            "labels of no image in the recording": of_no_image,
            "labels for an instruction that was not in force at their image": len(self._unused) - of_no_image,
        }
        return {reason: number for reason, number in reasons.items() if number}
