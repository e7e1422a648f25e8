"""``mdsm-data check``: every file, every mask, every reference of datasets, and whether splits leak into each other."""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask
from tqdm import tqdm

from mdsm_ros.dataset.format import Annotation, Dataset
from mdsm_ros.dataset.writer import encode_mask
from mdsm_ros.errors import DatasetError
from training.datasets.text import words

EXAMPLES = 3  # printed examples of each type of finding
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


def leaks(datasets: dict[str, Dataset], hashes: dict[tuple[str, int], str]) -> Iterator[Finding]:
    """Yields scenes, image files and identical images in two splits, unless ``info["may_share"]`` allows them.

    Args:
        datasets: Datasets by name; splits of the same name in two datasets count as one.
        hashes: Hashes of images' bytes, by dataset and image id.
    """
    allowed = {frozenset(pair) for data in datasets.values() for pair in data.info.get("may_share", [])}
    files: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)  # by shared item, and split
    for name, data in datasets.items():
        for instruction in data.instructions:
            image = data.images[instruction.image_id]
            file = f"{name}/{image.file_name}"
            shared = [("image", file), ("scene", image.scene), ("same image", hashes.get((name, image.id), ""))]
            for kind, key in shared:
                if key:
                    files[kind, key].setdefault(instruction.split, file)
    for (kind, key), of_split in files.items():
        for one, other in combinations(sorted(of_split), 2):
            places = sorted({of_split[one], of_split[other]})
            if frozenset((one, other)) in allowed or (kind == "same image" and len(places) == 1):
                continue
            yield f"{kind} in splits {one} and {other}", ", ".join([key, *places] if kind == "scene" else places)


def _records(data: Dataset) -> Iterator[Finding]:
    for file_name, number in Counter(image.file_name for image in data.images.values()).items():
        if number > 1:
            yield "image used more than once", file_name
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
    seen: set[tuple[int, str, str]] = set()
    for instruction in data.instructions:
        where = f"instruction {instruction.id}"
        if not words(instruction.text):
            yield "instruction without words", where
        if instruction.words != len(instruction.text.split()):
            yield "number of words is wrong", f"{where}: {instruction.words}, expected {len(instruction.text.split())}"
        for annotation_id in instruction.annotation_ids:
            if data.annotations[annotation_id].image_id != instruction.image_id:
                yield "target in another image", f"{where}: annotation {annotation_id}"
        key = (instruction.image_id, instruction.split, instruction.text.lower())
        if key in seen:
            yield "same sentence twice about an image", f"{where}: {instruction.text!r}"
        seen.add(key)


def _files(data: Dataset) -> Iterator[Finding]:
    named = {name for image in data.images.values() for name in (image.file_name, image.depth_file) if name}
    for folder in ("images", "depth"):
        for path in sorted((data.root / folder).glob("*")):
            if f"{folder}/{path.name}" not in named:
                yield "file that nothing names", f"{folder}/{path.name}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("datasets", type=Path, nargs="+", help="dataset folders; leaks between them are found as well")
    parser.add_argument(
        "--workers", type=int, default=2, help="number of threads that read images (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Checks and prints; the exit status is 1 if there are problems."""
    findings: dict[str, list[str]] = defaultdict(list)
    datasets: dict[str, Dataset] = {}
    for path in args.datasets:
        try:
            datasets[str(path)] = Dataset(path, links=False)
        except DatasetError as error:
            findings["records that cannot be used, nothing more was checked there"].append(str(error))
    hashes: dict[tuple[str, int], str] = {}
    for name, data in datasets.items():
        for what, where in check(data):
            findings[what].append(f"{name}: {where}")
        with ThreadPoolExecutor(args.workers) as pool:
            results = pool.map(lambda image_id, data=data: check_picture(data, image_id), data.images)
            for image_id, (found, digest) in zip(
                data.images, tqdm(results, total=len(data.images), desc=name, unit="image", disable=None), strict=True
            ):
                for what, where in found:
                    findings[what].append(f"{name}: {where}")
                if digest is not None:
                    hashes[name, image_id] = digest
    for what, where in leaks(datasets, hashes):
        findings[what].append(where)
    return _report(findings, datasets)


def _report(findings: dict[str, Sequence[str]] | dict[str, list[str]], datasets: dict[str, Dataset]) -> int:
    for what, places in findings.items():
        print(f"{len(places):>6}  {what}")
        for place in places[:EXAMPLES]:
            print(f"        {place}")
    images = sum(len(data.images) for data in datasets.values())
    instructions = sum(len(data.instructions) for data in datasets.values())
    verdict = "nothing wrong" if not findings else f"{sum(map(len, findings.values()))} findings"
    print(f"{images} images, {instructions} instructions: {verdict}")
    return 1 if findings else 0
