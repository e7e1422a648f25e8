"""``mdsm-data grasps``: boxes and grasps of objects in simulated homes, judged by the homes' exact meshes.

The masks are the true ones, made one pixel too wide, or those of a model that is asked for the object. The depth has a
depth camera's noise, holes and flying pixels. Counted are objects on surfaces, shelves and the floor that are no longer
than 0.4 m, whole in the picture, at most 30 % hidden and at least 400 pixels large in 640x480. A grasp is right if it
is antipodal on the exact mesh and the gripper touches no exact mesh. Each home's records are a file in the folder; a
home that has one is not rendered again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mdsm_ros.arguments import count, positive_number
from mdsm_ros.errors import CommandError, DatasetError
from mdsm_ros.files import write_json
from mdsm_ros.homes.furnishing import options
from mdsm_ros.homes.generate import SEEDS_PER_SPLIT, SPLIT_SEEDS
from mdsm_ros.manipulation.gripper import Gripper
from mdsm_ros.manipulation.noise import DepthNoise
from training.evaluation.grasping.frames import GraspFrame, home_frames
from training.evaluation.grasping.judge import Conditions, judge
from training.evaluation.grasping.predicted import Predictor

SUMMARY = "summary.json"
CONDITIONS = "conditions.json"
MASK_MARGIN = 1  # pixels
CHI_SQUARE = 7.815  # of three degrees of freedom: 95 %


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the records and of summary.json")
    parser.add_argument("--split", choices=sorted(SPLIT_SEEDS), default="test", help="which homes")
    parser.add_argument("--frames", type=count, default=200, help="number of frames (default: %(default)s)")
    parser.add_argument("--max-seconds", type=positive_number, help="end after so many seconds; run again to resume")
    parser.add_argument(
        "--gripper-width",
        type=positive_number,
        default=Gripper().max_width,
        help="largest opening of the gripper, metres (default: %(default)s)",
    )
    parser.add_argument(
        "--depth-noise",
        type=positive_number,
        default=DepthNoise().coefficient,
        help="standard deviation of the depth at one metre, metres; it grows with the square of the distance "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--mask-margin",
        type=count,
        help=f"pixels by which true masks are too wide (default: {MASK_MARGIN}); not with --model",
    )
    parser.add_argument("--gravity", action="store_true", help="tell the direction of gravity, as tf would")
    parser.add_argument(
        "--model", help="take the masks of this model, and leave out objects that no sentence singles out"
    )
    options.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Judges frames, or resumes; prints the summary and returns the exit status.

    Raises:
        CommandError: A margin is given for masks of a model.
        DatasetError: The folder has records of other options.
    """
    if args.model is not None and args.mask_margin is not None:
        raise CommandError(f"--mask-margin is {args.mask_margin}, expected none: the masks are those of {args.model}")
    margin = args.mask_margin or MASK_MARGIN
    conditions = Conditions(Gripper(max_width=args.gripper_width), DepthNoise(args.depth_noise), margin, args.gravity)
    stock = options.chosen_stock(args, args.split)
    args.out.mkdir(parents=True, exist_ok=True)
    told = {"split": args.split, "gripper_width": args.gripper_width, "depth_noise": args.depth_noise}
    told |= {"mask_margin": margin, "gravity": args.gravity, "library": stock is not None, "model": args.model}
    told |= {"library_version": None, "models": None, "pictures": None}
    if stock is not None:
        told |= {"library_version": stock.version, "models": stock.models, "pictures": stock.pictures_digest}
    predictor = None if args.model is None else _predictor(args.model)
    _check_conditions(args.out / CONDITIONS, told)
    deadline = None if args.max_seconds is None else time.monotonic() + args.max_seconds
    records: list[dict[str, Any]] = []
    first = SPLIT_SEEDS[args.split]
    for home in range(first, first + SEEDS_PER_SPLIT):
        path = args.out / f"home_{home:08d}.json"
        if not path.exists():
            if deadline is not None and time.monotonic() > deadline:
                print(f"{len(records)} of {args.frames} frames are done; run the same command again to resume")
                break
            frames = enumerate(home_frames(home, stock, pictures=predictor is not None))
            write_json(
                path, [r for number, frame in frames if (r := _record(frame, home, number, conditions, predictor))]
            )
        records += json.loads(path.read_text(encoding="utf-8"))
        if len(records) >= args.frames:
            break
    summary = summarize(records[: args.frames])
    write_json(args.out / SUMMARY, told | summary)
    for name, value in summary.items():
        print(f"{name}: {value}")
    return 0


