"""The public API: a sentence and a camera image in, the pixels that the sentence talks about out."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mdsm_ros.checkpoints.pretrained import load_model
from mdsm_ros.errors import AccelerationError, DeviceError, ImageError, InstructionError, WeightsError
from mdsm_ros.inference.acceleration import TOLERANCE, choose_acceleration, precision, prepare
from mdsm_ros.inference.answer import Segmentation, validate_image, validate_instruction
from mdsm_ros.inference.preprocess import to_image_grid, to_model_input
from mdsm_ros.models.interface import ReadingModel, RefiningModel, SegmentationModel

__all__ = [
    "ImageError",
    "InstructionError",
    "Segmentation",
    "Segmenter",
    "WeightsError",
    "validate_image",
    "validate_instruction",
]

WARM_SECONDS = 1.0  # a mask older than that is no start for the next one
WARM_SHARE = 0.5  # of the noise and of the steps, where refinement starts from the mask of the frame before


def _choose_device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise DeviceError(f"device is {device!r}, expected 'auto', 'cpu', 'cuda' or 'cuda:0'") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(f"device is {device!r}, but no CUDA device is available")
    return chosen


def leave_a_core() -> None:
    """Has models of this process use one CPU thread less than there are cores, unless OMP_NUM_THREADS is set.

    For processes that do something beside the model, such as the node. A thread of the model that waits for a core
    stops all others; and GNU OpenMP, which sees one thread too many where the model does not run in the main thread,
    lets its threads sleep after every operation: on two cores, answers then take twice as long as with one thread.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))


