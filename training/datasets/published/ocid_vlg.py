"""``mdsm-data ocid-vlg``: OCID-VLG's phrases about objects in the clutter of OCID's images.

Expects the unpacked folder: ``refer/<version>/{train,val,test}_expressions.json``, and ``rgb`` and
``seg_mask_instances_combi`` in the folder of each sequence. The object's name ("target") is its category. Grasps are
not read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import check_keys, read_json, shown
from training.datasets.published.ocid_ref import SPLITS, Phrase, phrase, pictures_of, read_splits, write
from training.datasets.published.parts import Published, add_build_arguments, build_published
from training.datasets.published.sources import where

VERSIONS = ("multiple", "unique", "novel-instances", "novel-classes")
LABELS = "seg_mask_instances_combi"


def read_phrases(path: Path, split: str) -> list[Phrase]:
    """Reads the phrases of a split.

    Raises:
        DatasetError: The file is missing or damaged.
    """
    content = check_keys(read_json(path, DatasetError, "OCID-VLG's phrases"), ("data",), str(path), DatasetError)
    if not isinstance(content["data"], list):
        raise DatasetError(f"{path}: data is {shown(content['data'])}, expected a list of phrases")
    found = []
    for number, record in enumerate(content["data"]):
        place = f"{path}: phrase number {number}"
        keys = ("image_filename", "question", "question_index", "answer", "target")
        values = check_keys(record, keys, place, DatasetError)
        sequence, comma, image = str(values["image_filename"]).partition(",")
        if not comma:
            raise DatasetError(f"{place}: image_filename is {shown(values['image_filename'])}, expected SEQUENCE,IMAGE")
        name = f"{sequence.strip()}/rgb/{image.strip()}"
        index = str(values["question_index"])
        found.append(phrase(place, index, values["question"], split, name, values["answer"], values["target"]))
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = where("ocid-vlg")
    parser.add_argument("--root", type=Path, required=True, help="unpacked folder with refer/")
    parser.add_argument("--version", choices=VERSIONS, default=VERSIONS[0], help="division (default: %(default)s)")
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS, help="splits (default: all)")
    add_build_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    phrases = read_splits(read_phrases, args.root / "refer" / args.version, args.splits)
    published = Published(
        "ocid-vlg",
        pictures_of(phrases, args.root, LABELS, "ocid-vlg"),
        write,
        sorted({one.category for one in phrases}),
        {"version": args.version, "splits": list(args.splits)},
    )
    return build_published(published, args.out, args.workers)
