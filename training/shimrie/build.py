"""``mdsm-data shimrie``: builds the SHIMRIE data set from Matterport3D and REVERIE, for those who have the licences.

For each object that REVERIE's instructions mean at a viewpoint, the view that shows most of it is taken, one that does
not cut it off if there is one. Masks come from the scan's mesh by ray casting, pictures from the skybox.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.arguments import count, share
from mdsm_ros.dataset.format import Dataset, difficulty
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from training.datasets import reverie
from training.datasets.build import Plan, build
from training.datasets.stats import statistics, table
from training.datasets.text import count_expressions
from training.shimrie import matterport
from training.shimrie.raycast import RayCaster, objects_of_faces
from training.shimrie.skybox import read_skybox, sample
from training.shimrie.views import CAMERA, HEIGHT, WIDTH, View

MIN_ANNOTATED = 64  # pixels; smaller parts of other objects are not annotated and do not count as distractors


@dataclass(frozen=True)
class Options:
    """Places of the data, and requirements for masks.

    Attributes:
        masks: "instance": the object itself; "class": all objects with its label in the viewpoint's region within
            REVERIE's box, which the authors' rendering cannot separate.
        min_area: Smallest fraction of the image covered by a mask.
        min_inside: Smallest fraction of a mask inside REVERIE's box.
        min_fill: Smallest fraction of REVERIE's box covered by the mask's own box; REVERIE's boxes are projected 3D
            boxes, which are loose and ignore occlusion.
    """

    matterport: Path
    connectivity: Path
    masks: str = "instance"
    min_area: float = 0.001
    min_inside: float = 0.7
    min_fill: float = 0.05


@dataclass(frozen=True)
class Viewpoint:
    """A unit of work: all targets and instructions at one viewpoint."""

    scan: str
    viewpoint: str
    items: tuple[reverie.Item, ...] = field(repr=False)


@dataclass(frozen=True)
class Scan:
    """A scan in memory."""

    house: matterport.House
    caster: RayCaster
    panoramas: dict[str, matterport.Panorama]
    regions: dict[str, int]
    skyboxes: Path


def load_scan(root: Path, connectivity: Path, scan: str) -> Scan:
    """Reads the required parts of a scan.

    Raises:
        DatasetError: A file is missing or damaged.
    """
    house = matterport.read_house(matterport.find(root, scan, f"house_segmentations/{scan}.house"))
    vertices, faces, segments = matterport.read_mesh(matterport.find(root, scan, f"house_segmentations/{scan}.ply"))
    return Scan(
        house=house,
        caster=RayCaster(vertices, faces, objects_of_faces(segments, house.object_of_segment)),
        panoramas=matterport.read_connectivity(connectivity, scan),
        regions=matterport.read_regions(matterport.find(root, scan, "house_segmentations/panorama_to_region.txt")),
        skyboxes=matterport.find(root, scan, "matterport_skybox_images"),
    )


@lru_cache(maxsize=1)
def _scan_or_error(root: Path, connectivity: Path, scan: str) -> Scan | DatasetError:
    """Reads a scan; caches the last one, or the error that it raised."""
    try:
        return load_scan(root, connectivity, scan)
    except DatasetError as error:
        return error


def write_viewpoint(writer: DatasetWriter, unit: Viewpoint, *, options: Options) -> None:
    """Adds the images and instructions of one viewpoint to a dataset.

    Raises:
        DatasetError: The scan, the viewpoint or the skybox is missing or damaged.
    """
    scan = _scan_or_error(options.matterport, options.connectivity, unit.scan)
    if isinstance(scan, DatasetError):
        raise DatasetError(str(scan))
    panorama = scan.panoramas.get(unit.viewpoint)
    if panorama is None:
        raise DatasetError(f"scan {unit.scan}: viewpoint {unit.viewpoint} is not in its connectivity file")
    position = panorama.pose[:3, 3]
    seen: dict[int, NDArray[np.int32]] = {}
    wanted: dict[int, list[reverie.Item]] = defaultdict(list)
    for item in unit.items:
        wanted[item.object_id].append(item)
    chosen: dict[int, list[tuple[int, NDArray[np.bool_]]]] = defaultdict(list)
    for object_id, items in sorted(wanted.items()):
        boxes = items[0].boxes.boxes
        for index in boxes:
            if index not in seen:
                seen[index] = scan.caster.objects(position, View(index))
        masks = {
            index: target_mask(scan, unit.viewpoint, seen[index], object_id, box, options)
            for index, box in boxes.items()
        }
        best, reason = choose_view(masks, boxes, options)
        number = sum(len(item.instructions) for item in items)
        if object_id not in scan.house.objects:
            best, reason = None, "the object is not in the .house file"
        writer.count("kept" if best is not None else f"dropped: {reason}", number)
        if best is not None:
            chosen[best].append((object_id, masks[best]))
    if not chosen:
        return
    faces = read_skybox(scan.skyboxes, unit.viewpoint)
    for index, targets in sorted(chosen.items()):
        rgb = sample(faces, View(index).directions(), panorama.pose[:3, :3])
        image_id = writer.add_image(rgb, camera=CAMERA, scene=unit.scan)
        _write_view(writer, image_id, scan, index, seen[index], targets, wanted, options)


def _write_view(
    writer: DatasetWriter,
    image_id: int,
    scan: Scan,
    view: int,
    objects: NDArray[np.int32],
    targets: Sequence[tuple[int, NDArray[np.bool_]]],
    wanted: dict[int, list[reverie.Item]],
    options: Options,
) -> None:
    masks = dict(targets)
    indices, areas = np.unique(objects, return_counts=True)
    visible = [
        int(i) for i, area in zip(indices, areas, strict=True) if i in scan.house.objects and area >= MIN_ANNOTATED
    ]
    if options.masks == "instance":
        masks |= {index: objects == index for index in visible if index not in masks}
    ids = {}
    for index, mask in sorted(masks.items()):
        thing = scan.house.objects[index]
        attributes = {"name": thing.name, "object": str(index), "view": str(view)}
        ids[index] = writer.add_annotation(image_id, thing.category, mask, attributes)
    for index, mask in targets:
        name = scan.house.objects[index].name
        distractors = sum(scan.house.objects[other].name == name for other in visible if other != index)
        share = float(mask.mean())
        for item in wanted[index]:
            for number, text in enumerate(item.instructions):
                expressions = count_expressions(text)
                writer.add_instruction(
                    image_id,
                    [ids[index]],
                    " ".join(text.split()),
                    split=item.split,
                    source="shimrie",
                    expressions=expressions,
                    distractors=distractors,
                    difficulty=difficulty(expressions, distractors, share, None),
                    origin=f"{item.id}_{number}",
                )


def target_mask(
    scan: Scan,
    viewpoint: str,
    objects: NDArray[np.int32],
    object_id: int,
    box: tuple[float, float, float, float],
    options: Options,
) -> NDArray[np.bool_]:
    """Returns the pixels (480, 640) of an object in a view, from the object at each pixel and REVERIE's box."""
    if options.masks == "instance" or object_id not in scan.house.objects:
        mask: NDArray[np.bool_] = objects == object_id
        return mask
    name, region = scan.house.objects[object_id].name, scan.regions.get(viewpoint)
    same = [o.index for o in scan.house.objects.values() if o.name == name and o.region == region]
    return np.isin(objects, same) & _box_mask(box)