class Segmenter:
    """Answers instructions about images with one model; used by the node, the CLI and the evaluation alike.

    Args:
        model: a model of the registry.
        name: how the user calls it.
        device: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:N".

    Attributes:
        num_inference_steps: refinement steps where a call does not say; 0 answers with the initial mask. Models of one
            stage have nothing to refine and take no notice.
        num_samples: refined masks, each from noise of its own; the answer is their mean, and from 2 on their spread is
            the answer's uncertainty.
        latency_budget: seconds that an answer may take; refinement has as many of its steps as fit by the measured
            times, and ends where they did not hold. 0: no limit.
        warm_start: on a stream of images, refinement starts from the refined mask of the image before, with half the
            noise and half the steps, where the instruction is the same.
        acceleration: in force: "none", "half" or "compile".
        acceleration_error: why the one that was asked for is not in force, or None.
        mask_threshold: probability from which on a pixel belongs to the mask.
        present_threshold: score from which on the target counts as in view.
    """

    def __init__(self, model: SegmentationModel, name: str, device: str = "auto") -> None:
        self.name = name
        self._device = _choose_device(device)
        self._model: SegmentationModel | None = model.to(self._device).eval()
        self.num_inference_steps: int = model.config.num_inference_steps
        self.num_samples: int = 1
        self.latency_budget: float = 0.0
        self.warm_start: bool = False
        self.mask_threshold: float = model.config.mask_threshold
        self.present_threshold: float = model.config.present_threshold
        self._image_size: int = model.config.image_size
        self._keep_aspect: bool = model.config.keep_aspect
        self._cached_text: tuple[str, Any] | None = None
        self._previous: _Previous | None = None
        self._pace = _Pace()
        self.acceleration: str = "none"
        self.acceleration_error: str | None = None

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path = "mdsm-small",
        *,
        device: str = "auto",
        acceleration: str = "none",
        local_files_only: bool = False,
    ) -> Segmenter:
        """Loads a model by embedded name, local folder or hub id.

        Args:
            name: of the model.
            device: as above.
            acceleration: "none"; "half" (half precision); "compile" (torch.compile, with half precision on a GPU);
                "auto": half on a GPU, none on the CPU. Where it fails, the model runs without, and
                ``acceleration_error`` says why.
            local_files_only: downloads nothing.

        Raises:
            WeightsError: there is no such model, or its files are damaged.
            DeviceError: there is no such device or acceleration.
        """
        segmenter = cls(load_model(name, local_files_only=local_files_only), str(name), device)
        try:
            segmenter._accelerate(choose_acceleration(acceleration, segmenter._device))
        except AccelerationError as error:
            segmenter.close()
            segmenter = cls(load_model(name, local_files_only=local_files_only), str(name), device)
            segmenter.acceleration_error = str(error)
        return segmenter

    def _accelerate(self, name: str) -> None:
        """Compares the answers with and without; a model that fails in this cannot be used any more."""
        if name == "none":
            return
        plain = self._probe()
        assert self._model is not None
        try:
            prepare(self._model, name, self._device)
            self.acceleration = name
            fast = self._probe()
        except Exception as error:  # compilers raise all kinds
            raise AccelerationError(f"acceleration {name!r} failed on {self.device}: {error}") from error
        difference = float(np.abs(fast - plain).mean())
        if not difference <= TOLERANCE:  # NaN, too
            raise AccelerationError(
                f"acceleration {name!r} changes probabilities by {difference:.3f} on {self.device}, "
                f"expected at most {TOLERANCE}"
            )

    def _probe(self) -> NDArray[np.float32]:
        """Probabilities for noise; instructions of two lengths, so that no third one is compiled for."""
        image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
        texts = ("go to the kitchen", "go to the living room and bring me the pillow nearest to the radio")
        return np.stack([answer.probability for text in texts for answer in self.stream(image, text)])

    @property
    def model(self) -> SegmentationModel:
        """The model itself, for what no other method offers."""
        if self._model is None:
            raise RuntimeError("this Segmenter is closed")
        return self._model

    @property
    def device(self) -> str:
        """Where the model runs, for example "cpu" or "cuda:0"."""
        return str(self._device)

    def segment(
        self, image: NDArray[np.uint8], instruction: str, *, num_inference_steps: int | None = None, seed: int = 0
    ) -> Segmentation:
        """The final answer for one image.

        Args:
            image: uint8 (H, W, 3) RGB.
            instruction: what to look for.
            num_inference_steps: refinement steps; None takes the segmenter's, 0 the initial mask.
            seed: of the refinement's noise.

        Raises:
            ImageError: the image has the wrong shape or type.
            InstructionError: the instruction is empty, too long, or holds control characters.
        """
        *_, final = self.stream(image, instruction, num_inference_steps=num_inference_steps, seed=seed)
        return final

    def stream(
        self,
        image: NDArray[np.uint8],
        instruction: str,
        *,
        num_inference_steps: int | None = None,
        seed: int = 0,
        keep_on: Callable[[], bool] = lambda: True,
    ) -> Iterator[Segmentation]:
        """Yields the initial answer as soon as it exists, then the refined one; arguments as in :meth:`segment`.

        Nobody wants the refined answer any more once ``keep_on``, which is asked between the steps, gives False: it is
        then left out. It is left out as well where ``latency_budget`` has no room for a single step.
        """
        validate_image(image)
        text = validate_instruction(instruction)
        steps = self.num_inference_steps if num_inference_steps is None else num_inference_steps
        if steps < 0:
            raise ValueError(f"num_inference_steps is {steps}, expected 0 or more")
        return self._answers(image, text, steps, seed, keep_on)

    def _answers(
        self, image: NDArray[np.uint8], text: str, steps: int, seed: int, keep_on: Callable[[], bool]
    ) -> Iterator[Segmentation]:
        model = self.model
        deadline = time.perf_counter() + self.latency_budget if self.latency_budget else float("inf")
        clock = _Clock(self._device)
        pixels = to_model_input(image, self._image_size, keep_aspect=self._keep_aspect).to(self._device)
        clock.lap("preprocess")
        features = self._text_features(text)
        clock.lap("text")
        with torch.inference_mode(), precision(self.acceleration, self._device):
            answer = model.initial(pixels, features)
        understood = not isinstance(model, ReadingModel) or model.understands(text)
        score = float(answer.present_logits.float().sigmoid()) if understood else 0.0
        clock.lap("initial")
        yield self._segmentation(answer.logits, image.shape[:2], score, "initial", clock)
        if steps == 0 or not isinstance(model, RefiningModel):
            return
        start = self._warm_mask(text, image.shape)
        strength = 1.0 if start is None else WARM_SHARE
        steps = math.ceil(strength * steps)
        steps = self._pace.affordable(steps, deadline - time.perf_counter(), self.num_samples)
        if steps == 0 or not keep_on():
            return
        clock.restart()
        done = 1

        def in_time() -> bool:
            nonlocal done
            if self.latency_budget and self._device.type == "cuda":
                torch.cuda.synchronize(self._device)
            if not keep_on() or time.perf_counter() >= deadline:
                return False
            done += 1
            return True

        with torch.inference_mode(), precision(self.acceleration, self._device):
            generator = torch.Generator().manual_seed(seed)
            refined = model.refine(
                answer.features,
                answer.logits,
                steps,
                generator,
                self.num_samples,
                start=start,
                strength=strength,
                keep_on=in_time,
            )
        clock.lap("refine")
        self._pace.note(clock.timings()["refine"] / done, self.num_samples)
        if not keep_on():
            return
        if self.warm_start:
            self._previous = _Previous(text, image.shape, refined.mean(dim=1, keepdim=True), time.perf_counter())
        yield self._segmentation(refined, image.shape[:2], score, "refined", clock)

    def _warm_mask(self, text: str, shape: tuple[int, ...]) -> torch.Tensor | None:
        """Logits (1, 1, h, w) of the mask of the image before, where it may start the refinement of this one."""
        previous = self._previous
        if not self.warm_start or previous is None or (previous.text, previous.shape) != (text, shape):
            return None
        return previous.logits if time.perf_counter() - previous.time <= WARM_SECONDS else None

    def _text_features(self, text: str) -> Any:
        """Language features, computed again only when the instruction changes."""
        if self._cached_text is None or self._cached_text[0] != text:
            assert self._model is not None
            with torch.inference_mode(), precision(self.acceleration, self._device):
                self._cached_text = (text, self._model.encode_text([text]))
        return self._cached_text[1]

    def _segmentation(
        self, logits: torch.Tensor, size: tuple[int, ...], score: float, stage: str, clock: _Clock
    ) -> Segmentation:
        samples = to_image_grid(logits.transpose(0, 1), *size)  # (samples, H, W)
        probability = samples.mean(dim=0).cpu().numpy()
        uncertainty = samples.std(dim=0, correction=0).cpu().numpy() if len(samples) > 1 else None
        mask = probability >= self.mask_threshold
        present = score >= self.present_threshold and bool(mask.any())
        mask &= present
        clock.lap("preprocess")  # the way back to the image's pixels is the other half of preprocessing
        return Segmentation(mask, probability, uncertainty, score, present, stage, clock.timings())

    def warm_up(self, image_size: tuple[int, int] = (480, 640)) -> None:
        """Runs twice on an empty image (height, width).

        So the first real frame does not pay for set-up, and the time that a step takes is known.
        """
        for _ in range(2):
            self._pace = _Pace()  # the first run's times are those of setting up
            self.segment(np.zeros((*image_size, 3), dtype=np.uint8), "go to the kitchen")
        self._cached_text = None
        self._previous = None

    def memory(self) -> float | None:
        """MiB of the GPU's memory that this process has taken; None on a CPU."""
        return torch.cuda.memory_reserved(self._device) / 2**20 if self._device.type == "cuda" else None

    def close(self) -> None:
        """Frees the model and its GPU memory; the segmenter cannot be used after it."""
        self._model = None
        self._cached_text = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


