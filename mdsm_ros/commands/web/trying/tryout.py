"""Answers one instruction about one photograph for the page, step by step. Does not use gradio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mdsm_ros.commands.segment.answers import notes_of
from mdsm_ros.commands.web.candidates import candidates
from mdsm_ros.commands.web.shelf import ModelShelf
from mdsm_ros.errors import AttentionError, SettingsError
from mdsm_ros.inference.answer import Segmentation, validate_instruction
from mdsm_ros.pictures.overlay import draw_mask
from mdsm_ros.pictures.sheet import contact_sheet, labelled, tile_size

if TYPE_CHECKING:
    from mdsm_ros.segmenter import Segmenter

COLUMNS, TILE_WIDTH = 4, 240  # columns and tile width (pixels) of the attention sheet
MOST_STEPS, MOST_SAMPLES = 50, 8  # a page must not occupy a machine for hours
EDGES = ((255, 0, 160), (0, 140, 255), (255, 190, 0), (0, 200, 90), (180, 80, 255))  # colours of candidates


@dataclass(frozen=True)
class Choices:
    """The settings on the page, named as in ``InferenceSettings``."""

    num_inference_steps: int
    num_samples: int
    mask_threshold: float
    present_threshold: float
    seed: int


@dataclass(frozen=True)
class Trial:
    """The results so far; images are uint8 (H, W, 3) RGB.

    Attributes:
        verdict: One sentence about the answer.
        initial: The photograph with the initial mask.
        refined: The same with the refined mask; None if there is none yet, or if the model does not refine.
        regions: The photograph with the candidates, numbered; None until the answer is final.
        uncertainty: Image of the differences between several refinements; None if there was only one.
        attention: The photograph under the attention of each word; None if the model has no attention maps.
        notes: Limitations of the model that concern the instruction.
    """

    verdict: str
    initial: NDArray[np.uint8]
    refined: NDArray[np.uint8] | None = None
    regions: NDArray[np.uint8] | None = None
    uncertainty: NDArray[np.uint8] | None = None
    attention: NDArray[np.uint8] | None = None
    notes: tuple[str, ...] = ()


def trials(
    shelf: ModelShelf, image: NDArray[np.uint8], instruction: str, model: str, choices: Choices
) -> Iterator[Trial]:
    """Yields the results after the initial mask, after the refined mask, and after the attention maps.

    Args:
        shelf: Models of the page.
        image: Image, uint8 (H, W, 3) RGB.
        instruction: Instruction that names the target.
        model: Name of the model.
        choices: Settings of the answer.

    Raises:
        InstructionError: The instruction cannot be used.
        MdsmError: There is no such model, or a setting is out of range.
    """
    text = validate_instruction(instruction)
    _check(choices)
    with shelf.model(model) as segmenter:
        settings = segmenter.defaults.updated(**vars(choices))
        trial: Trial | None = None
        answer: Segmentation | None = None
        for answer in segmenter.stream(image, text, settings):
            drawn = _marked(image, answer.mask)
            known = Trial(sentence(answer), drawn) if trial is None else replace(trial, refined=drawn)
            trial = replace(known, verdict=sentence(answer))
            if answer.stage == "initial":
                yield trial
        assert trial is not None
        assert answer is not None
        trial = replace(
            trial,
            regions=_numbered(image, candidates(answer.probability, settings.mask_threshold)),
            uncertainty=None if answer.uncertainty is None else _spread(image, answer.uncertainty),
            notes=(*notes_of(segmenter, text), *_idle(segmenter, choices)),
        )
        yield trial
        sheet = _words(segmenter, image, text)
        if sheet is not None:
            yield replace(trial, attention=sheet)


def sentence(answer: Segmentation) -> str:
    """Describes an answer in one sentence."""
    if not answer.present:
        found = "Not in view"
    elif answer.box is None:
        found = "In view, but no pixel is certain enough to be marked"
    else:
        fraction = np.count_nonzero(answer.mask) / answer.mask.size
        found = f"In view: {fraction:.1%} of the image"
    return f"{found}; score {answer.score:.2f}, {answer.stage} mask after {answer.timings['total']:.2f} s"


def _check(choices: Choices) -> None:
    for name, value, most in (
        ("num_inference_steps", choices.num_inference_steps, MOST_STEPS),
        ("num_samples", choices.num_samples, MOST_SAMPLES),
    ):
        if value > most:
            raise SettingsError(f"{name} is {value}, expected at most {most} on this page")


def _idle(segmenter: Segmenter, choices: Choices) -> list[str]:
    """What to say of settings that have no effect: a slider cannot be refused."""
    chosen = choices.num_inference_steps > 0 or choices.num_samples > 1 or choices.seed != 0
    if segmenter.refines or not chosen:
        return []
    return [f"{segmenter.name} has one stage: refinement steps, refined masks and seed have no effect"]


def _marked(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    canvas: NDArray[np.uint8] = image.copy()
    draw_mask(canvas, mask)
    return canvas


def _numbered(image: NDArray[np.uint8], regions: list[NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """Draws each region tinted and numbered."""
    canvas = image.copy()
    for number, region in enumerate(regions):
        color = np.array(EDGES[number % len(EDGES)])
        canvas[region] = (0.5 * canvas[region] + 0.5 * color).astype(np.uint8)
    picture = Image.fromarray(canvas)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(14, min(picture.size) // 18))
    for number, region in enumerate(regions, start=1):
        rows, columns = region.nonzero()
        middle = np.argmin(abs(rows - rows.mean()) + abs(columns - columns.mean()))  # a pixel inside the region
        place = (float(columns[middle]), float(rows[middle]))
        draw.text(place, str(number), "white", font, anchor="mm", stroke_width=2, stroke_fill="black")
    return np.asarray(picture)


def _spread(image: NDArray[np.uint8], uncertainty: NDArray[np.float32]) -> NDArray[np.uint8]:
    from mdsm_ros.commands.attention.maps import heat

    return heat(image, uncertainty)


def _words(segmenter: Segmenter, image: NDArray[np.uint8], text: str) -> NDArray[np.uint8] | None:
    """Draws the attention of each word on the photograph; None if the model has no attention maps."""
    from mdsm_ros.commands.attention.maps import heat, word_maps

    try:
        maps = word_maps(segmenter, image, text)
    except AttentionError:
        return None
    small = tile_size(image.shape[1], image.shape[0], TILE_WIDTH)
    heats = (Image.fromarray(heat(image, one.attention)).resize(small) for one in maps)
    tiles = [labelled(np.asarray(picture), one.word) for picture, one in zip(heats, maps, strict=True)]
    return np.asarray(contact_sheet(tiles, COLUMNS))
