"""The ``mdsm-data`` command, and the executables that train and evaluate: imported before anything that is slow."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mdsm_ros.commands.runner import run_command, run_commands

COMMANDS = {  # modules with add_arguments() and run()
    "library": ("training.library.command", "make the library of real models that homes are furnished with"),
    "homes": ("training.homes.command", "write a data set of homes, furnished from the library if it is there"),
    "refcoco": ("training.datasets.refcoco", "bring RefCOCO, RefCOCO+ or RefCOCOg into this format"),
    "photos": ("training.photos.build", "photographs with masks in COCO's form, and instructions about them"),
    "outlines": ("training.photos.outlines", "draw numbered outlines, for people who write sentences"),
    "compose": ("training.compose.command", "paste objects of photographs into other photographs"),
    "augment": ("training.augment.command", "changed views of a data set's pictures, for training on cached features"),
    "captions": ("training.latent.captions", "captioned pictures around the objects of a data set"),
    "generate": ("training.latent.generate", "pictures that a latent diffusion model draws from sentences"),
    "shimrie": ("training.shimrie.build", "build SHIMRIE from Matterport3D and REVERIE"),
    "synthesize": (
        "training.drawn.synthesize",
        "draw pictures with a latent diffusion model, and masks of what they show",
    ),
    "grounding": ("training.drawn.grounding_eval", "how well drawn things are found: Grounded Diffusion beside DAAM"),
    "merge": ("training.datasets.merge", "several data sets as one"),
    "stats": ("training.datasets.stats", "figures of datasets, side by side"),
    "shards": ("training.datasets.shards", "pack a data set into shards that a cluster can stream"),
    "check": ("training.datasets.check", "check every file, mask and reference, and leaks between splits"),
    "verify-homes": ("training.homes.verify", "judge the homes' instructions against their scene graphs"),
    "realism": ("training.realism.command", "whether an ImageNet network knows the models of the homes"),
    "grasps": (
        "training.evaluation.grasping.command",
        "judge 3D boxes and grasps by the exact meshes of simulated homes",
    ),
    "ask": ("training.evaluation.asking.command", "judge questions about ambiguous instructions, and relations"),
    "time-homes": ("training.homes.timing", "what a view of a home costs, with and without the library"),
    "view": ("training.datasets.view", "draw pictures, masks and instructions of a data set on one sheet"),
    "bag-labels": (
        "training.datasets.bag_labels",
        "images of a recording to draw masks for, and labels from these masks",
    ),
    "demo-bag": ("mdsm_ros.demo.make_bag", "record the bag that the demo replays"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code, 2 for anything the user can put right."""
    return run_commands("mdsm-data", "Make data sets, and look at them.", COMMANDS, argv)


def train() -> int:
    """``mdsm-train``."""
    return run_command("mdsm-train", "training.train.command", None)


def train_latent() -> int:
    """``mdsm-train-latent``."""
    return run_command("mdsm-train-latent", "training.latent.command", None)


def evaluate() -> int:
    """``mdsm-evaluate``."""
    return run_command("mdsm-evaluate", "training.evaluation.evaluate", None)


def ablate() -> int:
    """``mdsm-ablate``."""
    return run_command("mdsm-ablate", "training.evaluation.ablate", None)


def compare() -> int:
    """``mdsm-compare``."""
    return run_command("mdsm-compare", "training.evaluation.compare", None)


def calibrate() -> int:
    """``mdsm-calibrate``."""
    return run_command("mdsm-calibrate", "training.evaluation.calibrate", None)


if __name__ == "__main__":
    sys.exit(main())
