"""Trains a public model's decoder, and writes the model as a folder."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import cast

import torch
from accelerate.utils import set_seed

from mdsm_ros.checkpoints.pretrained import load_model
from mdsm_ros.errors import CommandError, ConfigError, StorageError
from mdsm_ros.files import whole_folder, write_json
from mdsm_ros.hub.folder import CONFIG_FILE, give_usual_mode, resolve_folder
from mdsm_ros.models.config import PublicConfig
from mdsm_ros.models.interface import TunableModel
from training.datasets.dataset import InstructionDataset
from training.device import open_accelerator
from training.train.loop import train_stage
from training.train.options import CHECKPOINTS, RunOptions
from training.train.public.config import PublicTrainConfig
from training.train.public.features import cache_public_features
from training.train.public.stage import PublicStage
from training.train.sources import FolderSource, Source, open_source

WEIGHT_ENDINGS = (".safetensors", ".bin", ".pt", ".pth", ".index.json")
NETWORK = "network"  # folder of the trained network in a model's folder


def train_public(config: PublicTrainConfig, data: str, options: RunOptions) -> bool:
    """Trains a decoder on a dataset; returns True if the last step was reached.

    Raises:
        CommandError: An option is given that has no effect here.
        ConfigError: The data are not a folder: features are cached beside them.
        WeightsError: The model cannot be loaded, or has no decoder that can be trained.
        DatasetError: The data cannot be read.
        TrainingError: The loss or the weights are no longer finite.
        StorageError: The disk is full, or the folder cannot be written.
    """
    _expect_no_other(options)
    set_seed(config.seed)
    side = config.side  # checks the model before it is loaded
    model = load_model(config.public)
    assert isinstance(model, TunableModel)  # its configuration says so
    with closing(open_source(data, "train", side, config, limit=options.limit)) as source:
        if not isinstance(source, FolderSource):
            raise ConfigError(f"data is {data!r}, expected a dataset's folder, in which features can be cached")
        return _train(model, config, source, source.first(), options)


def _expect_no_other(options: RunOptions) -> None:
    """Refuses options of trainings with validation, or with more than one stage.

    Raises:
        CommandError: One of them is given.
    """
    if options.val_data is not None:
        raise CommandError(
            f"--val-data is {options.val_data}, expected none: there is no validation of a public model during its "
            "training; mdsm-evaluate measures the result"
        )
    if options.stage != "all":
        raise CommandError(f"--stage is {options.stage}, expected none: a public model is trained in one stage")


def _train(
    model: TunableModel, config: PublicTrainConfig, source: Source, data: InstructionDataset, options: RunOptions
) -> bool:
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    if not options.resume:
        for name in CHECKPOINTS:
            (out / name).unlink(missing_ok=True)
    deadline = None if options.max_seconds is None else time.monotonic() + options.max_seconds
    accelerator = open_accelerator(options.device, config.mixed_precision)
    print(f"{config.public} on {accelerator.device}, precision {config.mixed_precision}", file=sys.stderr)
    _freeze(model)
    model.eval().to(accelerator.device)  # as at inference, without dropout
    data.features = cache_public_features(model, data)
    outcome = train_stage(
        PublicStage(model, config),
        source,
        config.stage1,
        config,
        accelerator,
        out / CHECKPOINTS[0],
        validate=None,
        deadline=deadline,
    )
    if accelerator.is_main_process:
        save_public(model, out / "model")
    if not outcome.finished:
        print(f"stopped at step {outcome.step} of {config.stage1.steps}; resume with --resume", file=sys.stderr)
    return outcome.finished


def _freeze(model: TunableModel) -> None:
    cast(torch.nn.Module, model).requires_grad_(False)
    for parameter in model.tuned_parameters:
        parameter.requires_grad_(True)


def save_public(model: TunableModel, folder: Path) -> None:
    """Writes a model folder for ``model:=``: the trained network, and hub ids of what did not change.

    Raises:
        WeightsError: A checkpoint of the model cannot be found.
        StorageError: The disk is full, or the folder cannot be written.
    """
    config = cast(PublicConfig, model.config)
    try:
        with whole_folder(folder) as partial:
            source, revision = config.sources[model.tuned_field]
            _copy_processors(resolve_folder(source, revision=revision), partial / NETWORK)
            model.tuned_network.save_pretrained(partial / NETWORK)
            give_usual_mode(partial / NETWORK)
            values = config.to_dict() | {model.tuned_field: NETWORK, config.weights[model.tuned_field]: None}
            for name, (other, _) in config.sources.items():
                if name != model.tuned_field and Path(other).is_dir():  # not on the hub
                    shutil.copytree(other, partial / name)
                    values[name] = name
            write_json(partial / CONFIG_FILE, values, indent=2)
    except OSError as error:
        raise StorageError(f"model folder {folder} cannot be written: {error}") from error


def _copy_processors(source: Path, target: Path) -> None:
    """Copies what belongs to a checkpoint beside its weights: tokenizer, statistics of the pixels, licence."""
    target.mkdir()
    for path in source.iterdir():
        if path.is_file() and not path.name.endswith(WEIGHT_ENDINGS) and path.name != CONFIG_FILE:
            shutil.copyfile(path, target / path.name)