def _box_mask(box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    x, y, width, height = box
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[max(0, round(y)) : max(0, round(y + height)), max(0, round(x)) : max(0, round(x + width))] = True
    return mask


def choose_view(
    masks: dict[int, NDArray[np.bool_]], boxes: dict[int, tuple[float, float, float, float]], options: Options
) -> tuple[int | None, str]:
    """Chooses the view with the largest mask, preferably one that the image's border does not cut off.

    Args:
        masks: Masks (480, 640) by view index.
        boxes: REVERIE's boxes by view index.
        options: Requirements for masks.

    Returns:
        The view's index, or None and the reason.
    """
    if not boxes:
        return None, "REVERIE gives no view of it"
    if not any(mask.any() for mask in masks.values()):
        return None, "hidden in every view"
    large = {index: mask for index, mask in masks.items() if mask.mean() >= options.min_area}
    if not large:
        return None, "too small"
    agreed = {index: mask for index, mask in large.items() if _agrees(mask, boxes[index], options)}
    if not agreed:
        return None, "not where REVERIE's box is"
    whole = {index: mask for index, mask in agreed.items() if not _is_cut(mask)}
    pool = whole or agreed
    return max(sorted(pool), key=lambda index: int(pool[index].sum())), ""


def _is_cut(mask: NDArray[np.bool_]) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def _agrees(mask: NDArray[np.bool_], box: tuple[float, float, float, float], options: Options) -> bool:
    inside = np.count_nonzero(mask & _box_mask(box)) / np.count_nonzero(mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    own = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    return bool(inside >= options.min_inside and own >= options.min_fill * box[2] * box[3])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--matterport", type=Path, required=True, help="folder of the unpacked Matterport3D download")
    parser.add_argument(
        "--reverie",
        type=Path,
        required=True,
        help="folder of REVERIE_<split>.json and bbox.zip, or a clone of the repository",
    )
    parser.add_argument(
        "--connectivity", type=Path, help="folder of <scan>_connectivity.json files (default: below --reverie)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--scans", nargs="+", help="only these scans")
    parser.add_argument("--masks", choices=("instance", "class"), default="instance", help="(default: %(default)s)")
    parser.add_argument(
        "--min-area", type=share, default=0.001, help="smallest mask, as a fraction of the image (default: %(default)s)"
    )
    parser.add_argument(
        "--min-inside",
        type=share,
        default=0.7,
        help="smallest fraction of a mask inside its box (default: %(default)s)",
    )
    parser.add_argument(
        "--min-fill",
        type=share,
        default=0.05,
        help="smallest fraction of its box that a mask spans (default: %(default)s)",
    )
    parser.add_argument("--workers", type=count, default=1, help="number of processes; each loads the mesh of one scan")


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    options = Options(
        matterport=args.matterport,
        connectivity=args.connectivity or args.reverie,
        masks=args.masks,
        min_area=args.min_area,
        min_inside=args.min_inside,
        min_fill=args.min_fill,
    )
    _scan_or_error.cache_clear()  # missing files may exist now
    items, joins = reverie.read_items(args.reverie)
    print(reverie.join_table(joins))
    units = _units(items, args.scans)
    recipe = {key: value for key, value in asdict(options).items() if key not in ("matterport", "connectivity")}
    plan = Plan(
        root=args.out,
        units=units,
        name=lambda unit: f"{unit.scan}_{unit.viewpoint}",
        make=partial(write_viewpoint, options=options),
        categories=matterport.MPCAT40,
        info={
            "source": "shimrie",
            "recipe": recipe | {"scans": sorted(args.scans) if args.scans else "all"},
            "may_share": [["train", "val_seen"]],
        },
    )
    outcome = build(plan, args.workers)
    for reason, number in sorted(outcome.counts.items(), key=lambda pair: -pair[1]):
        print(f"{number:>7} instructions {reason}")
    print(table({args.out.name: statistics(Dataset(args.out))}))
    outcome.print_problems()
    return 0


def _units(items: Sequence[reverie.Item], scans: Sequence[str] | None) -> list[Viewpoint]:
    groups: dict[tuple[str, str], list[reverie.Item]] = defaultdict(list)
    for item in items:
        groups[item.scan, item.viewpoint].append(item)
    unknown = sorted(set(scans or ()) - {item.scan for item in items})
    if unknown:
        raise DatasetError(f"--scans names {unknown}, REVERIE has no instruction there")
    return [
        Viewpoint(scan, viewpoint, tuple(group))
        for (scan, viewpoint), group in sorted(groups.items())
        if scans is None or scan in scans
    ]
