"""MDSM as ONNX graphs: :class:`~mdsm_ros.models.mdsm.network.MDSM`'s interface with NumPy arrays and no PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.hub.graphs import CONDITION, INITIAL, STEP, TEXT, Manifest, check_config, read_manifest
from mdsm_ros.inference.backends import schedule
from mdsm_ros.inference.backends.noise import NoiseGenerator
from mdsm_ros.inference.backends.numpy_backend import Array, resize_maps
from mdsm_ros.inference.backends.sessions import Session, open_session
from mdsm_ros.inference.backends.words import Words, read_words
from mdsm_ros.inference.threads import thread_count
from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.interface import InitialMask

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Text:
    """Language features of one instruction.

    Attributes:
        tokens: Last hidden states of BERT, (1, T, D).
        mask: 1 for tokens that are not padding, (1, T).
    """

    tokens: Array
    mask: NDArray[np.int64]


@dataclass(frozen=True)
class StageOne:
    """What refinement needs of stage 1.

    Attributes:
        images: Image (1, 3, H, W) in [0, 1].
        text: Language features.
        maps: Decoded and fused features, in the order of the condition graph's inputs.
    """

    images: Array
    text: Text
    maps: tuple[Array, ...]


class GraphModel:
    """Runs the four graphs of a model folder; one instruction about one image at a time.

    Args:
        folder: Model folder that ``mdsm export`` has completed.
        runtime: Acceleration that runs graphs: "onnx", "openvino" or "tensorrt".
        device: Device: "cpu", "cuda" or "cuda:N".

    Attributes:
        config: Configuration of the model.
        language: Tokenizer with its vocabulary.
        observer: Function that is called with the name and the inputs of each graph before it runs; None: nobody.

    Raises:
        WeightsError: Files are missing or damaged, or graphs do not fit the weights or the configuration.
        MissingPackageError: A package is not installed.
        AccelerationError: The runtime cannot run the graphs.
    """

    def __init__(self, folder: Path, config: MDSMConfig, runtime: str, device: str = "cpu") -> None:
        self.config = config
        self.device = device
        self.observer: Callable[[str, dict[str, NDArray[Any]]], None] | None = None
        self._manifest: Manifest = read_manifest(folder)
        check_config(folder, self._manifest, config.graph_fields())
        self.language: Words = read_words(folder, config)
        self._runtime, self._folder, self._threads = runtime, folder, thread_count()
        self._sessions: dict[str, Session] = {}
        self._session(TEXT)  # a runtime that cannot be used fails at once

    def _session(self, graph: str) -> Session:
        """A graph, which is loaded when it is first used."""
        if graph not in self._sessions:
            path = self._folder / self._manifest.graphs[graph]
            self._sessions[graph] = open_session(path, self._runtime, self.device, self._threads)
        return self._sessions[graph]

    def _run(self, graph: str, *inputs: NDArray[Any]) -> Sequence[Array]:
        named = dict(zip(self._manifest.inputs[graph], inputs, strict=True))
        if self.observer is not None:
            self.observer(graph, named)
        return self._session(graph)(**named)

    @property
    def compute_parts(self) -> tuple[()]:
        """No parts are modules of PyTorch."""
        return ()

    def to(self, device: object) -> Self:
        """The model itself: the device was chosen when the graphs were loaded."""
        return self

    def eval(self) -> Self:
        """The model itself: graphs cannot be trained."""
        return self

    def understands(self, text: str) -> bool:
        """Whether an instruction is in a language that the model supports."""
        return self.language.understands(text)

    def encode_text(self, texts: Sequence[str]) -> Text:
        """Language features of one instruction; tokens beyond ``max_tokens`` are cut off."""
        (text,) = texts
        ids, mask = self.language(text)
        (tokens,) = self._run(TEXT, ids, mask)
        return Text(tokens, mask)

    def initial(self, images: Array, text: Text) -> InitialMask:
        """Stage 1: (1, 3, H, W) in [0, 1] -> logits (1, 1, h, w), present logits (1,), features; all NumPy arrays."""
        logits, present, *maps = self._run(INITIAL, images, text.tokens, text.mask)
        found: dict[str, Any] = {"logits": logits, "present_logits": present}  # arrays of another library
        return InitialMask(**found, features=StageOne(images, text, tuple(maps)))

    @property
    def zoom(self) -> float | None:
        """Side of the part that is refined, see ``refiner_zoom`` of the configuration."""
        return self.config.refiner_zoom

    def look_again(self, images: Array, text: Text, logits: Array) -> InitialMask:
        """Stage 1 on an enlarged part of the image, as in :meth:`mdsm_ros.models.mdsm.network.MDSM.look_again`."""
        found = self.initial(images, text)
        mean: Any = (np.asarray(found.logits) + logits) / 2  # an array of another library
        return replace(found, logits=mean)

    def refine(
        self,
        features: StageOne,
        logits: Array,
        steps: int,
        generator: NoiseGenerator,
        samples: int = 1,
        *,
        start: Array | None = None,
        strength: float = 1.0,
        keep_on: Callable[[], bool] = lambda: True,
    ) -> Array:
        """Stage 2, as in :meth:`mdsm_ros.models.mdsm.network.MDSM.refine`, for one initial mask.

        Returns:
            Logits of the refined masks, (1, samples, grid, grid).
        """
        (condition,) = self._run(CONDITION, features.images, logits, *features.maps)
        side = condition.shape[-1]
        begin = resize_maps((logits if start is None else start)[0], side, side)[None]

        def denoise(noisy: Array, timestep: int) -> Array:
            moment, text = np.array([timestep], np.int64), features.text
            each = [self._run(STEP, one[None], moment, condition, text.tokens, text.mask)[0] for one in noisy]
            return np.concatenate(each)

        refined = schedule.refine(
            denoise,
            self._manifest.alphas_cumprod,
            begin.repeat(samples, axis=0),
            generator.normal((samples, 1, side, side)),
            max(1, round(strength * self.config.start_timestep)),
            steps,
            keep_on,
        )
        masks: Array = refined.swapaxes(0, 1)
        return masks
