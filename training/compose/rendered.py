"""Renders models of the library as cut-outs: ray-cast with one lamp, sky light and the shadows of both."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.library import Library, Model, Shape
from training.compose.bank import rejects
from training.compose.cutouts import Cutout
from training.compose.kinds import NAMES_OF_MODELS, PASTED, PHOTOGRAPHS_ONLY
from training.compose.look import Look
from training.photos.speech.words.kinds import normal

LIBRARY_ORIGIN = "library:"
VIEWS = 5  # views of each model
LONGER_SIDE = 200  # pixels of a rendered object
SAMPLES = 2  # rays per pixel, along each side
DISTANCE = 4.0  # distance of the camera, in radii of the model
PITCH = (6.0, 24.0)  # range of degrees below the horizontal
YAW = 65.0  # largest rotation of a model with a known front, degrees
SKY_RAYS = 12
MIN_OPACITY = 0.9  # least opacity of a material; models with large clearer parts are omitted
MAX_CLEAR = 0.1  # largest fraction of a model's pixels with such a material
STUDIO = Look(mean=(58.0, 0.0, 3.0), chroma=6.0, spread=20.0, noise=0.3, detail=14.0)
"""How a photograph of the same light would look around the object."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ModelView:
    """One view of a model of the library."""

    model: str
    view: int


class Shelf:
    """The models of the library that may be pasted into images of a split.

    Args:
        folder: Folder of the library's cache; None for the default one.
        split: Name of the split: held-out models are used only for "val" and "test", the others only for "train".

    Attributes:
        views: Views by category.
        version: Version of the library.

    Raises:
        LibraryMissing: There is no library; the message names the command that builds it.
    """

    def __init__(self, folder: Path | None, split: str) -> None:
        self._library = Library.open(folder)
        self.version = self._library.version
        self._models: dict[str, Model] = {}
        self.views: dict[str, list[ModelView]] = defaultdict(list)
        for model in self._library.models:
            category = category_of(model)
            if category is None or LIBRARY_ORIGIN + model.id in rejects():
                continue
            if model.held_out == (split != "train"):
                self._models[model.id] = model
                self.views[category] += [ModelView(model.id, view) for view in range(VIEWS)]

    def cutout(self, view: ModelView) -> Cutout | str:
        """Renders a model; returns the reason if it cannot be used."""
        model = self._models[view.model]
        rng = np.random.default_rng((*view.model.encode(), view.view))
        turn = YAW if model.front_known else 180.0
        yaw, pitch = np.deg2rad(rng.uniform(-turn, turn)), np.deg2rad(rng.uniform(*PITCH))
        rendering = Rendering(self._library.load(view.model), float(yaw), float(pitch))
        if rendering.clear > MAX_CLEAR:
            return "transparent"
        rgb, alpha = rendering.picture(rng)
        category = category_of(model)
        assert category is not None
        return Cutout(
            category=category,
            rgb=rgb,
            alpha=alpha,
            look=STUDIO,
            origin=LIBRARY_ORIGIN + view.model,
            metres=rendering.metres,
        )


def category_of(model: Model) -> str | None:
    """Returns the category of a model, named as in collections of photographs; None if it must not be pasted."""
    kind = normal(model.kind)
    category = NAMES_OF_MODELS.get(kind, kind)
    return category if category in PASTED and category not in PHOTOGRAPHS_ONLY else None


