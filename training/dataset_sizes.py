"""``mdsm-data time-datasets``: how the cost of reading, merging and checking a dataset grows with its size.

A dataset is repeated, with new ids and scenes and the same image files. Every row is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from importlib import import_module
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from mdsm_ros.arguments import count
from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.dataset.index import open as opening
from mdsm_ros.dataset.merging import LISTS
from mdsm_ros.dataset.metrics import figures_table
from mdsm_ros.dataset.records import to_json_record
from mdsm_ros.dataset.streaming import RecordsFile
from mdsm_ros.errors import CommandError
from mdsm_ros.files import link_or_copy
from training.datasets import check, merge

if TYPE_CHECKING:
    from training.datasets.dataset import InstructionDataset

IMAGE_SIZE = 128  # pixels
MODULES = {"training": "training.datasets.dataset"}  # which imports PyTorch
SMALLEST_RATIO = 0.01  # CPU seconds or MiB; a ratio to less is noise
Task = Callable[[Path], Any]


def repeat(source: Path, out: Path, copies: int) -> int:
    """Writes a dataset with each record of another one several times; returns its number of instructions.

    Args:
        source: Folder of the dataset to repeat.
        out: Folder of the new one; its image files are hard links.
        copies: Number of repetitions.
    """
    data = Dataset(source)
    last = {name: max(records, default=0) for name, records in (("images", data.images), ("ids", data.annotations))}
    last["instructions"] = max(data.column("id"), default=0)
    names = {name for record in data.images.values() for name in (record.file_name, record.depth_file) if name}
    for name in names:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(source / name, out / name)
    with RecordsFile(out / ANNOTATIONS_FILE, LISTS) as file:
        for copy in range(copies):
            new = {name: copy * number for name, number in last.items()}
            for image in data.images.values():
                changed = {"id": image.id + new["images"], "scene": image.scene and f"{copy} {image.scene}"}
                file.add("images", to_json_record(image) | changed)
            for annotation in data.annotations.values():
                ids = {"id": annotation.id + new["ids"], "image_id": annotation.image_id + new["images"]}
                file.add("annotations", to_json_record(annotation) | ids)
            for instruction in data.instructions:
                named = {
                    "id": instruction.id + new["instructions"],
                    "image_id": instruction.image_id + new["images"],
                    "annotation_ids": [i + new["ids"] for i in instruction.annotation_ids],
                }
                file.add("instructions", to_json_record(instruction) | named)
        categories = [{"id": key, "name": name} for key, name in data.categories.items()]
        file.close({"info": data.info}, {"categories": categories})
        return file.counts["instructions"]


def _open_whole(folder: Path) -> Dataset:
    opening.SMALLEST = 1 << 62
    return Dataset(folder)


def _open_index(folder: Path) -> Dataset:
    opening.SMALLEST = 0
    return Dataset(folder)


def _open_training(folder: Path, split: str) -> InstructionDataset:
    from training.datasets.dataset import InstructionDataset

    return InstructionDataset(_open_index(folder), split, IMAGE_SIZE, cache=False)


def _merge(folder: Path) -> None:
    opening.SMALLEST = 0
    merged = folder.with_name(f"{folder.name}-merged")
    merge.merge_datasets([folder], merged)
    shutil.rmtree(merged)


def _check(folder: Path) -> None:
    opening.SMALLEST = 0
    with redirect_stdout(StringIO()):
        check.run(argparse.Namespace(datasets=[folder], workers=1))


def measure(task: Task, folder: Path, module: str) -> tuple[float, float]:
    """CPU seconds of a task, and MiB by which it raises the peak of the memory, in a process that has its module."""
    spawn = get_context("spawn")
    answer = spawn.SimpleQueue()
    process = spawn.Process(target=_measured, args=(task, folder, module, answer))
    process.start()
    process.join()
    if process.exitcode != 0:
        raise CommandError(f"{task} of {folder} ended with {process.exitcode}, expected 0")
    seconds, peak = answer.get()
    return float(seconds), float(peak)


def _measured(task: Task, folder: Path, module: str, answer: Any) -> None:
    import_module(module)
    own = psutil.Process()
    before, start = _peak(own), time.process_time()
    kept = task(folder)
    answer.put((time.process_time() - start, (_peak(own) - before) / 2**20))
    del kept


def _peak(process: psutil.Process) -> int:
    """The highest memory of a process so far, in bytes."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return int(process.memory_info().rss)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("dataset", type=Path, help="dataset to repeat")
    parser.add_argument("--copies", type=count, nargs="+", default=[1, 4], help="sizes (default: 1 4)")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the repeated datasets, removed again")
    parser.add_argument("--split", default="train", help="split that a training opens (default: %(default)s)")
    parser.add_argument(
        "--skip", nargs="*", default=[], choices=("whole", "merge", "check"), help="what not to measure"
    )


def run(args: argparse.Namespace) -> int:
    """Prints a row for each size, then the ratios to the first one; returns the exit status."""
    if args.out.exists():
        raise CommandError(f"--out is {args.out}, which exists, expected a new folder")
    tasks: dict[str, Task] = {
        "whole": _open_whole,
        "index": _open_index,
        "open": _open_index,
        "training": partial(_open_training, split=args.split),
        "merge": _merge,
        "check": _check,
    }
    rows: dict[str, dict[str, float]] = {}
    for copies in args.copies:
        folder = args.out / str(copies)
        try:
            name = f"{repeat(args.dataset, folder, copies):,} instructions"
            rows[name] = {}
            for task, function in tasks.items():
                if task not in args.skip:
                    rows[name][f"{task}, s"], rows[name][f"{task}, MiB"] = measure(
                        function, folder, MODULES.get(task, __name__)
                    )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    args.out.rmdir()
    first = next(iter(rows.values()))
    large = {key for key, value in first.items() if value >= SMALLEST_RATIO}
    ratios = {
        name: {key: value / first[key] for key, value in row.items() if key in large} for name, row in rows.items()
    }
    print(f"{figures_table('CPU seconds and MiB', rows)}\n\n{figures_table('ratio to the first', ratios)}")
    return 0
