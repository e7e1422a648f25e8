"""``mdsm-data growth``: how the cost of data and of training grows; ``mdsm bench --curves`` has that of answers."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np

from mdsm_ros.arguments import count, natural
from mdsm_ros.commands.bench.curves.curve import Curve, cpu_milliseconds
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter

SIZES = (500, 1000, 2000)  # images
SMALL, CAMERA = (24, 32), (480, 640)  # pixels
PER_IMAGE = 3  # instructions
WORKERS = (0, 1, 2)
IMAGES = 8  # images of a training step
STEPS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--images",
        type=count,
        nargs="+",
        default=SIZES,
        help="numbers of images of the datasets, two or more, ascending (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=natural,
        nargs="+",
        default=WORKERS,
        help="numbers of processes that read the training data (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the curves."""
    with tempfile.TemporaryDirectory() as folder:
        print(dataset_curve(Path(folder), args.images).markdown() + "\n", flush=True)
        print(worker_curve(Path(folder), args.workers).markdown())
    return 0


def write_dataset(root: Path, images: int, size: tuple[int, int], name: str = "train") -> None:
    """Writes noise with two objects per image, and three instructions about them."""
    rng = np.random.default_rng(images)
    with DatasetWriter(root, ["box", "ball"]) as writer:
        for number in range(images):
            image_id = writer.add_image(rng.integers(0, 256, (*size, 3), dtype=np.uint8), scene=f"{name} {number}")
            found = []
            for category, rows in (("box", slice(0, size[0] // 2)), ("ball", slice(size[0] // 2, size[0]))):
                mask = np.zeros(size, dtype=bool)
                mask[rows, : size[1] // 2] = True
                found.append(writer.add_annotation(image_id, category, mask))
            for text, ids in (("get the box", found[:1]), ("get the ball", found[1:]), ("get the cup", [])):
                writer.add_instruction(
                    image_id, ids, text, split="train", source="growth", expressions=1, distractors=0
                )


def dataset_curve(folder: Path, sizes: Sequence[int]) -> Curve:
    """Building, opening and merging datasets of several sizes."""
    from training.datasets.merge import merge_datasets

    costs: dict[str, list[float]] = {}
    for images in sizes:
        root = folder / str(images)
        first, second, both = root / "first", root / "second", root / "both"
        work: dict[str, tuple[Callable[[], object], int]] = {
            "building": (partial(write_dataset, first, images, SMALL), 1),
            "opening for training": (partial(_open, first), 3),
            "merging with as much": (partial(merge_datasets, (first, second), both), 1),
        }
        write_dataset(second, images, SMALL, "second")
        for name, (call, runs) in work.items():
            costs.setdefault(name, []).append(cpu_milliseconds(call, runs) / 1000)
    return Curve(
        f"datasets, by the number of images with {PER_IMAGE} instructions each",
        [f"{images} images" for images in sizes],
        sizes,
        costs,
        "CPU s",
    )


def _open(root: Path) -> None:
    from training.datasets.dataset import InstructionDataset

    InstructionDataset(Dataset(root), "train", 64, cache=False)


def worker_curve(folder: Path, workers: Sequence[int]) -> Curve:
    """Samples a second of a training, by the processes that read images of a camera; a small model, wall time."""
    data = folder / "camera"
    write_dataset(data, 4 * IMAGES, CAMERA)
    rates = [_rate(data, folder / f"run{number}", number) for number in workers]
    return Curve(
        f"training of a small model on images of {CAMERA[1]}x{CAMERA[0]}, by processes that read them",
        [str(number) for number in workers],
        workers,
        {"instructions a second": rates},
        "1/s",
        is_rate=True,
    )


def _rate(data: Path, out: Path, workers: int) -> float:
    """Instructions a second, from the difference of a long and a short run, which start alike."""
    short, long = (_seconds(data, out / str(steps), steps, workers) for steps in (1, 1 + STEPS))
    return STEPS * IMAGES * PER_IMAGE / max(long - short, 1e-9)


def _seconds(data: Path, out: Path, steps: int, workers: int) -> float:
    from training.train.config import StageConfig, TrainConfig
    from training.train.options import RunOptions
    from training.train.run import run_training

    config = TrainConfig(
        preset="lavt-tiny",
        model={"image_size": 64, "swin_embed_dim": 16, "swin_depths": [1, 1, 1, 1], "vocab_size": 256},
        stage1=StageConfig(steps=steps, images=IMAGES, learning_rate=1e-4),
        instructions_per_image=PER_IMAGE,
        num_workers=workers,
    )
    begun = time.perf_counter()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        run_training(config, str(data), RunOptions(out, device="cpu"))
    return time.perf_counter() - begun
