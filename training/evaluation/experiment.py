"""Comparison of trained variants: each one from each seed, on the same instructions; a table and a plot.

Finished parts are kept, so that a run resumes after a kill or a time limit.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from mdsm_ros.arguments import count, natural
from mdsm_ros.checkpoints.pretrained import save_untrained
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.metrics import Figures
from mdsm_ros.extras import require
from mdsm_ros.files import write_json, write_text
from mdsm_ros.inference.answer import STAGES
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.segmenter import Segmenter
from training.drawn.grounding_eval import harmonic_mean
from training.evaluation.analysis import summarize_answers
from training.evaluation.evaluate import evaluate
from training.evaluation.memory import answer_memory
from training.evaluation.overrides import overridden
from training.parts import config_options, expect_same, store_options
from training.train.config import TrainConfig
from training.train.options import CHECKPOINTS, SOURCES, RunOptions

MEMORY = "memory (MiB)"  # for an answer, see training.evaluation.memory
METRICS = ("mIoU", "oIoU", "P@0.5", "P@0.7", "P@0.9", "no-target accuracy", "p50 seconds", MEMORY)
ZERO_SHOT = {"seen", "unseen"}  # splits whose harmonic mean is a row
PLOTTED = ("mIoU", "P@0.5")
SETTINGS = {field.name for field in dataclasses.fields(InferenceSettings)}
RESULT_FILE = "metrics.json"
CONFIG_FILE = "config.yaml"


@dataclass(frozen=True)
class Variant:
    """A model to train, and its rows in the table.

    Attributes:
        change: Function that makes its configuration from its base.
        rows: Changed inference settings, and fields of the model's configuration, by the name of the row.
        base: Name of the experiment's configuration that it changes.
        trained: Whether the model is trained; False evaluates its checkpoint.
        stage1_of: Name of the variant whose trained stage 1 it takes over if that is there already; None for none. Both
            must train stage 1 in the same way.
    """

    change: Callable[[TrainConfig], TrainConfig]
    rows: Mapping[str, Mapping[str, Any]]
    base: str = "mdsm"
    trained: bool = True
    stage1_of: str | None = None


@dataclass(frozen=True)
class ExperimentOptions:
    """Options of an experiment.

    Attributes:
        data: Source of the train split, see :data:`training.train.sources.SOURCES`.
        test_data: Folder of the dataset to compare on.
        out: Folder for runs, table and plot.
        variants: Names of the variants to train and evaluate.
        seeds: Seeds that each variant is trained from.
        split: Splits of ``test_data``; the rows of several have their names.
        limit: Number of instructions; None for all.
        train_limit: Number of first instructions of the train split; None for all.
        max_seconds: Time limit in seconds, after which the run ends; None for no limit.
        device: "auto" or "cpu".
    """

    data: str
    test_data: Path
    out: Path
    variants: Sequence[str]
    seeds: Sequence[int] = (0, 1, 2)
    split: Sequence[str] = ("test",)
    limit: int | None = None
    train_limit: int | None = None
    max_seconds: float | None = None
    device: Literal["auto", "cpu"] = "auto"


INITIAL: Mapping[str, Any] = {"num_inference_steps": 0}  # the mask before refinement


class OutOfTimeError(Exception):
    """The time limit of --max-seconds was reached; finished parts are kept."""


def _made_with(config: TrainConfig, options: ExperimentOptions) -> dict[str, Any]:
    """What decides a part's figures."""
    # an address, or homes:SPLIT, is no path
    data = Path(options.data).resolve() if Path(options.data).exists() else options.data
    given: dict[str, Any] = {"data": data, "test_data": options.test_data.resolve(), "split": list(options.split)}
    given |= {"limit": options.limit, "train_limit": options.train_limit}
    return given | config_options(dataclasses.asdict(config))