def _predictor(model: str) -> Predictor:
    from mdsm_ros.segmenter import Segmenter  # imports torch

    return Predictor(Segmenter.from_pretrained(model))


def _record(
    frame: GraspFrame, home: int, number: int, conditions: Conditions, predictor: Predictor | None
) -> dict[str, object] | None:
    """The record of a frame; None where a model would be asked and no sentence means the object alone."""
    if predictor is None:
        return judge(frame, home, number, conditions)
    prediction = predictor.predict(frame, np.random.default_rng((home, 6, number)))
    return None if prediction is None else judge(frame, home, number, conditions, prediction)


def _check_conditions(path: Path, told: dict[str, Any]) -> None:
    """Raises a DatasetError where a folder has records of other options."""
    if path.exists():
        # earlier versions told the model only if there was one, and not which library it was
        known = {"model": None, **json.loads(path.read_text(encoding="utf-8"))}
        for name in (name for name in told if name in known and known[name] != told[name]):
            raise DatasetError(
                f"{path.parent} has records with {name} {known[name]!r}, now it is {told[name]!r}: expected the same, "
                "or another --out"
            )
    else:
        write_json(path, told)


def summarize(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Metrics over the records of frames.

    Returns:
        Numbers by name: medians, 90th percentiles, and fractions of the frames.
    """
    boxes = [record for record in records if record["iou"] is not None]
    fitting = [record for record in records if record["fits"]]
    masked = [record for record in fitting if record["mask_iou"] >= 0.5]
    held = [record for record in fitting if record["grasps"]]
    candidates = [grasp for record in fitting for grasp in record["grasps"]]
    return {
        "frames": len(records),
        "mask IoU, median": _median([record["mask_iou"] for record in records]),
        "masks with an IoU of 0.5 or more": _fraction([record["mask_iou"] >= 0.5 for record in records]),
        "frames without a box": len(records) - len(boxes),
        "box IoU, median (without a box: 0)": _median([record["iou"] or 0.0 for record in records]),
        "box IoU of objects that fit, median": _median([record["iou"] or 0.0 for record in fitting]),
        "error of the box's centre, median and p90, m": _spread([record["box_error"] for record in boxes]),
        "error of the visible centroid, median and p90, m": _spread([record["centroid_error"] for record in boxes]),
        "centroid within the covariance's 95 %": _fraction([r["mahalanobis"] <= CHI_SQUARE for r in boxes]),
        "support plane found and level within 5 degrees": _fraction([record["support"] for record in boxes]),
        "frames whose object fits the gripper": len(fitting),
        "of these with a candidate": _fraction([bool(record["grasps"]) for record in fitting]),
        "best candidate antipodal and free, of all that fit": _fraction(
            [bool(record["grasps"]) and _right(record["grasps"][0]) for record in fitting]
        ),
        "of these with a mask IoU of 0.5 or more": len(masked),
        "best candidate antipodal and free, of these": _fraction(
            [bool(record["grasps"]) and _right(record["grasps"][0]) for record in masked]
        ),
        "best candidate antipodal": _fraction([record["grasps"][0]["antipodal"] for record in held]),
        "best candidate free": _fraction([record["grasps"][0]["free"] for record in held]),
        "any of the five antipodal and free, of all that fit": _fraction(
            [any(map(_right, record["grasps"])) for record in fitting]
        ),
        "all candidates antipodal and free": _fraction([_right(grasp) for grasp in candidates]),
        "CPU seconds of a description, median and p90": _spread([record["seconds"] for record in records]),
    }


def _right(grasp: dict[str, Any]) -> bool:
    return bool(grasp["antipodal"] and grasp["free"])


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 3) if values else None


def _spread(values: Sequence[float]) -> list[float] | None:
    return [round(float(value), 4) for value in np.percentile(values, (50, 90))] if values else None


def _fraction(values: Sequence[bool]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None
