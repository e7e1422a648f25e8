"""Real photographs with instructions and true masks, answered without node and ROS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.metrics import iou
from mdsm_ros.demo.score import FOUND_IOU
from mdsm_ros.errors import DatasetError, DemoError
from mdsm_ros.inference.answer import Segmentation, validate_instruction
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.pictures.files import write_picture
from mdsm_ros.pictures.overlay import draw_mask, draw_outline
from mdsm_ros.pictures.sheet import contact_sheet, labelled
from mdsm_ros.segmenter import Segmenter

TILE_WIDTH, COLUMNS = 400, 5  # pixels, but COLUMNS


@dataclass(frozen=True)
class Question:
    """An instruction about a photograph."""

    instruction: str
    credit: str  # source and licence of the photograph
    image: NDArray[np.uint8]  # (H, W, 3) RGB
    truth: NDArray[np.bool_]  # (H, W), all False if the target is not in view


@dataclass(frozen=True)
class Answer:
    """A question with the model's answer."""

    question: Question
    segmentation: Segmentation

    @property
    def verdict(self) -> str:
        """A caption for people: the answer and its quality."""
        found, truth = self.segmentation, self.question.truth
        said = f"answer: {'in view' if found.present else 'not in view'}, score {found.score:.2f}"
        if not truth.any():
            return f"[it is not in view; {'a false mask' if found.mask.any() else 'no mask'}; {said}]"
        overlap = iou(found.mask, truth)
        return f"[{'found' if overlap >= FOUND_IOU else 'not found'}, IoU {overlap:.2f}; {said}]"


def read_questions(folder: Path) -> list[Question]:
    """Reads a dataset folder; its instructions are the questions.

    Raises:
        DemoError: The folder is not a dataset, or the dataset is damaged or has no instructions.
    """
    try:
        data = Dataset(folder)
        questions = [
            Question(
                validate_instruction(instruction.text),
                f"{data.images[instruction.image_id].scene}, {data.info.get('licence', 'licence unknown')}",
                data.image(instruction.image_id),
                data.mask(instruction),
            )
            for instruction in data.instructions
        ]
    except DatasetError as error:
        raise DemoError(f"the photographs cannot be read: {error}") from error
    if not questions:
        raise DemoError(f"the photographs in {str(folder)!r} have no instructions, expected at least one")
    return questions


def answer_question(segmenter: Segmenter, question: Question, settings: InferenceSettings | None = None) -> Answer:
    """The final answers; None for the segmenter's own settings."""
    return Answer(question, segmenter.segment(question.image, question.instruction, settings))


def write_sheet(path: Path, answers: Sequence[Answer]) -> None:
    """Draws all answers, tinted, with the true masks outlined in green and the credits of the photographs.

    Raises:
        ImageError: The sheet cannot be written.
    """
    tiles = [_tile(number, answer) for number, answer in enumerate(answers, 1)]
    write_picture(path, np.asarray(contact_sheet(tiles, COLUMNS)))


def _tile(number: int, answer: Answer) -> Image.Image:
    question = answer.question
    size = (TILE_WIDTH, max(1, round(question.image.shape[0] * TILE_WIDTH / question.image.shape[1])))
    canvas = np.array(Image.fromarray(question.image).resize(size, Image.Resampling.LANCZOS))
    draw_mask(canvas, _resized(answer.segmentation.mask, size))
    draw_outline(canvas, _resized(question.truth, size))
    return labelled(canvas, f"{number}. {question.instruction} {answer.verdict} Photograph: {question.credit}")


def _resized(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
