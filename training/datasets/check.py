"""``mdsm-data check``: every file, every mask, every reference of datasets, and whether splits leak into each other.

What is compared across a dataset is kept in a temporary SQLite database, so that memory does not grow with it.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask
from tqdm import tqdm

from mdsm_ros.arguments import count
from mdsm_ros.dataset.format import Annotation, Dataset
from mdsm_ros.dataset.writer import encode_mask
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import names_in
from training.datasets.text import words

EXAMPLES = 3  # printed examples of each type of finding
AHEAD = 8  # images per thread that are read or wait
BOX_TOLERANCE = 1.0  # pixels

Finding = tuple[str, str]  # problem and place


def check(data: Dataset) -> Iterator[Finding]:
    """Yields problems in a dataset's records and masks, and files that it does not reference."""
    yield from _records(data)
    for annotation in data.annotations.values():
        yield from _annotation(data, annotation)
    yield from _instructions(data)
    yield from _files(data)


def check_picture(data: Dataset, image_id: int) -> tuple[list[Finding], str | None]:
    """Returns problems of an image and its depth, and a hash of the image's bytes (None if unreadable)."""
    record = data.images[image_id]
    try:
        data.image(image_id)
        depth = data.depth(image_id)
        content = (data.root / record.file_name).read_bytes()
    except (DatasetError, OSError) as error:
        return [("unreadable image", str(error))], None
    found: list[Finding] = []
    if depth is not None and depth.shape != (record.height, record.width):
        found.append(("depth of another size than its image", str(record.depth_file)))
    return found, hashlib.sha256(content).hexdigest()


class Seen:
    """What was seen where, in a temporary database: in memory while it is small, then in a file."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE seen (kind, key, split, place, PRIMARY KEY (kind, key, split))")

    def add(self, kind: str, key: str, split: str = "", place: str = "") -> bool:
        """Notes the first place where something was seen in a split; returns whether this is the first."""
        row = (kind, key, split, place)
        return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", row).rowcount == 1

    def get(self, kind: str, key: str) -> str | None:
        """The place where something was seen, if it was."""
        query = "SELECT place FROM seen WHERE kind = ? AND key = ? LIMIT 1"
        row = self._database.execute(query, (kind, key)).fetchone()
        return None if row is None else str(row[0])

    def in_several_splits(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Kind and key of what is in several splits, and the place by split; in the order of their first addition."""
        query = (
            "SELECT kind, key FROM seen GROUP BY kind, key HAVING COUNT(*) > 1 ORDER BY MIN(rowid)",
            "SELECT split, place FROM seen WHERE kind = ? AND key = ? ORDER BY rowid",
        )
        for kind, key in self._database.execute(query[0]):
            yield kind, key, dict(self._database.execute(query[1], (kind, key)).fetchall())


def leaks(datasets: Mapping[str, Dataset], hashes: Callable[[str, int], str | None]) -> Iterator[Finding]:
    """Yields scenes, image files and identical images in two splits, unless ``info["may_share"]`` allows them.

    Args:
        datasets: Datasets by name; splits of the same name in two datasets count as one.
        hashes: Function that returns the hash of an image's bytes by dataset and image id; None if it is unreadable.
    """
    allowed = {frozenset(pair) for data in datasets.values() for pair in data.info.get("may_share", [])}
    seen = Seen()
    for name, data in datasets.items():
        for image in data.images.values():
            file = f"{name}/{image.file_name}"
            shared = (("image", file), ("scene", image.scene), ("same image", hashes(name, image.id)))
            for split in dict.fromkeys(instruction.split for instruction in data.instructions_of(image.id)):
                for kind, key in shared:
                    if key:
                        seen.add(kind, key, split, file)
    for kind, key, of_split in seen.in_several_splits():
        for one, other in combinations(sorted(of_split), 2):
            places = sorted({of_split[one], of_split[other]})
            if frozenset((one, other)) in allowed or (kind == "same image" and len(places) == 1):
                continue
            yield f"{kind} in splits {one} and {other}", ", ".join([key, *places] if kind == "scene" else places)


def _records(data: Dataset) -> Iterator[Finding]:
    seen = Seen()
    for image in data.images.values():
        if not seen.add("file", image.file_name) and seen.add("again", image.file_name):
            yield "image used more than once", image.file_name
    for annotation in data.annotations.values():
        if annotation.image_id not in data.images:
            yield "annotation of an image that is not there", f"annotation {annotation.id}"
        if annotation.category_id not in data.categories:
            yield "annotation of a category that is not there", f"annotation {annotation.id}"
        if annotation.occlusion is not None and not 0 <= annotation.occlusion <= 1:
            yield "occlusion out of range", f"annotation {annotation.id}: {annotation.occlusion}, expected 0 to 1"


