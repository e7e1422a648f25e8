"""Trainings that are compared: each variant from each seed, asked the same instructions; a table and a plot.

What is finished is kept, so that a run goes on after a kill or after its time was over.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import yaml

from mdsm_ros.checkpoints.pretrained import save_untrained
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import ConfigError, MdsmError
from mdsm_ros.files import write_json
from mdsm_ros.segmenter import Segmenter
from training.evaluation.analysis import STAGES, Figures, summarize_answers
from training.evaluation.evaluate import evaluate
from training.train import run as train
from training.train.config import TrainConfig

METRICS = ("mIoU", "oIoU", "P@0.5", "P@0.7", "P@0.9", "no-target accuracy", "p50 seconds")
PLOTTED = ("mIoU", "P@0.5")
RESULT_FILE = "metrics.json"


@dataclass(frozen=True)
class Asking:
    """A way to ask a trained model.

    Attributes:
        steps: of refinement; None: the model's.
        samples: refinements whose mean is the answer.
    """

    steps: int | None = None
    samples: int = 1


@dataclass(frozen=True)
class Variant:
    """A model to train, and the rows of the table that it gives.

    Attributes:
        change: makes its configuration from that of its base.
        rows: how it is asked, by the row's name.
        base: which of the experiment's configurations it changes.
        trained: False asks the model as its checkpoint has it.
    """

    change: Callable[[TrainConfig], TrainConfig]
    rows: Mapping[str, Asking]
    base: str = "mdsm"
    trained: bool = True


INITIAL = Asking(steps=0)


class OutOfTimeError(Exception):
    """--max-seconds are over; what is finished is kept."""


def run_variant(
    variant: Variant, seed: int, config: TrainConfig, folder: Path, args: argparse.Namespace, deadline: float | None
) -> None:
    """Trains and asks one variant from one seed, or goes on with that; its figures go to a file.

    Raises:
        ConfigError: the training failed.
        OutOfTimeError: the deadline came first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = dataclasses.replace(variant.change(config), seed=seed)
    # as YAML, so that it can be read and run again by itself
    (folder / "config.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(dataclasses.asdict(changed)))))
    if variant.trained:
        _train(changed, folder, args, deadline)
    else:
        save_untrained(changed.model_config(), folder / "model")
    data = Dataset(args.test_data)
    instructions = data.split(args.split)[: args.limit]
    figures = {}
    for row, asking in variant.rows.items():
        segmenter = Segmenter.from_pretrained(folder / "model", device=args.device)
        segmenter.name, segmenter.num_samples = f"{row}, seed {seed}", asking.samples
        if asking.steps is not None:
            segmenter.num_inference_steps = asking.steps
        summary = summarize_answers(evaluate(segmenter, data, instructions))
        figures[row] = summary[next(stage for stage in reversed(STAGES) if stage in summary)]
    write_json(folder / RESULT_FILE, figures)


def _train(config: TrainConfig, folder: Path, args: argparse.Namespace, deadline: float | None) -> None:
    options = ["--resume", "--device", args.device]
    if deadline is not None:
        if time.monotonic() > deadline:
            raise OutOfTimeError
        options += ["--max-seconds", str(deadline - time.monotonic())]
    paths = ["--config", folder / "config.yaml", "--data", args.data, "--out", folder]
    if train.main([*map(str, paths), *options]):
        raise ConfigError(f"the training in {folder} failed, see above")
    last = "stage1.pt" if config.stage2 is None else "stage2.pt"
    if not _finished(folder / last, config):
        raise OutOfTimeError


def _finished(checkpoint: Path, config: TrainConfig) -> bool:
    import torch

    stage = config.stage1 if config.stage2 is None else config.stage2
    return checkpoint.exists() and torch.load(checkpoint, weights_only=True)["step"] >= stage.steps


def collect(out: Path, variants: Sequence[str], seeds: Sequence[int]) -> dict[str, dict[int, Figures]]:
    """The figures that are there, by row and seed, in the order of the table."""
    result: dict[str, dict[int, Figures]] = {}
    for name in variants:
        for seed in seeds:
            path = out / name / f"seed{seed}" / RESULT_FILE
            if path.exists():
                for row, figures in json.loads(path.read_text(encoding="utf-8")).items():
                    result.setdefault(row, {})[seed] = figures
    return result


def table(results: Mapping[str, Mapping[int, Figures]]) -> str:
    """Markdown: mean and sample standard deviation over the seeds."""
    lines = ["| variant | seeds | " + " | ".join(METRICS) + " |", "|---" * (len(METRICS) + 2) + "|"]
    for row, of_seed in results.items():
        cells = []
        for metric in METRICS:
            values = [figures[metric] for figures in of_seed.values() if metric in figures]
            spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.3f}{spread}" if values else "")
        lines.append(f"| {row} | {len(of_seed)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(results: Mapping[str, Mapping[int, Figures]], path: Path) -> None:
    """Bars of the means with a dot for each seed."""
    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(PLOTTED), figsize=(11, 1 + 0.35 * len(results)), sharey=True, layout="constrained"
    )
    for axis, metric in zip(axes, PLOTTED, strict=True):
        values = [[figures[metric] for figures in of_seed.values()] for of_seed in results.values()]
        axis.barh(list(results), [float(np.mean(v)) for v in values], color="0.8")
        for height, found in enumerate(values):
            axis.plot(found, [height] * len(found), "o", color="C0", markersize=4)
        axis.set_xlabel(metric)
    axes[0].invert_yaxis()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def add_arguments(parser: argparse.ArgumentParser, variants: Mapping[str, Variant]) -> None:
    """Declares what all experiments are told."""
    parser.add_argument("--data", required=True, help=f"where the train split is: {train.SOURCES}")
    parser.add_argument("--test-data", type=Path, required=True, help="dataset folder with the split to compare on")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, help="the first so many instructions")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs, table and plot")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--variants",
        nargs="+",
        choices=variants,
        default=list(variants),
        metavar="NAME",
        help=f"some of {', '.join(variants)}",
    )
    parser.add_argument("--max-seconds", type=float, help="end after so many seconds; running again goes on")
    parser.add_argument("--device", choices=("auto", "cpu"), default="auto")


def run(
    prog: str,
    variants: Mapping[str, Variant],
    read_configs: Callable[[], Mapping[str, TrainConfig]],
    args: argparse.Namespace,
) -> int:
    """Trains and asks what is not finished yet; leaves table.md, plot.png and results.json; returns the exit code.

    Args:
        prog: name of the command, for its messages.
        variants: by the name of their folders.
        read_configs: gives the configuration of every base; it may raise ConfigError.
        args: of :func:`add_arguments`.
    """
    deadline = None if args.max_seconds is None else time.monotonic() + args.max_seconds
    complete = True
    try:
        configs = read_configs()
        for seed in args.seeds:
            for name in args.variants:
                folder, variant = args.out / name / f"seed{seed}", variants[name]
                wanted = variant.trained or seed == args.seeds[0]  # what is not trained has no other seeds
                if wanted and not (folder / RESULT_FILE).exists():
                    run_variant(variant, seed, configs[variant.base], folder, args, deadline)
    except OutOfTimeError:
        complete = False
    except (MdsmError, OSError) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    results = collect(args.out, args.variants, args.seeds)
    if results:
        text = table(results)
        (args.out / "table.md").write_text(text + "\n", encoding="utf-8")
        write_json(args.out / "results.json", results)
        plot(results, args.out / "plot.png")
        print(text)
    if not complete:
        print(f"{prog}: the time is over; run again to go on", file=sys.stderr)
    return 0
