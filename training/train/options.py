"""Options of a training run, beside its configuration."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mdsm_ros.errors import CommandError

VAL_SPLIT = "val"
CHECKPOINTS = ("stage1.pt", "stage2.pt", "distill.pt")
Stage = Literal["all", "1", "2", "distill"]
SOURCES = "a dataset's folder, a folder or http(s) address of shards (with index.json), or homes:SPLIT"


@dataclass(frozen=True)
class RunOptions:
    """Options of a training run.

    Attributes:
        out: Folder for checkpoints, logs and the model.
        val_data: Folder of the dataset to validate on; None for no validation, or for the training data.
        val_split: Split of ``val_data``.
        resume: Whether to resume from the checkpoints in ``out``; otherwise they are removed.
        max_seconds: Time limit in seconds, after which the run ends with a checkpoint; None for no limit.
        device: "auto", "cpu", "cuda" or "cuda:N".
        stage: Stages to run: "all"; "1"; "2" or "distill", for which the result of the stages before is the model of
            ``start_from``.
        limit: Number of first instructions of the train split; None for all.
    """

    out: Path
    val_data: Path | None = None
    val_split: str = VAL_SPLIT
    resume: bool = False
    max_seconds: float | None = None
    device: str = "auto"
    stage: Stage = "all"
    limit: int | None = None


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line options of every training."""
    parser.add_argument("--val-split", help=f"split of --val-data (default: {VAL_SPLIT})")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, logs and the model")
    parser.add_argument("--resume", action="store_true", help="resume from the checkpoints in --out")
    parser.add_argument(
        "--max-seconds", type=float, help="time limit in seconds, after which the run ends with a checkpoint"
    )
    parser.add_argument("--device", choices=("auto", "cpu"), default="auto")


def run_options(args: argparse.Namespace, *, stage: Stage = "all", limit: int | None = None) -> RunOptions:
    """The options from the command line; ``--val-data`` is declared by each command.

    Raises:
        CommandError: A split to validate on is given without data.
    """
    if args.val_split is not None and args.val_data is None:
        raise CommandError(f"--val-split is {args.val_split!r}, expected --val-data beside it")
    return RunOptions(
        args.out,
        args.val_data,
        args.val_split or VAL_SPLIT,
        args.resume,
        args.max_seconds,
        args.device,
        stage,
        limit,
    )
