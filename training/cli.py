"""The ``mdsm-data`` command: making and looking at data sets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from mdsm_ros.errors import MdsmError

USER_ERROR = 2
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
    "time-homes": ("training.homes.timing", "what a view of a home costs, with and without the library"),
    "view": ("training.datasets.view", "draw pictures, masks and instructions of a data set on one sheet"),
    "bag-labels": (
        "training.datasets.bag_labels",
        "images of a recording to draw masks for, and labels from these masks",
    ),
    "demo-bag": ("mdsm_ros.demo.make_bag", "record the bag that the demo replays"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; returns the exit code, 2 for anything the user can put right."""
    try:
        words = list(sys.argv[1:] if argv is None else argv)
        args = _parser(words[0] if words else "").parse_args(words)
        return int(args.run(args) or 0)
    except ModuleNotFoundError as error:
        extra = "data" if error.name == "cv2" else "sim"
        print(f"mdsm-data: error: {error.name} is not installed: pip install 'mdsm_ros[{extra}]'", file=sys.stderr)
        return USER_ERROR
    except (MdsmError, OSError) as error:
        print(f"mdsm-data: error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        return 130


def _parser(chosen: str) -> argparse.ArgumentParser:
    """All commands by name; only the chosen one is imported, since some take seconds."""
    parser = argparse.ArgumentParser(prog="mdsm-data", description="Make data sets, and look at them.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (module_name, text) in COMMANDS.items():
        if name != chosen:
            commands.add_parser(name, help=text)
            continue
        module = import_module(module_name)
        command = commands.add_parser(name, help=text, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
