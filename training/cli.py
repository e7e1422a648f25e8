"""The ``mdsm-data`` command, and the executables that train and evaluate; imports no slow library."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mdsm_ros.commands.runner import run_command, run_commands

COMMANDS = {  # modules with add_arguments() and run()
    "library": ("training.library.command", "make the library of real 3D models that furnish homes"),
    "homes": ("training.homes.command", "write a dataset of homes, furnished from the library if it is installed"),
    "refcoco": ("training.datasets.refcoco", "convert RefCOCO, RefCOCO+ or RefCOCOg to this format"),
    "grefcoco": ("training.datasets.published.grefcoco", "convert gRefCOCO, with several targets or none"),
    "phrasecut": ("training.datasets.published.phrasecut", "convert PhraseCut"),
    "roborefit": ("training.datasets.published.roborefit", "convert RoboRefIt"),
    "ocid-ref": ("training.datasets.published.ocid_ref", "convert OCID-Ref"),
    "ocid-vlg": ("training.datasets.published.ocid_vlg", "convert OCID-VLG"),
    "voc": ("training.datasets.published.voc", "convert PASCAL VOC's masks of categories or objects"),
    "coco": ("training.datasets.published.coco", "convert COCO's masks of categories or objects"),
    "sources": ("training.datasets.published.sources", "say where public datasets can be had, under which licence"),
    "photos": ("training.photos.build", "make a dataset of photographs with COCO masks and instructions"),
    "outlines": ("training.photos.outlines", "draw numbered outlines for people who write sentences"),
    "compose": ("training.compose.command", "paste objects of photographs into other photographs"),
    "augment": (
        "training.augment.command",
        "make augmented views of a dataset's images, for training on cached features",
    ),
    "captions": ("training.drawn.captions", "make captioned crops around the objects of a dataset"),
    "generate": ("training.latent.generate", "generate images from sentences with a latent diffusion model"),
    "shimrie": ("training.shimrie.build", "build SHIMRIE from Matterport3D and REVERIE"),
    "synthesize": (
        "training.drawn.synthesize",
        "generate images and masks with a latent diffusion model",
    ),
    "grounding": (
        "training.drawn.grounding_eval",
        "measure how well generated objects are found: Grounded Diffusion and DAAM",
    ),
    "zero-shot": (
        "training.drawn.semantic.command",
        "train a standard segmentation model, and measure it on seen and unseen categories",
    ),
    "merge": ("training.datasets.merge", "merge several datasets into one"),
    "stats": ("training.datasets.stats", "show statistics of datasets, side by side"),
    "shards": ("training.datasets.shards", "pack a dataset into shards that a cluster can stream"),
    "check": ("training.datasets.check", "check every file, mask and reference, and leaks between splits"),
    "verify-homes": ("training.homes.verify", "check the homes' instructions against their scene graphs"),
    "realism": ("training.realism.command", "measure whether an ImageNet network recognises the models of the homes"),
    "grasps": (
        "training.evaluation.grasping.command",
        "evaluate 3D boxes and grasps with the exact meshes of simulated homes",
    ),
    "ask": ("training.evaluation.asking.command", "evaluate questions about ambiguous instructions, and relations"),
    "growth": ("training.growth", "measure how the cost of a dataset and of training grows"),
    "time-homes": ("training.homes.timing", "measure the cost of a home's view, with and without the library"),
    "time-datasets": ("training.dataset_sizes", "measure how costs grow with the size of a dataset"),
    "view": ("training.datasets.view", "draw images, masks and instructions of a dataset on one sheet"),
    "replays": ("training.evaluation.replays", "evaluate a model on many recordings, also on a cluster"),
    "bag-labels": (
        "training.datasets.bag_labels",
        "export images of a recording for labelling, and import the labels",
    ),
    "demo-bag": ("mdsm_ros.demo.make_bag", "record the bag for the demo"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code, 2 for errors that the user can correct."""
    return run_commands("mdsm-data", "Make and inspect datasets.", COMMANDS, argv)


def train() -> int:
    """Runs ``mdsm-train``."""
    return run_command("mdsm-train", "training.train.command", None)


def train_latent() -> int:
    """Runs ``mdsm-train-latent``."""
    return run_command("mdsm-train-latent", "training.latent.command", None)


def evaluate() -> int:
    """Runs ``mdsm-evaluate``."""
    return run_command("mdsm-evaluate", "training.evaluation.evaluate", None)


def ablate() -> int:
    """Runs ``mdsm-ablate``."""
    return run_command("mdsm-ablate", "training.evaluation.ablate", None)


def compare() -> int:
    """Runs ``mdsm-compare``."""
    return run_command("mdsm-compare", "training.evaluation.compare", None)


def calibrate() -> int:
    """Runs ``mdsm-calibrate``."""
    return run_command("mdsm-calibrate", "training.evaluation.calibrate", None)


if __name__ == "__main__":
    sys.exit(main())
