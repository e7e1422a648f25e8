"""``mdsm-train-latent``: a latent diffusion model from captioned pictures, saved as a Stable Diffusion pipeline.

Stage 1 trains the autoencoder; stage 2 trains UNet and text encoder on its latents, both from nothing. The output
folder holds ``autoencoder.pt`` and ``denoiser.pt`` (checkpoints to resume from), ``tensorboard/`` and, after each
validation of stage 2 and at its end, ``model/`` in the layout of diffusers' StableDiffusionPipeline, with averaged
weights.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mdsm_ros.commands.runner import run_command
from mdsm_ros.errors import TrainingError
from training.train.options import SOURCES, add_run_arguments, run_options

FAILED = 1  # exit code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--config", type=Path, required=True, help="YAML file, such as config/train/ldm-tiny.yaml")
    parser.add_argument("--data", required=True, help=f"source of the train split of captioned images: {SOURCES}")
    parser.add_argument("--val-data", type=Path, help="dataset folder to validate on (default: the training data)")
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Trains, or resumes."""
    from training.latent.config import read_latent_config

    config = read_latent_config(args.config)
    from training.latent.run import train
    from training.train.sources import open_source

    try:
        with closing(open_source(args.data, "train", config.image_size, config)) as source:
            train(config, source, run_options(args))
    except TrainingError as error:
        print(f"mdsm-train-latent: error: {error}; what was saved before is kept in {args.out}", file=sys.stderr)
        return FAILED
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of ``mdsm-train-latent``."""
    return run_command("mdsm-train-latent", "training.latent.command", argv)


if __name__ == "__main__":
    raise SystemExit(main())
