"""One record of everything that an answer depends on besides the image, the instruction and the model."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from mdsm_ros.errors import SettingsError

if TYPE_CHECKING:
    from mdsm_ros.models.config import ModelConfig


@dataclass(frozen=True)
class InferenceSettings:
    """Settings of the answer for one image.

    Immutable, so both answers about an image, initial and refined, are judged by the same values while another thread
    prepares other settings for the next image. ``Segmenter.defaults`` holds the values of a model;
    ``dataclasses.replace(segmenter.defaults, num_samples=4)`` creates others.

    Attributes:
        num_inference_steps: Number of refinement steps; 0 answers with the initial mask. Models of one stage have
            nothing to refine and ignore it.
        num_samples: Number of refined masks, each from different noise. The answer is their mean; with 2 or more, their
            standard deviation is the answer's uncertainty.
        latency_budget: Time limit per answer in seconds; 0 sets no limit. Refinement runs as many steps as the
            measured step time allows, and stops early if the estimate was too optimistic.
        warm_start: Whether refinement on a stream of images starts from the refined mask of the previous image, with
            half the noise and half the steps (at least one), if the instruction is the same.
        mask_threshold: Lowest probability of a pixel in the mask, 0 to 1.
        present_threshold: Lowest score for which the target counts as in view, 0 to 1.
        one_object: Whether the mask for an instruction about one object keeps its largest part and the parts near it
            alone, see :func:`mdsm_ros.inference.instances.main_part`. Models that give objects have no parts.
        seed: Random seed of the refinement's noise.
        ask: Whether a question is made where several objects fit the instruction about equally well.
        ask_margin: Smallest lead of the likeliest object over the next for which there is no question, as a difference
            of their probabilities, 0 to 1.
        relations: Whether the answer is the object that the instruction's clauses choose among those that its noun
            fits, by geometry and colour, for models that read nouns only. The node applies ask and relations; in
            Python, :func:`mdsm_ros.inference.asking.decision.decide` does.

    Raises:
        SettingsError: A value is out of range or of the wrong type.
    """

    num_inference_steps: int = 0
    num_samples: int = 1
    latency_budget: float = 0.0
    warm_start: bool = False
    mask_threshold: float = 0.5
    present_threshold: float = 0.5
    one_object: bool = True
    seed: int = 0
    ask: bool = False
    ask_margin: float = 0.2
    relations: bool = False

    def __post_init__(self) -> None:
        self._expect_whole("num_inference_steps", 0)
        self._expect_whole("num_samples", 1)
        self._expect_whole("seed", 0)
        self._expect_number("latency_budget", math.inf, "a finite number of seconds, 0 or more")
        self._expect_number("mask_threshold", 1.0, "0 to 1")
        self._expect_number("present_threshold", 1.0, "0 to 1")
        self._expect_number("ask_margin", 1.0, "0 to 1")
        for name in ("warm_start", "one_object", "ask", "relations"):
            if not isinstance(getattr(self, name), bool):
                raise SettingsError(f"{name} is {getattr(self, name)!r}, expected True or False")

    @classmethod
    def of_model(cls, config: ModelConfig) -> InferenceSettings:
        """The values that a model's configuration sets; all others are the defaults above."""
        return cls(
            num_inference_steps=config.num_inference_steps,
            mask_threshold=config.mask_threshold,
            present_threshold=config.present_threshold,
        )

    def updated(self, **changes: Any) -> InferenceSettings:
        """A copy with some settings changed; a value of None changes nothing.

        Raises:
            SettingsError: A name is unknown, or a value is out of range.
        """
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise SettingsError(f"setting is {name!r}, expected one of {', '.join(known)}")
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def _expect_whole(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) < 2**63:
            raise SettingsError(f"{name} is {value!r}, expected a whole number, {least} or more")

    def _expect_number(self, name: str, most: float, expectation: str) -> None:
        value = getattr(self, name)
        is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not 0.0 <= value <= most:
            raise SettingsError(f"{name} is {value!r}, expected {expectation}")