class Rendering:
    """A view of a shape.

    Args:
        shape: Shape of the model.
        yaw: Rotation of the camera from the front, radians.
        pitch: Angle of the camera below the horizontal, radians.

    Attributes:
        metres: Length of the image's longer side at the model's distance, metres.
        clear: Fraction of the model's pixels with a transparent material.
    """

    def __init__(self, shape: Shape, yaw: float, pitch: float) -> None:
        from embreex import mesh_construction, rtcore_scene

        starts = np.cumsum([0, *(len(patch.vertices) for patch in shape.patches)])[:-1]
        self._vertices = np.concatenate([patch.vertices for patch in shape.patches]).astype(np.float32)
        self._normals = np.concatenate([patch.normals for patch in shape.patches]).astype(np.float32)
        self._texcoords = np.concatenate([patch.texcoords for patch in shape.patches]).astype(np.float32)
        self._faces = np.concatenate([p.faces + start for p, start in zip(shape.patches, starts, strict=True)])
        self._patch_of_face = np.repeat(np.arange(len(shape.patches)), [len(p.faces) for p in shape.patches])
        self._patches = shape.patches
        self._scene = rtcore_scene.EmbreeScene()
        mesh_construction.TriangleMesh(self._scene, self._vertices, self._faces.astype(np.int32))
        self._size = float(np.ptp(self._vertices, axis=0).max())
        self._look(yaw, pitch, (self._vertices.max(axis=0) + self._vertices.min(axis=0)) / 2)
        self._cast()

    def _look(self, yaw: float, pitch: float, middle: Floats) -> None:
        """Sets the camera and its rays: one per sample, over the box of the shape in the image."""
        radius = float(np.linalg.norm(self._vertices - middle, axis=1).max())
        back = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
        right = np.array([-np.cos(yaw), np.sin(yaw), 0.0])
        down = np.cross(right, back)
        down *= -np.sign(down[2]) or 1.0
        self._camera = middle + DISTANCE * radius * back
        seen = (self._vertices - self._camera) @ np.stack([right, down, -back], axis=1)
        flat = seen[:, :2] / seen[:, 2:]
        low, high = flat.min(axis=0), flat.max(axis=0)
        step = float((high - low).max()) / (LONGER_SIDE * SAMPLES)
        self.metres = float((high - low).max()) * DISTANCE * radius
        self._width, self._height = (SAMPLES * max(2, round(float(s) / step / SAMPLES)) for s in high - low)
        x = low[0] + step * (np.arange(self._width) + 0.5)
        y = low[1] + step * (np.arange(self._height) + 0.5)
        rays = x[None, :, None] * right + y[:, None, None] * down - back
        self._rays = (rays / np.linalg.norm(rays, axis=2, keepdims=True)).reshape(-1, 3).astype(np.float32)

    def _cast(self) -> None:
        """Finds the first hit of each ray."""
        origins = np.broadcast_to(self._camera.astype(np.float32), self._rays.shape)
        hit = self._scene.run(np.ascontiguousarray(origins), self._rays, output=1)
        self._hit = np.flatnonzero(hit["primID"] >= 0)
        faces = hit["primID"][self._hit]
        u, v = hit["u"][self._hit], hit["v"][self._hit]
        weights = np.stack([1 - u - v, u, v], axis=1)[..., None]  # (N, 3, 1)
        corners = self._faces[faces]
        self._patch = self._patch_of_face[faces]
        self._points = (self._vertices[corners] * weights).sum(axis=1)
        self._uv = (self._texcoords[corners] * weights).sum(axis=1)
        normals = (self._normals[corners] * weights).sum(axis=1)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        away = (normals * self._rays[self._hit]).sum(axis=1, keepdims=True) > 0
        self._facing = np.where(away, -normals, normals).astype(np.float32)
        opacity = np.array([patch.color[3] for patch in self._patches])
        self.clear = float((opacity[self._patch] < MIN_OPACITY).mean()) if len(self._hit) else 1.0

    def picture(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Renders colours (H, W, 3) and opacity (H, W), 0 to 255, under lamps that ``rng`` draws."""
        light = self._albedo() * self._light(rng)
        colour = np.zeros((self._height * self._width, 3), np.float32)
        opaque = np.zeros(self._height * self._width, np.float32)
        colour[self._hit], opaque[self._hit] = light, 1.0
        size = (self._width // SAMPLES, self._height // SAMPLES)
        colour = cv2.resize(colour.reshape(self._height, self._width, 3), size, interpolation=cv2.INTER_AREA)
        opaque = cv2.resize(opaque.reshape(self._height, self._width), size, interpolation=cv2.INTER_AREA)
        colour = np.clip(colour / np.maximum(opaque, 1e-3)[..., None], 0, 1) ** (1 / 2.2)
        return (colour * 255).round().astype(np.uint8), (opaque * 255).round().astype(np.uint8)

    def _albedo(self) -> Floats:
        """Returns the material's colours (N, 3) at the points, in linear light."""
        result = np.zeros((len(self._hit), 3), np.float32)
        for number, patch in enumerate(self._patches):
            here = self._patch == number
            colour = np.broadcast_to(np.array(patch.color[:3], np.float32), (int(here.sum()), 3))
            if patch.texture is not None:
                height, width = patch.texture.shape[:2]
                columns = np.floor(self._uv[here, 0] * width).astype(int) % width
                rows = np.floor(self._uv[here, 1] * height).astype(int) % height
                colour = colour * patch.texture[rows, columns].astype(np.float32) / 255.0
            result[here] = np.clip(colour, 0.0, 1.0) ** 2.2
        return result

    def _light(self, rng: np.random.Generator) -> Floats:
        """Returns the light (N, 1) at the points: from a lamp, and from the sky."""
        toward = self._camera / np.linalg.norm(self._camera)
        angle = np.arctan2(toward[1], toward[0]) + rng.uniform(-1.3, 1.3)
        height = rng.uniform(0.6, 1.2)
        lamp = np.array([np.cos(angle) * np.cos(height), np.sin(angle) * np.cos(height), np.sin(height)], np.float32)
        direct = np.maximum(self._facing @ lamp, 0) * ~self._hidden(lamp)
        turns = np.arange(SKY_RAYS) * 2.39996 + rng.uniform(0, 6.28)  # the golden angle spreads them evenly
        heights = (np.arange(SKY_RAYS) + 0.5) / SKY_RAYS * 1.2 - 0.2  # some rays come from the ground
        sky = np.zeros(len(self._hit), np.float32)
        total = 0.0
        for turn, z in zip(turns, heights, strict=True):
            flat = (1 - z * z) ** 0.5
            way = np.array([flat * np.cos(turn), flat * np.sin(turn), z], np.float32)
            strength = 1.0 if z > 0 else 0.5
            sky += strength * np.maximum(self._facing @ way, 0) * ~self._hidden(way)
            total += strength * 0.3
        strength = rng.uniform(0.25, 1.0)
        light: Floats = (strength * direct + (1.15 - 0.55 * strength) * sky / total)[:, None].astype(np.float32)
        return light

    def _hidden(self, way: Floats) -> NDArray[np.bool_]:
        """Whether the shape itself blocks a direction at each point."""
        origins = self._points + 0.004 * self._size * self._facing
        ways = np.ascontiguousarray(np.broadcast_to(way, origins.shape))
        return np.asarray(self._scene.run(origins.astype(np.float32), ways, query="OCCLUDED") >= 0)
