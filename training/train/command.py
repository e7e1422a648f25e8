"""``mdsm-train``: trains both stages of a model on a dataset.

Stage 1 learns the intermediate mask; stage 2 learns to refine it while stage 1 is frozen (MDSM, arXiv 2307.08597).
Where the configuration has ``distill``, the refiner then learns to give in one step what it gave in several.
The output folder holds ``stage1.pt``, ``stage2.pt`` and ``distill.pt`` (checkpoints to resume from), ``tensorboard/``
and, at the end of each stage, ``model/`` (config.json, model.safetensors, tokenizer). With ``public: NAME`` in the
configuration, the decoder of a public model is trained instead, in one stage.

A step whose gradient is not finite is skipped. If that happens several times in a row, or right before a checkpoint,
training ends with exit code 1 and keeps its last good checkpoint. Exit code 2 stands for errors that you can correct.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mdsm_ros.arguments import count
from mdsm_ros.commands.runner import run_command
from mdsm_ros.errors import TrainingError
from training.train.options import CHECKPOINTS, SOURCES, RunOptions, add_run_arguments, run_options

FAILED = 1  # exit code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--config", type=Path, required=True, help="YAML file, see config/train/")
    parser.add_argument("--data", required=True, help=f"source of the train split: {SOURCES}")
    parser.add_argument("--val-data", type=Path, help="dataset folder to validate on")
    parser.add_argument(
        "--limit", type=count, metavar="N", help="train on the first N instructions of the train split alone"
    )
    parser.add_argument(
        "--stage",
        choices=("1", "2", "distill", "all"),
        default="all",
        help="1 ends after stage 1; 2 and distill run this stage alone, on the model that start_from names",
    )
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Trains a model, or resumes training."""
    from training.train.public.config import PublicTrainConfig, read_any_config

    config = read_any_config(args.config)
    options = _options(args)
    try:
        if isinstance(config, PublicTrainConfig):
            from training.train.public.run import train_public

            train_public(config, args.data, options)
        else:
            from training.train.run import run_training

            run_training(config, args.data, options)
    except TrainingError as error:
        print(f"mdsm-train: error: {error}; {_kept(args.out)}", file=sys.stderr)
        return FAILED
    return 0


def _options(args: argparse.Namespace) -> RunOptions:
    return run_options(args, stage=args.stage, limit=args.limit)


def _kept(out: Path) -> str:
    """The state left by a failed training run."""
    names = [name for name in CHECKPOINTS if (out / name).exists()]
    return f"the last good checkpoint, {out / names[-1]}, is kept" if names else "there is no checkpoint yet"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of ``mdsm-train``."""
    return run_command("mdsm-train", "training.train.command", argv)


if __name__ == "__main__":
    raise SystemExit(main())
