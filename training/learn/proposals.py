"""Masks proposed for the frames by a model, or by a person on the robot, as a dataset: the start of labelling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import AnswerError
from mdsm_ros.files import public_name, whole_folder
from mdsm_ros.pictures.files import read_picture
from mdsm_ros.segmenter import Segmenter
from training.datasets.text import count_expressions
from training.learn.pick import IMAGES, Frame, read_correction

SPLIT = "proposed"
UNKNOWN = "target"


def write_proposals(folder: Path, images: Path, frames: Sequence[Frame], segmenter: Segmenter) -> dict[str, int]:
    """Proposes a mask for each frame with an instruction: that which a person chose on the robot, or the model's.

    A person's choice stays a proposal: it says which object is meant, but its outline is the model's.

    Args:
        folder: Dataset folder, written completely or not at all.
        images: Folder of the frames.
        frames: Selected frames.
        segmenter: Model that proposes masks.

    Returns:
        Numbers of frames with an instruction, with a mask, and whose mask a person chose.

    Raises:
        ImageError: An image cannot be read.
        OSError: The folder cannot be written.
    """
    asked = [frame for frame in frames if frame.instruction]
    info = {"source": "learn", "model": public_name(segmenter.name)}
    masks = corrected = 0
    with whole_folder(folder) as partial, DatasetWriter(partial, [UNKNOWN], info=info) as writer:
        for frame in tqdm(asked, desc="proposing masks", unit="frame", disable=None):
            image = read_picture(images / IMAGES / f"{frame.name}.jpg")
            image_id = writer.add_image(image, name=frame.name)
            mask = read_correction(images, frame)
            if mask is not None:
                corrected += 1
            else:
                try:
                    mask = segmenter.segment(image, frame.instruction).mask
                except AnswerError:
                    continue
            ids = [writer.add_annotation(image_id, UNKNOWN, mask)] if mask.any() else []
            masks += bool(ids)
            writer.add_instruction(
                image_id,
                ids,
                frame.instruction,
                split=SPLIT,
                source="learn",
                expressions=count_expressions(frame.instruction),
                distractors=0,  # unknown: they were not counted
            )
    return {"frames": len(asked), "masks": masks, "corrected": corrected}
