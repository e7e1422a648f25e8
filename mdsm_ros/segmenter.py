"""The public API: finds the pixels of the object that a sentence names in a camera image."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.checkpoints.pretrained import load_graphs, load_model
from mdsm_ros.errors import (
    AccelerationError,
    AnswerError,
    ImageError,
    InstructionError,
    MissingPackageError,
    SettingsError,
    WeightsError,
)
from mdsm_ros.extras import is_installed
from mdsm_ros.inference.acceleration import RUNTIMES, TOLERANCE, choose_acceleration, choose_runtime, prepare
from mdsm_ros.inference.answer import Segmentation, validate_image, validate_instruction
from mdsm_ros.inference.backends.choice import place
from mdsm_ros.inference.clock import Clock
from mdsm_ros.inference.preprocess import LEAST_REDUCED
from mdsm_ros.inference.readout import Question, read_answers
from mdsm_ros.inference.refinement.pace import Pace
from mdsm_ros.inference.refinement.second_stage import SecondStage
from mdsm_ros.inference.refinement.warm_start import PreviousMask
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.models.interface import (
    DetectingModel,
    InitialMask,
    ReadingModel,
    RefiningModel,
    SegmentationModel,
    SharingModel,
    ZoomingModel,
)

ENLARGED = 2  # how many times larger images stay for a model that looks again at a part of them

__all__ = [
    "ImageError",
    "InferenceSettings",
    "InstructionError",
    "Segmentation",
    "Segmenter",
    "SettingsError",
    "WeightsError",
    "validate_image",
    "validate_instruction",
]


class Segmenter:
    """Answers instructions about images with one model; used by the node, the commands and the evaluation.

    Args:
        model: Loaded model.
        name: Name of the model for the user.
        device: Device of the model: "auto" (CUDA if available), "cpu", "cuda" or "cuda:N".

    Attributes:
        defaults: Settings of an answer if a call gives none; they come from the model's configuration.
        acceleration: Acceleration in use: "none", "half", "compile", "onnx", "openvino" or "tensorrt".
        acceleration_error: Reason why the requested acceleration is not in use, or None.

    Raises:
        DeviceError: The device does not exist.
    """

    def __init__(self, model: SegmentationModel, name: str, device: str = "auto") -> None:
        self.name = name
        self._model: SegmentationModel | None = None
        self._use(model, device)
        self.defaults = InferenceSettings.of_model(model.config)
        self._image_size: int = model.config.image_size
        self._keep_aspect: bool = model.config.keep_aspect
        self._pace, self._looks = Pace(), Pace()  # of refinement steps, and of second looks
        self._others: list[Segmenter] = []  # of other streams, with the same model
        self.acceleration: str = "none"
        self.acceleration_error: str | None = None

    def _use(self, model: SegmentationModel, device: str) -> None:
        """Answers with a model from now on; what was computed by another one is forgotten."""
        self._model, self._backend = place(model, device)
        self._cached_text: tuple[tuple[str, ...], Any] | None = None
        self._previous = PreviousMask()

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
            name: Name, folder or hub id of the model.
            device: Device of the model, as for the class.
            acceleration: Acceleration: "none"; "half" (half precision); "compile" (torch.compile, with half precision
                on a GPU); "onnx" (ONNX Runtime), "openvino" or "tensorrt" (ONNX Runtime's TensorRT) for models with
                exported graphs; "auto": half on a GPU, none on the CPU. If it fails, the model runs without it, and
                ``acceleration_error`` gives the reason. Without PyTorch, graphs run in any case.
            local_files_only: Whether to use only local files and download nothing.

        Raises:
            WeightsError: The model cannot be found, or its files are damaged.
            DeviceError: The device or the acceleration does not exist.
            MissingPackageError: No library that can run the model is installed.
        """
        if not is_installed("torch"):
            return cls._without_torch(name, device, acceleration, local_files_only)
        segmenter = cls(load_model(name, local_files_only=local_files_only), str(name), device)
        try:
            segmenter._accelerate(name, choose_acceleration(acceleration, segmenter.device), local_files_only)
        except AccelerationError as error:
            segmenter.close()
            segmenter = cls(load_model(name, local_files_only=local_files_only), str(name), device)
            segmenter.acceleration_error = str(error)
        return segmenter

    @classmethod
    def _without_torch(cls, name: str | Path, device: str, acceleration: str, local_files_only: bool) -> Segmenter:
        """Runs the graphs of a model; there is no plain model to compare them with."""
        wanted, device = choose_acceleration(acceleration, "cpu"), "cpu" if device == "auto" else device
        reason = None
        if wanted in RUNTIMES:
            try:
                return cls._of_graphs(name, wanted, device, local_files_only)
            except (AccelerationError, MissingPackageError) as error:
                reason = str(error)
        elif wanted != "none":
            reason = f"acceleration {wanted!r} needs PyTorch, which is not installed"
        segmenter = cls._of_graphs(name, choose_runtime(), device, local_files_only)
        segmenter.acceleration_error = reason
        return segmenter

    @classmethod
    def _of_graphs(cls, name: str | Path, runtime: str, device: str, local_files_only: bool) -> Segmenter:
        model = load_graphs(name, runtime, device, local_files_only=local_files_only)
        segmenter = cls(model, str(name), device)
        segmenter.acceleration = runtime
        return segmenter

    def _accelerate(self, source: str | Path, name: str, local_files_only: bool) -> None:
        """Compares the answers with and without acceleration; a model that fails here cannot be used any more."""
        if name == "none":
            return
        plain = self._probe()
        assert self._model is not None
        try:
            if name in RUNTIMES:
                self._use(load_graphs(source, name, self.device, local_files_only=local_files_only), self.device)
            else:
                prepare(self._model, name, self.device)
            self.acceleration = name
            fast = self._probe()
        except Exception as error:  # compilers raise many types
            raise AccelerationError(f"acceleration {name!r} failed on {self.device}: {error}") from error
        difference = float(np.abs(fast - plain).mean())
        if not difference <= TOLERANCE:  # NaN, too
            raise AccelerationError(
                f"acceleration {name!r} changes probabilities by {difference:.3f} on {self.device}, "
                f"expected at most {TOLERANCE}"
            )

    def _probe(self) -> NDArray[np.float32]:
        """Probabilities for noise; two lengths of instructions, so that torch.compile handles all lengths."""
        image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
        texts = ("go to the kitchen", "go to the living room and bring me the pillow nearest to the radio")
        return np.stack([answer.probability for text in texts for answer in self.stream(image, text)])

    @property
    def model(self) -> SegmentationModel:
        """The model itself, for uses beyond these methods."""
        if self._model is None:
            raise RuntimeError("this Segmenter is closed")
        return self._model

    @property
    def device(self) -> str:
        """The device of the model, for example "cpu" or "cuda:0"."""
        return self._backend.device

    @property
    def least_side(self) -> int:
        """Shorter side, in pixels, down to which an image may be reduced before it is given to this model."""
        looks_again = isinstance(self.model, ZoomingModel) and self.model.zoom is not None
        return math.ceil(LEAST_REDUCED * self._image_size * (ENLARGED if looks_again else 1))

    def of_another_stream(self) -> Segmenter:
        """A segmenter with the same model for another stream of images, such as that of a second camera.

        It keeps its own instruction and previous mask, and is closed with this one. Only one of them answers at a time.
        """
        other = copy(self)
        other._cached_text, other._previous, other._others = None, PreviousMask(), []
        self._others.append(other)
        return other

    @property
    def finds_objects(self) -> bool:
        """Whether the model itself finds every object of a noun, as detectors do."""
        return isinstance(self.model, DetectingModel)

    @property
    def refines(self) -> bool:
        """Whether the model has a second stage, which refines the masks of the first."""
        return isinstance(self.model, RefiningModel)

    def segment(
        self, image: NDArray[np.uint8], instruction: str, settings: InferenceSettings | None = None, **changes: Any
    ) -> Segmentation:
        """The final answer for one image.

        Args:
            image: Camera image, uint8 (H, W, 3) RGB.
            instruction: Instruction that names the target.
            settings: Settings of the answer; None for ``defaults``.
            changes: Fields of :class:`InferenceSettings` that replace those of ``settings``, for example
                ``num_inference_steps=0`` or ``seed=3``; None changes nothing.

        Raises:
            ImageError: The image has the wrong shape or type.
            InstructionError: The instruction is empty, too long, or contains control characters.
            SettingsError: A setting is unknown or out of range.
            AnswerError: The model's numbers are not finite.
        """
        *_, final = self.stream(image, instruction, settings, **changes)
        return final

    def stream(
        self,
        image: NDArray[np.uint8],
        instruction: str,
        settings: InferenceSettings | None = None,
        *,
        keep_on: Callable[[], bool] = lambda: True,
        answer_shape: tuple[int, int] | None = None,
        **changes: Any,
    ) -> Iterator[Segmentation]:
        """Yields the initial answer as soon as it exists, then the refined one; arguments as in :meth:`segment`.

        ``keep_on`` is polled between the steps; once it returns False, refinement stops and no refined answer is
        yielded. The same happens if ``latency_budget`` has no room for a single step. ``answer_shape`` is the height
        and width of the answer, for an image that was reduced (:attr:`least_side`); None for those of the image.
        """
        answers = self.stream_many(
            image, [instruction], settings, keep_on=keep_on, answer_shape=answer_shape, **changes
        )
        return (one for (one,) in answers)

    def segment_many(
        self,
        image: NDArray[np.uint8],
        instructions: Sequence[str],
        settings: InferenceSettings | None = None,
        *,
        seeds: Sequence[int] | None = None,
        **changes: Any,
    ) -> list[Segmentation]:
        """The final answers to several instructions about one image, whose features are computed once.

        They are those of :meth:`segment`, up to rounding. Memory grows with the number of instructions. Models of
        other authors answer one instruction after the other.

        Args:
            image: Camera image, uint8 (H, W, 3) RGB.
            instructions: Instructions, at least one.
            settings: As for :meth:`segment`.
            seeds: Seed of each instruction; None for the settings' seed.
            changes: As for :meth:`segment`.

        Raises:
            ImageError, InstructionError, SettingsError, AnswerError: As for :meth:`segment`.
        """
        *_, final = self.stream_many(image, instructions, settings, seeds=seeds, **changes)
        return final

    def stream_many(
        self,
        image: NDArray[np.uint8],
        instructions: Sequence[str],
        settings: InferenceSettings | None = None,
        *,
        seeds: Sequence[int] | None = None,
        keep_on: Callable[[], bool] = lambda: True,
        answer_shape: tuple[int, int] | None = None,
        **changes: Any,
    ) -> Iterator[list[Segmentation]]:
        """Yields the initial answers of all instructions, then the refined ones; arguments as in :meth:`segment_many`.

        ``keep_on``, ``answer_shape`` and ``latency_budget`` are as in :meth:`stream`, for all instructions together.
        The timings of an answer are those of all.
        """
        validate_image(image)
        shape = image.shape[:2] if answer_shape is None else answer_shape
        chosen = (self.defaults if settings is None else settings).updated(**changes)
        texts = tuple(validate_instruction(instruction) for instruction in instructions)
        if not texts:
            raise InstructionError("instructions is empty, expected at least one")
        each = [chosen.seed] * len(texts) if seeds is None else [chosen.updated(seed=seed).seed for seed in seeds]
        if len(each) != len(texts):
            raise SettingsError(f"length of seeds is {len(each)}, expected {len(texts)}, one for each instruction")
        question = Question(image, shape, texts, chosen, tuple(each), keep_on)
        if len(texts) == 1 or isinstance(self.model, SharingModel):
            return self._answers(question)
        return self._one_by_one(question)

    def _one_by_one(self, question: Question) -> Iterator[list[Segmentation]]:
        """The answers of a model that cannot share features, all initial ones first."""
        alone = [
            replace(question, texts=(text,), seeds=(seed,))
            for text, seed in zip(question.texts, question.seeds, strict=True)
        ]
        for stage in zip(*(self._answers(one) for one in alone), strict=False):
            yield [answer for (answer,) in stage]

    def _answers(self, question: Question) -> Iterator[list[Segmentation]]:
        model, settings = self.model, question.settings
        clock = Clock(self._backend.synchronize, settings.latency_budget)
        pixels = self._backend.pixels(question.image, self._image_size, keep_aspect=self._keep_aspect)
        clock.lap("preprocess")
        features = self._text_features(question.texts)
        clock.lap("text")
        with self._backend.running(self.acceleration):
            initial = self._initial(model, pixels, features, len(question.texts))
        scores = [
            score if not isinstance(model, ReadingModel) or model.understands(text) else 0.0
            for text, score in zip(question.texts, self._backend.scores(initial.present_logits), strict=True)
        ]
        clock.lap("initial")
        yield read_answers(self._backend, initial.logits, scores, "initial", question, clock, initial.objects)
        if settings.num_inference_steps == 0 or not isinstance(model, RefiningModel):
            return
        second = SecondStage(
            model=model,
            backend=self._backend,
            acceleration=self.acceleration,
            side=self._image_size,
            pace=self._pace,
            looks=self._looks,
            previous=self._previous,
            question=question,
            text=features,
            initial=initial,
            clock=clock,
        )
        refined = second.refined()
        if refined is not None:
            logits, zooms = refined
            yield read_answers(self._backend, logits, scores, "refined", question, clock, zooms=zooms)

    def _initial(self, model: SegmentationModel, pixels: Any, features: Any, number: int) -> InitialMask:
        """The initial masks of ``number`` instructions about one image (1, 3, h, w)."""
        if number == 1:
            return model.initial(pixels, features)
        assert isinstance(model, SharingModel)
        return model.initial(pixels, features, self._backend.zeros(number))

    def _text_features(self, texts: tuple[str, ...]) -> Any:
        """Language features, computed again only when the instructions change."""
        if self._cached_text is None or self._cached_text[0] != texts:
            assert self._model is not None
            with self._backend.running(self.acceleration):
                self._cached_text = (texts, self._model.encode_text(list(texts)))
        return self._cached_text[1]

    def warm_up(self, settings: InferenceSettings | None = None, image_size: tuple[int, int] = (480, 640)) -> None:
        """Answers twice about an empty image, so that the first real image does not include set-up time.

        It also measures the duration of a refinement step.

        Args:
            settings: Settings of the next answers; None for ``defaults``.
            image_size: Height and width of the next images.
        """
        for _ in range(2):
            self._pace.forget()  # the first run's times include set-up
            self._looks.forget()
            with suppress(AnswerError):  # the first real image reports errors
                self.segment(np.zeros((*image_size, 3), dtype=np.uint8), "go to the kitchen", settings)
        self._cached_text = None
        self._previous.forget()

    def memory(self) -> float | None:
        """GPU memory used by this process in MiB; None on a CPU."""
        return self._backend.memory()

    def close(self) -> None:
        """Frees the model and its GPU memory; the segmenter cannot be used afterwards."""
        for other in self._others:
            other.close()
        self._model = None
        self._cached_text = None
        self._backend.release()