def run_variant(
    variant: Variant,
    seed: int,
    config: TrainConfig,
    folder: Path,
    options: ExperimentOptions,
    deadline: float | None,
) -> None:
    """Trains and evaluates one variant from one seed, or resumes it; writes its metrics to a file.

    Raises:
        ConfigError, DatasetError, WeightsError: The training cannot run as configured.
        OutOfTimeError: The deadline was reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = dataclasses.replace(variant.change(config), seed=seed)
    # as YAML, so that it can be read and run again by itself
    write_text(folder / CONFIG_FILE, yaml.safe_dump(json.loads(json.dumps(dataclasses.asdict(changed)))))
    if variant.trained:
        if variant.stage1_of is not None:
            _take_stage_one(options.out / variant.stage1_of / folder.name, folder)
        _train(changed, folder, options, deadline)
    else:
        save_untrained(changed.model_config(), folder / "model")
    data = Dataset(options.test_data)
    figures: dict[str, Figures] = {}
    trained = Segmenter.from_pretrained(folder / "model", device=options.device)
    for row, changes in variant.rows.items():
        of_answer = {name: value for name, value in changes.items() if name in SETTINGS}
        settings = trained.defaults.updated(**of_answer)
        of_model = {name: value for name, value in changes.items() if name not in SETTINGS}
        segmenter = overridden(trained, of_model)
        memory = answer_memory(segmenter, settings)
        for split in options.split:
            name = row if len(options.split) == 1 else f"{row}, {split}"
            chosen = data.split(split)[: options.limit]
            summary = summarize_answers(evaluate(segmenter, data, chosen, settings, f"{name}, seed {seed}"))
            last = next(stage for stage in reversed(STAGES) if stage in summary)
            figures[name] = summary[last] | {MEMORY: memory}
        if set(options.split) == ZERO_SHOT:
            seen, unseen = (figures[f"{row}, {split}"].get("mIoU", 0.0) for split in ("seen", "unseen"))
            figures[f"{row}, harmonic mean"] = {"mIoU": harmonic_mean(seen, unseen)}
    write_json(folder / RESULT_FILE, figures)


def _take_stage_one(source: Path, folder: Path) -> None:
    """Copies the finished stage 1 and the tokenizer of another variant with the same seed, unless there is one."""
    checkpoint, tokenizer = CHECKPOINTS[0], "tokenizer"
    if (source / RESULT_FILE).exists() and (source / checkpoint).exists() and not (folder / checkpoint).exists():
        if (source / tokenizer).is_dir():
            shutil.copytree(source / tokenizer, folder / tokenizer, dirs_exist_ok=True)
        shutil.copy(source / checkpoint, folder / f"{checkpoint}.partial")
        (folder / f"{checkpoint}.partial").replace(folder / checkpoint)


def _train(config: TrainConfig, folder: Path, options: ExperimentOptions, deadline: float | None) -> None:
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left < 0:
        raise OutOfTimeError
    run_options = RunOptions(folder, resume=True, max_seconds=left, device=options.device, limit=options.train_limit)
    from training.train.run import run_training

    if not run_training(config, options.data, run_options):
        raise OutOfTimeError


def collect(out: Path, variants: Sequence[str], seeds: Sequence[int]) -> dict[str, dict[int, Figures]]:
    """The existing metrics by row and seed, in the order of the table."""
    result: dict[str, dict[int, Figures]] = {}
    for name in variants:
        for seed in seeds:
            path = out / name / f"seed{seed}" / RESULT_FILE
            if path.exists():
                for row, figures in json.loads(path.read_text(encoding="utf-8")).items():
                    result.setdefault(row, {})[seed] = figures
    return result


def table(results: Mapping[str, Mapping[int, Figures]]) -> str:
    """A Markdown table: mean and sample standard deviation over the seeds."""
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
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(PLOTTED), figsize=(11, 1 + 0.35 * len(results)), sharey=True, layout="constrained"
    )
    for axis, metric in zip(axes, PLOTTED, strict=True):
        values = [
            [figures[metric] for figures in of_seed.values() if metric in figures] for of_seed in results.values()
        ]
        axis.barh(list(results), [float(np.mean(v)) if v else 0.0 for v in values], color="0.8")
        for height, found in enumerate(values):
            axis.plot(found, [height] * len(found), "o", color="C0", markersize=4)
        axis.set_xlabel(metric)
    axes[0].invert_yaxis()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def add_arguments(parser: argparse.ArgumentParser, variants: Collection[str]) -> None:
    """Declares the options common to all experiments.

    Args:
        parser: Parser of the command.
        variants: Names of the variants; if none are chosen, ``args.variants`` is None, and the command chooses.
    """
    parser.add_argument("--data", required=True, help=f"source of the train split: {SOURCES}")
    parser.add_argument("--test-data", type=Path, required=True, help="dataset folder with the split to compare on")
    parser.add_argument(
        "--split", nargs="+", default=["test"], help="split to compare on; several, such as seen unseen, for a row each"
    )
    parser.add_argument("--limit", type=count, help="use only the first N instructions")
    parser.add_argument("--train-limit", type=count, help="train on the first N instructions alone")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs, table and plot")
    parser.add_argument("--seeds", type=natural, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--variants", nargs="+", choices=variants, metavar="NAME", help=f"some of {', '.join(variants)}"
    )
    parser.add_argument("--max-seconds", type=float, help="time limit in seconds; run again to resume")
    parser.add_argument("--device", choices=("auto", "cpu"), default="auto")


def options_of(args: argparse.Namespace) -> ExperimentOptions:
    """The options from the command line, see :func:`add_arguments`."""
    names = [field.name for field in dataclasses.fields(ExperimentOptions)]
    return ExperimentOptions(**{name: getattr(args, name) for name in names})


def run(
    prog: str,
    variants: Mapping[str, Variant],
    configs: Mapping[str, TrainConfig],
    options: ExperimentOptions,
) -> None:
    """Trains and evaluates all unfinished variants; writes table.md, plot.png and results.json.

    Args:
        prog: Name of the command in messages.
        variants: Variants by the names of their folders.
        configs: Configuration of every base.
        options: Options of the experiment.

    Raises:
        CommandError: A part in ``options.out`` was made with other options.
        ConfigError, DatasetError, WeightsError: A configuration, the data or a checkpoint cannot be used.
    """
    deadline = None if options.max_seconds is None else time.monotonic() + options.max_seconds
    complete = True
    require("accelerate", "matplotlib", purpose=prog)
    parts = {
        options.out / name / f"seed{seed}": (variants[name], seed)
        for seed in options.seeds
        for name in options.variants
        if variants[name].trained or seed == options.seeds[0]  # untrained variants have no other seeds
    }
    made_with = {
        folder: _made_with(variant.change(configs[variant.base]), options) for folder, (variant, _) in parts.items()
    }
    for folder in parts:  # all of them before hours are spent on one
        expect_same(folder, made_with[folder])
    try:
        for folder, (variant, seed) in parts.items():
            if not (folder / RESULT_FILE).exists():
                store_options(folder, made_with[folder])
                run_variant(variant, seed, configs[variant.base], folder, options, deadline)
    except OutOfTimeError:
        complete = False
    results = collect(options.out, options.variants, options.seeds)
    if results:
        text = table(results)
        write_text(options.out / "table.md", text + "\n")
        write_json(options.out / "results.json", results)
        plot(results, options.out / "plot.png")
        print(text)
    if not complete:
        print(f"{prog}: time limit reached; run again to resume", file=sys.stderr)
