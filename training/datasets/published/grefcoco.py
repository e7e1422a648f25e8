"""``mdsm-data grefcoco``: gRefCOCO, whose sentences ask for several objects, one, or none that is in view.

Expects ``grefcoco/grefs(unc).json`` (or ``.p``) and ``grefcoco/instances.json``, as github henghuiding/gRefCOCO has
them, and COCO's train2014 images. Of several targets, regions of several objects (``iscrowd``) are left out, as in the
authors' code.
"""

from __future__ import annotations

import argparse

from training.datasets.published.sources import where
from training.datasets.refcoco import add_choices, convert


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = where("grefcoco")
    add_choices(parser)


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    return convert(args, "grefcoco", "unc")
