"""The instruction with the model that answers it, and the files of an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.commands.segment.answers import notes_of, summary_of
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.pictures.files import write_picture
from mdsm_ros.pictures.overlay import draw_overlay
from mdsm_ros.segmenter import Segmenter


class Work:
    """One instruction and a model.

    Args:
        segmenter: Model.
        instruction: Instruction, already validated.
        steps: Number of refinement steps; None: the model's.
        seed: Seed of the refinement's noise; None: 0.
    """

    def __init__(self, segmenter: Segmenter, instruction: str, steps: int | None, seed: int | None) -> None:
        self.instruction, self.notes = instruction, notes_of(segmenter, instruction)
        self._segmenter, self._steps, self._seed = segmenter, steps, seed

    def answer_image(
        self, source: str, image: NDArray[np.uint8], overlay: Path, mask: Path | None = None
    ) -> dict[str, Any]:
        """Answers an image and writes its files; returns the answer as JSON-ready values.

        Args:
            source: Name of the image, for the answer.
            image: Pixels, uint8 (H, W, 3) RGB.
            overlay: File of the overlay.
            mask: File of the mask, 0 and 255; None: not written.

        Raises:
            ImageError: A file cannot be written.
            AnswerError: The answer is not finite.
        """
        summary, drawn, answer = self.answer(image)
        write_picture(overlay, drawn)
        if mask is not None:
            write_mask(mask, answer)
        return {"source": source, **summary, "overlay": str(overlay)}

    def answer(self, image: NDArray[np.uint8]) -> tuple[dict[str, Any], NDArray[np.uint8], Segmentation]:
        """Answers an image; returns the answer as JSON-ready values, the overlay (H, W, 3), and the answer itself.

        Raises:
            AnswerError: The answer is not finite.
        """
        answer = self._segmenter.segment(image, self.instruction, num_inference_steps=self._steps, seed=self._seed)
        summary = summary_of(answer, self.instruction)
        about = {"notes": self.notes, "model": self._segmenter.name, "device": self._segmenter.device}
        return summary | about, draw_overlay(image, answer, self.instruction), answer


def write_mask(path: Path, answer: Segmentation) -> None:
    """Writes a mask as an image of 0 and 255.

    Raises:
        ImageError: The file cannot be written.
    """
    write_picture(path, answer.mask.astype("uint8") * 255)
