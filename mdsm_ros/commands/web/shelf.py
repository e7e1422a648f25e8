"""The model behind the page: one model in memory at a time, used by one visitor at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import CommandError
from mdsm_ros.inference.settings import InferenceSettings

if TYPE_CHECKING:
    from mdsm_ros.inference.answer import Segmentation
    from mdsm_ros.segmenter import Segmenter

REMEMBERED = 4  # answers; an answer to a large photograph takes 60 MB
Load = Callable[[str], "Segmenter"]


def names_here(first: str) -> list[str]:
    """Returns the models that the page offers: the one of the command line, then those on this machine."""
    from mdsm_ros.checkpoints.catalog import state
    from mdsm_ros.models.families import families

    entries = {name: entry for family in families() for name, entry in family.entries.items()}
    return [first, *(name for name, entry in entries.items() if name != first and state(entry) != "not here")]


class ModelShelf:
    """Loads models by name, keeps the last one, and answers one request at a time.

    Args:
        names: Names of the available models; the first one is the default.
        load: Function that loads a model.
    """

    def __init__(self, names: list[str], load: Load) -> None:
        self.names = names
        self._load = load
        self._lock = threading.Lock()
        self._loaded: Segmenter | None = None
        self._answers: OrderedDict[tuple[str, str], Segmentation] = OrderedDict()

    @contextmanager
    def model(self, name: str | None = None) -> Iterator[Segmenter]:
        """Reserves the model of a name for one user; None: the default.

        Raises:
            CommandError: The page does not offer it.
            MdsmError: It cannot be loaded.
        """
        wanted = self.names[0] if name is None else name
        if wanted not in self.names:
            raise CommandError(f"model is {wanted!r}, expected one of {', '.join(self.names)}")
        with self._lock:
            if self._loaded is None or self._loaded.name != wanted:
                if self._loaded is not None:
                    self._loaded.close()
                    self._loaded = None
                self._loaded = self._load(wanted)
            yield self._loaded

    def defaults(self, name: str | None = None) -> InferenceSettings:
        """Returns the default settings of a model; raises the errors of :meth:`model`."""
        with self.model(name) as segmenter:
            return segmenter.defaults

    def answer(self, key: str, image: NDArray[np.uint8], instruction: str) -> Segmentation:
        """Returns the default model's final answer, computed once for each key and instruction.

        Args:
            key: Name of the image.
            image: Image, uint8 (H, W, 3) RGB.
            instruction: Instruction that names the target.

        Raises:
            MdsmError: The model cannot be loaded, or cannot answer.
        """
        with self.model() as segmenter:
            known = self._answers.get((key, instruction))
            if known is not None:
                self._answers.move_to_end((key, instruction))
                return known
            answer = segmenter.segment(image, instruction)
            self._answers[key, instruction] = answer
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
            return answer
