"""A model and frames for tests of ``mdsm web``."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mdsm_ros.commands.web.shelf import ModelShelf
from mdsm_ros.inference.answer import STAGES, Segmentation
from mdsm_ros.inference.settings import InferenceSettings

HEIGHT, WIDTH = 48, 64
LEFT, RIGHT = slice(4, 20), slice(40, 60)  # columns of two red objects, the left one brighter


class RedModel:
    """Takes how red a pixel is for its probability; refinement takes the first row away."""

    device = "cpu"
    refines = True
    model: object = None  # none of ours: it shows no attention

    def __init__(self, name: str = "reds") -> None:
        self.name = name
        self.defaults = InferenceSettings(num_inference_steps=2)
        self.asked: list[str] = []
        self.closed = False

    def stream(
        self, image: np.ndarray, instruction: str, settings: InferenceSettings | None = None
    ) -> Iterator[Segmentation]:
        self.asked.append(instruction)
        chosen = settings or self.defaults
        probability = image[..., 0].astype(np.float32) / 255
        for stage in STAGES[: 2 if chosen.num_inference_steps else 1]:
            if stage == "refined":
                probability = probability.copy()
                probability[0] = 0
            mask = probability >= chosen.mask_threshold
            yield Segmentation(
                mask, np.asarray(probability, np.float32), None, 0.8, bool(mask.any()), stage, {"total": 0.1}
            )

    def segment(self, image: np.ndarray, instruction: str) -> Segmentation:
        *_, answer = self.stream(image, instruction)
        return answer

    def close(self) -> None:
        self.closed = True


def shelf(model: RedModel | None = None) -> ModelShelf:
    """A shelf with one model, which needs no PyTorch."""
    chosen: Any = model or RedModel()
    return ModelShelf([chosen.name], lambda _: chosen)


def picture() -> np.ndarray:
    """Two red objects, both from row 8 to 40, on grey."""
    rgb = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
    rgb[8:40, LEFT, 0], rgb[8:40, RIGHT, 0] = 250, 200
    return rgb


def left_mask() -> np.ndarray:
    """The object on the left."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[8:40, LEFT] = True
    return mask


def picture_folder(root: Path, count: int = 5) -> Path:
    """A folder of pictures a.png, b.png and so on, of the two objects."""
    folder = root / "pictures"
    folder.mkdir()
    for number in range(count):
        Image.fromarray(picture()).save(folder / f"{'abcdefgh'[number]}.png")
    return folder


def mask_url(mask: np.ndarray) -> str:
    """A mask as a browser sends it: white and opaque where it is, transparent elsewhere."""
    buffer = BytesIO()
    Image.fromarray(np.repeat(mask[..., np.newaxis], 4, axis=2).astype(np.uint8) * 255).save(buffer, "png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def mask_in(url: str) -> np.ndarray:
    """The mask of an address that the server gave."""
    content = base64.b64decode(url.split(",", 1)[1])
    values: np.ndarray = np.asarray(Image.open(BytesIO(content)))
    return values
