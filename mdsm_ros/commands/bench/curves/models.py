"""How the cost of an answer grows with the image and with the number of instructions about it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import count

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.commands.bench.curves.curve import Curve, milliseconds
from mdsm_ros.commands.bench.curves.systems import System
from mdsm_ros.segmenter import Segmenter

INPUTS = (160, 320, 480)  # pixels, sides of the model's input
CAMERAS = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))  # pixels, width and height
INSTRUCTIONS = (1, 2, 4)
NUMBERS = (1, 2, 4)  # cameras of one node
CAMERA = (480, 640)
_asked = count()  # every instruction is a new one, so that its language features are always computed


def picture(height: int, width: int) -> NDArray[np.uint8]:
    """Noise (height, width, 3)."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _initial(segmenter: Segmenter, image: NDArray[np.uint8], number: int) -> object:
    texts = [f"get the cup next to the book number {next(_asked)}" for _ in range(number)]
    return segmenter.segment_many(image, texts, num_inference_steps=0)


def _cost(segmenter: Segmenter, system: System, image: NDArray[np.uint8], number: int = 1) -> float:
    return milliseconds(partial(_initial, segmenter, image, number), segmenter.device, system.runs)


def input_curve(systems: Sequence[System], device: str, sides: Sequence[int] = INPUTS) -> Curve:
    """The first mask at several sizes of the model's input, on the pixels of one camera."""
    costs: dict[str, list[float]] = {}
    image = picture(*CAMERA)
    for system in systems:
        for side in sides:
            segmenter = system.segmenter(device, side)
            costs.setdefault(system.name, []).append(_cost(segmenter, system, image))
            segmenter.close()
    return Curve(
        "first mask, by the side of the model's input; size: its pixels",
        [f"{side} px" for side in sides],
        [side**2 for side in sides],
        costs,
        "ms",
        {system.name: system.steepness for system in systems},
    )


def _round(streams: Sequence[Segmenter], image: NDArray[np.uint8]) -> None:
    """One image of each camera, each with an instruction of its own that stays the same."""
    for number, stream in enumerate(streams):
        stream.segment(image, f"get the cup number {number}", num_inference_steps=0)


def _costs_of_cameras(segmenter: Segmenter, system: System, numbers: Sequence[int]) -> list[float]:
    """The cost of a round of all cameras that share the model, as in the node with parameter ``cameras``."""
    streams = [segmenter, *(segmenter.of_another_stream() for _ in range(max(numbers) - 1))]
    image = picture(*CAMERA)
    _round(streams, image)  # reads the instructions
    return [milliseconds(partial(_round, streams[:n], image), segmenter.device, system.runs) for n in numbers]


def camera_and_instruction_curves(
    systems: Sequence[System],
    device: str,
    cameras: Sequence[tuple[int, int]] = CAMERAS,
    instructions: Sequence[int] = INSTRUCTIONS,
    numbers: Sequence[int] = NUMBERS,
) -> tuple[Curve, Curve, Curve]:
    """The first mask at several resolutions of the camera, of several instructions, and of several cameras."""
    by_camera: dict[str, list[float]] = {}
    by_instructions: dict[str, list[float]] = {}
    by_number: dict[str, list[float]] = {}
    for system in systems:
        segmenter = system.segmenter(device)
        name = f"{system.name}, {system.image_size} px"
        by_camera[name] = [_cost(segmenter, system, picture(height, width)) for width, height in cameras]
        by_instructions[name] = [_cost(segmenter, system, picture(*CAMERA), number) for number in instructions]
        by_number[name] = _costs_of_cameras(segmenter, system, numbers)
        segmenter.close()
    return (
        Curve(
            "first mask, by the camera's resolution; size: its pixels",
            [f"{width}x{height}" for width, height in cameras],
            [width * height for width, height in cameras],
            by_camera,
            "ms",
        ),
        Curve(
            "first masks of several instructions about one image",
            [str(number) for number in instructions],
            list(instructions),
            by_instructions,
            "ms",
        ),
        Curve(
            "first masks of one image from each of several cameras that share a model",
            [str(number) for number in numbers],
            list(numbers),
            by_number,
            "ms",
        ),
    )