def _annotation(data: Dataset, annotation: Annotation) -> Iterator[Finding]:
    if annotation.image_id not in data.images:
        return
    try:
        mask = data.mask_of(annotation.id)
    except DatasetError as error:
        yield "damaged mask", str(error)
        return
    where = f"annotation {annotation.id}"
    if encode_mask(mask) != annotation.segmentation:  # pycocotools decodes truncated masks silently
        yield "damaged mask", f"{where}: its RLE is not that of any mask"
        return
    if not mask.any():
        yield "empty mask", where
    if mask.sum() != annotation.area:
        yield "area differs from the mask's", f"{where}: {annotation.area}, the mask has {mask.sum()}"
    box = coco_mask.toBbox(annotation.segmentation)
    if np.abs(np.subtract(box, annotation.bbox)).max() > BOX_TOLERANCE:
        yield "bbox differs from the mask's", f"{where}: {annotation.bbox}, the mask has {tuple(box.tolist())}"


def _instructions(data: Dataset) -> Iterator[Finding]:
    seen = Seen()
    for instruction in data.instructions:
        where = f"instruction {instruction.id}"
        if not words(instruction.text):
            yield "instruction without words", where
        if instruction.words != len(instruction.text.split()):
            yield "number of words is wrong", f"{where}: {instruction.words}, expected {len(instruction.text.split())}"
        for annotation_id in instruction.annotation_ids:
            if data.annotations[annotation_id].image_id != instruction.image_id:
                yield "target in another image", f"{where}: annotation {annotation_id}"
        if not seen.add(str(instruction.image_id), instruction.text.lower(), instruction.split):
            yield "same sentence twice about an image", f"{where}: {instruction.text!r}"


def _files(data: Dataset) -> Iterator[Finding]:
    named = Seen()
    for image in data.images.values():
        for name in (image.file_name, image.depth_file):
            if name:
                named.add("file", name)
    for folder in ("images", "depth"):
        files = (f"{folder}/{name}" for name in names_in(data.root / folder))
        for file in sorted(file for file in files if named.get("file", file) is None):
            yield "file that nothing names", file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("datasets", type=Path, nargs="+", help="dataset folders; leaks between them are found as well")
    parser.add_argument(
        "--workers", type=count, default=2, help="number of threads that read images (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Checks and prints; the exit status is 1 if there are problems."""
    findings = Findings()
    datasets: dict[str, Dataset] = {}
    for path in args.datasets:
        try:
            datasets[str(path)] = Dataset(path, links=False)
        except DatasetError as error:
            findings.add("records that cannot be used, nothing more was checked there", str(error))
    hashes = Seen()
    for name, data in datasets.items():
        for what, where in check(data):
            findings.add(what, f"{name}: {where}")
        pictures = _checked_pictures(data, args.workers)
        for image_id, found, digest in tqdm(pictures, total=len(data.images), desc=name, unit="image", disable=None):
            for what, where in found:
                findings.add(what, f"{name}: {where}")
            if digest is not None:
                hashes.add(name, str(image_id), place=digest)
    for what, where in leaks(datasets, lambda name, image_id: hashes.get(name, str(image_id))):
        findings.add(what, where)
    return findings.report(datasets)


def _checked_pictures(data: Dataset, workers: int) -> Iterator[tuple[int, list[Finding], str | None]]:
    """The results of :func:`check_picture` in order, a few images ahead."""
    waiting: deque[tuple[int, Future[tuple[list[Finding], str | None]]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for image_id in data.images:
            waiting.append((image_id, pool.submit(check_picture, data, image_id)))
            if len(waiting) > AHEAD * workers:
                first, result = waiting.popleft()
                yield first, *result.result()
        for last, result in waiting:
            yield last, *result.result()


class Findings:
    """The number of problems of each type, with examples."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = defaultdict(list)

    def add(self, what: str, where: str) -> None:
        """Adds a problem and its place."""
        self._counts[what] += 1
        if len(self._examples[what]) < EXAMPLES:
            self._examples[what].append(where)

    def report(self, datasets: Mapping[str, Dataset]) -> int:
        """Prints the problems; returns the exit status."""
        for what, number in self._counts.items():
            print(f"{number:>6}  {what}")
            for place in self._examples[what]:
                print(f"        {place}")
        images = sum(len(data.images) for data in datasets.values())
        instructions = sum(len(data.instructions) for data in datasets.values())
        verdict = f"{self._counts.total()} findings" if self._counts else "nothing wrong"
        print(f"{images} images, {instructions} instructions: {verdict}")
        return 1 if self._counts else 0
