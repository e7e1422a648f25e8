"""The way from initial masks to refined ones: what is looked at again, how many steps there are, where they start."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mdsm_ros.inference.backends.backend import Backend
from mdsm_ros.inference.clock import Clock
from mdsm_ros.inference.readout import Question
from mdsm_ros.inference.refinement.pace import Pace, StepCounter
from mdsm_ros.inference.refinement.warm_start import WARM_FRACTION, PreviousMask
from mdsm_ros.inference.zoom import Zoom, smallest_part, zoom_around
from mdsm_ros.models.interface import InitialMask, RefiningModel, ZoomingModel


@dataclass(frozen=True)
class SecondStage:
    """Refines the initial masks of one question.

    Attributes:
        model: Model with a second stage.
        backend: Library of the model's arrays.
        acceleration: Acceleration in use.
        side: Side of the model's input in pixels.
        pace: Durations of refinement steps on this device.
        looks: Durations of second looks on this device.
        previous: Refined masks of the previous image.
        question: Question with B instructions.
        text: Language features of the instructions.
        initial: Initial masks.
        clock: Clock of the question; its lap "initial" has ended.
    """

    model: RefiningModel
    backend: Backend
    acceleration: str
    side: int
    pace: Pace
    looks: Pace
    previous: PreviousMask
    question: Question
    text: Any
    initial: InitialMask
    clock: Clock

    def refined(self) -> tuple[list[Any], list[Zoom | None]] | None:
        """Logits (samples, h, w) for each instruction, and the part of the image that was refined; None for all of it.

        Returns None if there is no time, or if ``keep_on`` of the question returned False.
        """
        self.clock.restart()  # whoever took the initial answers may have kept them for a while
        settings, texts, shape = self.question.settings, self.question.texts, self.question.shape
        start = self.previous.start_for(texts, shape) if settings.warm_start else None
        zooms = self._zooms()
        whole = parts = None
        if len(zooms) < len(texts):
            whole = self._steps(self.initial, self.question.seeds, start)
            if whole is None:
                return None
        if zooms:
            parts = self._looked_again(zooms, start)
            if parts is None:
                return None
        logits = _merged(whole, parts, list(zooms))
        if settings.warm_start and all(self.backend.is_finite(one) for one in logits):  # never from other values
            self.previous.store(texts, shape, self._on_one_grid(whole, parts, list(zooms)))
        return logits, [zooms.get(row) for row in range(len(texts))]

    def _zooms(self) -> dict[int, Zoom]:
        """The part of the image to look at again, by row of the instruction.

        There is none for a mask that fills most of the image. Without time for a second look, there are none at all.
        """
        if not isinstance(self.model, ZoomingModel) or self.model.zoom is None:
            return {}
        height, width, _ = self.question.image.shape
        least = smallest_part(height, width, self.side)
        cells = self.backend.marked(self.initial.logits, self.question.settings.mask_threshold)
        meant = (self.question.meant(*of) for of in zip(cells, self.question.texts, strict=True))
        found = (zoom_around(marked, self.model.zoom, least) for marked in meant)
        zooms = {row: zoom for row, zoom in enumerate(found) if not zoom.is_whole}
        return zooms if zooms and self._has_time_for(len(zooms)) else {}

    def _has_time_for(self, looks: int) -> bool:
        """Whether a second look at so many parts fits into the budget, and a step after it."""
        if self.looks.typical(looks) is None:  # the second look takes about as long as the first one
            self.looks.note(self.clock.timings()["initial"], looks)
        step = self.pace.typical(self.question.settings.num_samples * looks) or 0.0
        return self.looks.affordable(1, self.clock.time_left() - step, looks) > 0

    def _looked_again(self, zooms: Mapping[int, Zoom], start: Any) -> Any:
        """Logits (len(zooms), samples, h, w) of the instructions with a part to look at again; None as above."""
        question = self.question
        rows, parts = list(zooms), list(zooms.values())
        if not question.keep_on():
            return None
        assert isinstance(self.model, ZoomingModel)
        before = self.clock.restart("refine")
        pixels = self.backend.enlarged(question.image, parts, self.side)
        wholes = self.initial.logits[rows]
        cells = wholes.shape[-1]
        with self.backend.running(self.acceleration):
            every = len(rows) == len(question.texts)
            text = self.text if every else self.model.encode_text([question.texts[row] for row in rows])
            second = self.model.look_again(pixels, text, self.backend.zoom_in(wholes, parts, cells))
            start = None if start is None else self.backend.zoom_in(start[rows], parts, cells)
        self.looks.note(self.clock.lap("refine") - before, len(rows))
        refined = self._steps(second, [question.seeds[row] for row in rows], start)
        return None if refined is None else self.backend.zoom_out(wholes, refined, parts)

    def _steps(self, initial: InitialMask, seeds: Sequence[int], start: Any) -> Any:
        """Logits (B, samples, h, w) of B initial masks after the steps for which there is time; None as above."""
        question, samples = self.question, self.question.settings.num_samples
        strength = 1.0 if start is None else WARM_FRACTION
        steps = math.ceil(strength * question.settings.num_inference_steps)
        steps = self.pace.affordable(steps, self.clock.time_left(), samples * len(seeds))
        if steps == 0 or not question.keep_on():
            return None
        before = self.clock.restart("refine")
        another_step = StepCounter(self.clock, question.keep_on)
        generators = [self.backend.generator(seed) for seed in seeds]
        with self.backend.running(self.acceleration):
            refined = self.model.refine(
                initial.features,
                initial.logits,
                steps,
                generators[0] if len(generators) == 1 else generators,
                samples,
                start=start,
                strength=strength,
                keep_on=another_step,
            )
        self.pace.note((self.clock.lap("refine") - before) / another_step.steps, samples * len(seeds))
        return refined if question.keep_on() else None

    def _on_one_grid(self, whole: Any, parts: Any, looked: list[int]) -> Any:
        """Logits (B, samples, h, w) of all instructions, as a start for the next image; arguments as of _merged()."""
        if parts is None or whole is None:
            return whole if parts is None else parts
        of = self.initial.logits.shape[-1]
        grid = self.backend.zoom_out(self.initial.logits, whole, [Zoom(0, 0, of, of)] * len(self.initial.logits))
        grid[looked] = parts
        return grid


def _merged(whole: Any, parts: Any, looked: list[int]) -> list[Any]:
    """The masks of all instructions, of which those in ``whole`` are replaced by ``parts`` in the rows ``looked``.

    ``whole`` is None if ``parts`` has all of them, ``parts`` if it has none.
    """
    if whole is None:
        return list(parts)
    rows = list(whole)
    if parts is not None:
        for row, part in zip(looked, parts, strict=True):
            rows[row] = part
    return rows