@dataclass(frozen=True)
class _Previous:
    """The refined mask of the image before, on the model's grid."""

    text: str
    shape: tuple[int, ...]
    logits: torch.Tensor
    time: float  # s, perf_counter


class _Pace:
    """How long a refinement step takes here, by the number of samples in it."""

    REMEMBERED = 20  # refinements

    def __init__(self) -> None:
        self._seconds: dict[int, deque[float]] = {}

    def note(self, seconds: float, samples: int) -> None:
        """A step took so long, its share of what comes before and after the steps included."""
        self._seconds.setdefault(samples, deque(maxlen=self.REMEMBERED)).append(seconds)

    def affordable(self, steps: int, seconds: float, samples: int) -> int:
        """As many of ``steps`` as fit into a time; all of them where nothing was measured yet."""
        known = self._seconds.get(samples)
        if not known or seconds == float("inf"):
            return steps
        fitting = min(steps, max(0, int(seconds / median(known))))
        if fitting == 0:
            known.popleft()  # else one slow moment would be remembered for ever, as nothing is measured any more
        return fitting


class _Clock:
    """Adds up laps in seconds, waiting for the GPU so that they mean something."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._laps: dict[str, float] = {}
        self.restart()

    def restart(self) -> None:
        self._start = time.perf_counter()

    def lap(self, name: str) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        self._laps[name] = self._laps.get(name, 0.0) + now - self._start
        self._start = now

    def timings(self) -> dict[str, float]:
        return self._laps | {"total": sum(self._laps.values())}
