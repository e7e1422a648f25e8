"""Masks of a model in place of the true ones: what it answers to an instruction that means the object of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.speech.instructions import Speaker
from mdsm_ros.homes.views.seen import look
from training.evaluation.grasping.frames import GraspFrame

if TYPE_CHECKING:  # torch, which true masks do not need
    from mdsm_ros.segmenter import Segmenter


@dataclass(frozen=True)
class Prediction:
    """What a model answers.

    Attributes:
        instruction: a sentence that means the object and nothing else in view.
        mask: (H, W), empty where the model says that the object is not in view.
        probability: (H, W) float32.
    """

    instruction: str
    mask: NDArray[np.bool_]
    probability: NDArray[np.float32]


class Predictor:
    """Asks a model for the objects of frames.

    Args:
        segmenter: the model.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def predict(self, frame: GraspFrame, rng: np.random.Generator) -> Prediction | None:
        """The model's answer; None where no sentence was found that means this object alone.

        Args:
            frame: with its picture.
            rng: chooses the words.
        """
        view = frame.view
        assert view is not None, "home_frames() makes pictures where pictures=True"
        speaker = Speaker(frame.room, look(frame.room, view), view.items.size, rng)
        sentence = speaker.about(frame.item)
        if sentence is None:
            return None
        answer = self._segmenter.segment(view.rgb, sentence.text)
        return Prediction(sentence.text, answer.mask, answer.probability)
