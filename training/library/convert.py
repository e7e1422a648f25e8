"""Converts models into the cache: in parallel, and with the same bytes after any number of interruptions."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from tqdm import tqdm

from mdsm_ros.errors import DatasetError
from mdsm_ros.library import store
from mdsm_ros.library.shapes import Patch, Shape, bounds
from training.library.catalogue import Credit, Item
from training.library.mesh.cutouts import cut_out
from training.library.mesh.sides import face_outwards, to_patches
from training.library.mesh.simplify import area, clean, simplify
from training.library.mesh.surfaces import find_surfaces
from training.library.mesh.wavefront import read_parts
from training.workers import WorkerPool

CONVERTER = 6  # raised when the same source gives another result, so that old files are made again
FACE_LIMIT = 4000
MOST_FACES = 10000  # of foliage and wires, which lose their form with less
SLACK = 1.25  # how far beyond the limit both-sided leaves may bring a model before it is simplified again
LEAST_AREA = 1e-8  # square metres of one material: a renderer rejects less
AHEAD = 4  # items in work or waiting for their turn, a worker


@dataclass
class Outcome:
    """How a conversion ended.

    Attributes:
        records: Index record of each model.
        failed: Reason by id.
        made: Number of models converted in this run.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    made: int = 0


def convert(items: Sequence[Item], folder: Path, workers: int) -> Outcome:
    """Converts what is not in the cache yet, with a progress bar; a model that cannot be converted is listed."""
    outcome = Outcome()
    with tqdm(total=len(items), unit="model", desc="convert", leave=False, disable=None) as progress:
        for item, result, made in _results(items, folder, workers):
            if isinstance(result, str):
                outcome.failed[item.id] = result
            else:
                outcome.records.append(result)
                outcome.made += made
            progress.update()
    return outcome


def _results(items: Sequence[Item], folder: Path, workers: int) -> Iterator[tuple[Item, dict[str, Any] | str, bool]]:
    work = partial(convert_one, folder)
    if workers <= 1:
        for item in items:
            yield item, *work(item)
        return
    pool = WorkerPool(workers)
    try:
        pending: deque[tuple[Item, Future[tuple[dict[str, Any] | str, bool]]]] = deque()
        for item in items:
            pending.append((item, pool.submit(work, item)))
            if len(pending) == AHEAD * workers:
                done, future = pending.popleft()
                yield done, *future.result()
        while pending:
            done, future = pending.popleft()
            yield done, *future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def convert_one(folder: Path, item: Item) -> tuple[dict[str, Any] | str, bool]:
    """One model's record, or why there is none; and whether it was made now."""
    path = store.model_path(folder, item.id)
    try:
        if path.exists():
            try:
                facts = store.read_facts(path)
            except DatasetError:
                facts = {}
            if facts.get("recipe") == _recipe(item):
                return facts | {"digest": digest(path)}, False
        shape = make_shape(item)
        facts = _facts(item, shape)
        store.write_atomically(path, store.pack(shape, facts))
    except (DatasetError, OSError) as error:
        return str(error), False
    except Exception as error:  # geometry that a library trips over must not cost the other models
        return f"{type(error).__name__}: {error}", False
    return facts | {"digest": digest(path)}, True


def make_shape(item: Item) -> Shape:
    """Reads, repairs and simplifies one model.

    Raises:
        DatasetError: Its files are damaged.
    """
    original = [piece for part in read_parts(item) for piece in clean(part)]
    if not original:
        raise DatasetError(f"{item.model} has no triangles with an area")
    parts = face_outwards(simplify(original, FACE_LIMIT, MOST_FACES))
    total = sum(len(part.faces) for part in parts)
    if total > SLACK * FACE_LIMIT:
        parts = face_outwards(simplify(original, FACE_LIMIT * FACE_LIMIT // total, MOST_FACES))
    parts = [part for part in map(cut_out, parts) if len(part.faces) and area(part) > LEAST_AREA]
    if not parts:
        raise DatasetError(f"{item.model} has nothing left to see")
    return _grounded(to_patches(parts))


def _grounded(patches: Sequence[Patch]) -> Shape:
    """A shape of patches, measured; simplification moved its rim by a little."""
    vertices = np.concatenate([patch.vertices[np.unique(patch.faces)] for patch in patches])
    low, high = bounds(vertices)
    shift = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]], dtype=np.float32)
    for patch in patches:
        patch.vertices[:] -= shift
    hx, hy = (high - low)[:2] / 2
    return Shape(tuple(patches), (float(hx), float(hy)), float(high[2] - low[2]), find_surfaces(patches))


def _facts(item: Item, shape: Shape) -> dict[str, Any]:
    points = np.concatenate([patch.vertices[:, :2] for patch in shape.patches]).astype(np.float64)
    try:
        points = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):  # flat: its corners will do
        points = np.array(bounds(points))
    return {
        "recipe": _recipe(item),
        "id": item.id,
        "name": item.name,
        "catalogue": item.catalogue,
        "licence": item.licence,
        "creator": item.creator,
        "source": item.source,
        "elevation": round(item.elevation, 4),
        "front_known": item.front_known,
        "outline": points.tolist(),
        "height": shape.height,
        "faces": sum(len(patch.faces) for patch in shape.patches),
    }


def _recipe(item: Item) -> str:
    """Changes with what decides a model's file, except for the bytes of its source."""
    what = (CONVERTER, store.FORMAT, item.id, item.name, item.catalogue, item.licence, item.creator, item.model)
    how = (item.size, item.rotation, item.elevation, item.y_up, item.scale, item.source)
    return hashlib.sha256(repr((what, how)).encode()).hexdigest()[:16]


def digest(path: Path) -> str:
    """The first half of the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def write_index(
    folder: Path, outcome: Outcome, textures: dict[str, list[str]], credits: Sequence[Credit], left_out: dict[str, str]
) -> None:
    """Writes the index, which makes the cache a finished one, and the catalogues' own licence texts."""
    for credit in credits:
        path = folder / store.CREDITS_FOLDER / f"{credit.name}.txt"
        store.write_atomically(path, credit.text.encode())
    digest = hashlib.sha256()
    for record in outcome.records:
        digest.update(f"{record['id']} {record['digest']}\n".encode())
    for names in textures.values():
        for name in names:
            digest.update((folder / store.TEXTURES_FOLDER / f"{name}.jpg").read_bytes())
    index = {
        "format": store.FORMAT,
        "digest": digest.hexdigest(),
        "models": outcome.records,
        "textures": textures,
        "credits": sorted(credit.name for credit in credits),
        "failed": outcome.failed,
        "left_out": left_out,
    }
    store.write_atomically(folder / store.INDEX_FILE, json.dumps(index, indent=1, sort_keys=True).encode())
