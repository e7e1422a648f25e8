"""Builds a dataset from units of work: in parallel, with the same result after any number of interruptions.

Each unit (a home, a scan, a slice of a photo collection) becomes a part in a worker process, here or on a cluster.
Units that were finished before a kill are reused. The parts are finally merged in the order of the units, so that the
result depends neither on the number of workers nor on interruptions.
"""

from __future__ import annotations

import errno
import json
import shutil
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from tqdm import tqdm

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.dataset.merging import merge_parts
from mdsm_ros.dataset.writer import PARTS_FOLDER, DatasetWriter, PartSummary, read_part
from mdsm_ros.errors import DatasetError, StorageError
from mdsm_ros.files import write_json
from mdsm_ros.foreign import read_json
from training.cluster import open_pool

RECIPE_FILE = "recipe.json"
AHEAD = 3  # units per worker that are in work or waiting
FULL = (errno.ENOSPC, errno.EDQUOT)

Unit = TypeVar("Unit")
Make = Callable[[DatasetWriter, Unit], None]


@dataclass(frozen=True)
class Plan(Generic[Unit]):
    """A dataset to build.

    Attributes:
        root: Folder of the dataset; new, empty, or of an interrupted build with the same ``info``.
        units: Units of work, in the order of the result.
        name: Function that returns the name of a unit's part, valid as a file name.
        make: Function that writes one unit; it runs in worker processes, so it and the units must be picklable. If it
            raises DatasetError or OSError, the unit is omitted and listed.
        categories: Names of all object categories.
        info: See :class:`mdsm_ros.dataset.format.Dataset`; the values that determine the content must be in
            ``info["recipe"]``.
        limit: Largest number of images.
    """

    root: Path
    units: Iterable[Unit]
    name: Callable[[Unit], str]
    make: Make[Unit]
    categories: Sequence[str]
    info: Mapping[str, Any]
    limit: int | None = None


@dataclass
class Outcome:
    """The result of a build.

    Attributes:
        counts: Counters of the writer.
        problems: Problems of the input, with the parts in which they occurred.
    """

    counts: Counter[str] = field(default_factory=Counter)
    problems: dict[str, list[str]] = field(default_factory=dict)
    images: int = 0
    instructions: int = 0

    def print_table(self, root: Path) -> None:
        """Prints what was counted and the size of the dataset, and lists unusable input on stderr."""
        for reason, number in sorted(self.counts.items()):
            print(f"{number:>7} {reason}")
        print(f"{root}: {self.images} images, {self.instructions} instructions")
        self.print_problems()

    def print_problems(self) -> None:
        """Lists unusable input on stderr."""
        for reason, parts in self.problems.items():
            places = parts[0] if len(parts) == 1 else f"{parts[0]} and {len(parts) - 1} more"
            print(f"not used: {reason} ({places})", file=sys.stderr)
        if self.problems:
            print("run again to try them again", file=sys.stderr)


def build(plan: Plan[Unit], workers: int, cluster: str | None = None) -> Outcome:
    """Builds a dataset, or resumes an interrupted build; leaves a finished one unchanged.

    Args:
        plan: Dataset to build.
        workers: Number of processes.
        cluster: Address of a Ray cluster to use instead, see :class:`training.cluster.RayPool`.

    Raises:
        CommandError: There is no such cluster.
        DatasetError: The folder contains something else, or a build with another recipe; or no unit could be built.
        StorageError: The disk is full.
    """
    root = plan.root
    if _finished(plan):
        data = Dataset(root)
        shutil.rmtree(root / PARTS_FOLDER, ignore_errors=True)  # left by a run that was killed at its very end
        return Outcome(images=len(data.images), instructions=len(data.instructions))
    (root / PARTS_FOLDER).mkdir(parents=True, exist_ok=True)
    write_json(root / PARTS_FOLDER / RECIPE_FILE, dict(plan.info))
    outcome, parts = Outcome(), []
    unit_name = "image" if plan.limit is not None else "part"
    with tqdm(total=plan.limit, unit=unit_name, desc=root.name, disable=None, mininterval=1.0) as progress:
        for part, summary in _parts(plan, workers, cluster):
            if isinstance(summary, str):
                outcome.problems.setdefault(summary, []).append(part)
                progress.update(plan.limit is None)
                continue
            room = summary.images if plan.limit is None else min(summary.images, plan.limit - outcome.images)
            progress.update(1 if plan.limit is None else room)
            parts.append(part)
            outcome.images += room
            outcome.counts.update(summary.counts)
            for reason in summary.problems:
                outcome.problems.setdefault(reason, []).append(part)
            if outcome.images == plan.limit:
                break
    if not outcome.images:
        outcome.print_problems()
        raise DatasetError(f"{root}: nothing was built")
    merge_parts(root, parts, plan.categories, plan.info, plan.limit)
    if not outcome.problems:  # otherwise, the next run resumes from here
        shutil.rmtree(root / PARTS_FOLDER)
    outcome.instructions = len(Dataset(root).instructions)
    return outcome


def _finished(plan: Plan[Unit]) -> bool:
    root, recipe = plan.root, plan.root / PARTS_FOLDER / RECIPE_FILE
    wanted = json.loads(json.dumps(plan.info))
    if recipe.exists():
        begun = read_json(recipe, DatasetError, "the recipe of an interrupted build")
    elif (root / ANNOTATIONS_FILE).exists():
        begun = Dataset(root).info
    elif root.exists() and any(path.name != PARTS_FOLDER for path in root.iterdir()):
        raise DatasetError(f"{root} holds files but no dataset, expected a new or an empty folder")
    else:
        return False
    if begun != wanted:
        raise DatasetError(f"{root} holds a dataset made as {begun}, expected {wanted}; choose another folder")
    return not recipe.exists()


def _parts(plan: Plan[Unit], workers: int, cluster: str | None) -> Iterator[tuple[str, PartSummary | str]]:
    """Yields the plan's parts in order; a string is the reason why a unit failed."""
    make_part = partial(_part, plan.root, plan.make, plan.categories, plan.info)
    if workers <= 1 and cluster is None:
        for unit in plan.units:
            yield make_part(plan.name(unit), unit)
        return
    pool, workers = open_pool(workers, cluster)
    try:
        pending: deque[Future[tuple[str, PartSummary | str]]] = deque()
        for unit in plan.units:
            pending.append(pool.submit(make_part, plan.name(unit), unit))
            if len(pending) == AHEAD * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _part(
    root: Path, make: Make[Unit], categories: Sequence[str], info: Mapping[str, Any], part: str, unit: Unit
) -> tuple[str, PartSummary | str]:
    done = read_part(root, part)
    if done is not None and not done.problems:
        return part, done
    try:
        with DatasetWriter(root, categories, info=info, part=part) as writer:
            make(writer, unit)
    except (DatasetError, OSError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise StorageError(f"{root} cannot be written: {error.strerror}") from error  # all other units would fail
        return part, str(error)
    summary = read_part(root, part)
    assert summary is not None
    return part, summary
