"""Small collections of photographs in COCO's form, for tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from training.photos.speech.scene import PictureScene, scene_of

WIDTH, HEIGHT = 160, 120
Box = tuple[int, int, int, int]  # left, top, right, bottom

COLORS = {
    "red": (200, 20, 20),
    "blue": (30, 40, 200),
    "green": (20, 150, 30),
    "yellow": (240, 220, 20),
    "white": (245, 245, 245),
    "black": (12, 12, 12),
    "gray": (128, 128, 128),
}


def box_mask(box: Box, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.bool_]:
    mask = np.zeros((height, width), dtype=bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def paint(boxes: dict[Box, str], width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    rgb = np.full((height, width, 3), (150, 120, 95), dtype=np.uint8)
    for (left, top, right, bottom), color in boxes.items():
        rgb[top:bottom, left:right] = COLORS[color]
    return rgb


def scene(
    *things: tuple[str, Box] | tuple[str, Box, str],
    uncertain: frozenset[int] = frozenset(),
    whole: bool = False,
    **about: Any,
) -> PictureScene:
    """A scene of boxes: kind, box, and a colour, else gray; later ones hide earlier ones, unless ``whole``."""
    boxes = {thing[1]: thing[2] if len(thing) == 3 else "gray" for thing in things}
    masks = [box_mask(thing[1]) for thing in things]
    for i in range(0 if whole else len(masks)):
        for later in masks[i + 1 :]:
            masks[i] &= ~later
    return scene_of(paint(boxes), [thing[0] for thing in things], masks, uncertain=uncertain, **about)


def polygon(box: Box) -> list[list[float]]:
    left, top, right, bottom = map(float, box)
    return [[left, top, right, top, right, bottom, left, bottom]]


def rle(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Compressed RLE."""
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(encoded["size"]), "counts": encoded["counts"].decode()}


def plain_rle(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Uncompressed RLE."""
    flat = mask.flatten(order="F").astype(int)
    starts = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *starts, flat.size]).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if flat[0] else counts}


class Collector:
    """Makes a folder of pictures and a COCO file."""

    def __init__(self, root: Path, categories: tuple[str, ...] = ("cup", "chair", "dining_table", "Cat")) -> None:
        self.root, self.images = root, root / "images"
        self.images.mkdir(parents=True)
        self.content: dict[str, Any] = {
            "images": [],
            "annotations": [],
            "categories": [{"id": i, "name": name} for i, name in enumerate(categories, start=1)],
        }

    def picture(self, name: str, things: list[tuple[int, Box]], **fields: Any) -> dict[str, Any]:
        """Adds a picture with objects (category id, box) as polygons; returns its record."""
        colors = list(COLORS)
        rgb = paint({box: colors[i % len(colors)] for i, (_, box) in enumerate(things)})
        noise = np.random.default_rng(len(self.content["images"])).integers(0, 6, rgb.shape)
        Image.fromarray((rgb + noise).clip(0, 255).astype(np.uint8)).save(self.images / name, quality=95)
        record = {"id": len(self.content["images"]) + 1, "file_name": name, "width": WIDTH, "height": HEIGHT, **fields}
        self.content["images"].append(record)
        for category, box in things:
            self.annotation(record["id"], category, polygon(box), box)
        return record

    def annotation(self, image_id: int, category: int, segmentation: Any, box: Box, **fields: Any) -> dict[str, Any]:
        record = {
            "id": len(self.content["annotations"]) + 1,
            "image_id": image_id,
            "category_id": category,
            "segmentation": segmentation,
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "iscrowd": 0,
            **fields,
        }
        self.content["annotations"].append(record)
        return record

    def write(self, edit: Callable[[dict[str, Any]], None] | None = None) -> Path:
        """Writes the COCO file, changed by ``edit``."""
        if edit is not None:
            edit(self.content)
        path = self.root / "coco.json"
        path.write_text(json.dumps(self.content))
        return path
