"""Trains and calibrates the new model."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mdsm_ros.checkpoints.pretrained import model_folder, read_config
from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.errors import ConfigError, StorageError
from mdsm_ros.files import short_hash, whole_folder, write_json, write_text
from mdsm_ros.hub.folder import CONFIG_FILE
from mdsm_ros.models.config import MDSMConfig, ModelConfig
from mdsm_ros.models.families import presets
from mdsm_ros.segmenter import Segmenter
from training.average import average
from training.evaluation.calibrate import best_threshold, curve
from training.evaluation.evaluate import evaluate
from training.learn.data import LAB, REHEARSAL, TRAIN
from training.train.config import TrainConfig
from training.train.config import read_config as read_training
from training.train.public.config import PublicTrainConfig, is_public, public_config, read_any_config

CONFIG_FOLDER = "config/train"
OWN_CONFIG, PUBLIC_CONFIG = "mdsm-lab.yaml", "public-lab.yaml"
PACKAGE = "mdsm_ros"
KEY_FILE = "made-from"
BFLOAT16 = ("avx512_bf16", "amx_bf16")  # flags of CPUs with bfloat16 arithmetic
FEATURE_BYTES = 400_000  # features of an image of 320 pixels, rounded up
CHECKPOINT_BYTES = 24  # per byte of half-precision weights: two checkpoints with Adam's moments and the average
LEAST_CALIBRATED = 30  # instructions
# Shares of the trained weights in the average with the old ones, by the part of the model. The fusion with language
# (PWAM) gains nothing in a room, and what photographs lose lies in it and in the text maps: docs/your-lab.md.
NEW_SHARE = 0.75
PART_SHARES = {"intermediate.pwam": 0.0, "intermediate.text_maps": 0.55, "refiner": 1.0}
LearnConfig = TrainConfig | PublicTrainConfig
MOST_ASKED = 150  # instructions of each dataset on which a model is evaluated


def _default_config(name: str) -> Path:
    """Returns a training configuration of this package.

    Raises:
        ConfigError: The installed package does not contain it.
    """
    source = Path(__file__).resolve().parents[2]
    prefixes = [sys.prefix, *os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)]
    places = [source, *(Path(prefix) / "share" / PACKAGE for prefix in prefixes if prefix)]
    for place in places:
        if (place / CONFIG_FOLDER / name).is_file():
            return place / CONFIG_FOLDER / name
    raise ConfigError(f"{name} is in none of {', '.join(map(str, places))}, expected it; name one with --config")


def training_config(path: Path | None, model: str, seed: int | None, device: str) -> LearnConfig:
    """Builds the configuration of a training that starts from a model.

    Args:
        path: Training configuration; its model settings are replaced by those of ``model``, its preset only if it does
            not fit. None: the package's own.
        model: Name, folder or hub id of the model to start from.
        seed: Seed of the training; None: that of the configuration.
        device: "auto", "cpu" or a GPU.

    Raises:
        ConfigError: The configuration cannot be used for this model.
        WeightsError: The model cannot be found.
    """
    if not is_public(model):
        return _own_config(path or _default_config(OWN_CONFIG), model, seed, device)
    path = path or _default_config(PUBLIC_CONFIG)
    config = read_any_config(path)
    if not isinstance(config, PublicTrainConfig):
        raise ConfigError(f"{path} is for models that this package trains, expected one with 'public' for {model}")
    public_config(model)  # raises for models that cannot be trained
    precision = _precision(config.mixed_precision, device)
    seed = config.seed if seed is None else seed
    return replace(config, public=model, seed=seed, mixed_precision=precision)


def _own_config(path: Path, model: str, seed: int | None, device: str) -> TrainConfig:
    config = read_training(path)
    own = read_config(model_folder(model))
    same = [name for name, preset in presets().items() if preset.model_type == own.model_type]
    preset = config.preset if config.preset in same else same[0]
    fields: dict[str, Any] = own.to_dict() | _frozen(own, config)
    return replace(
        config,
        preset=preset,
        model=fields,
        start_from=model,
        seed=config.seed if seed is None else seed,
        stage2=config.stage2 if own.num_inference_steps else None,
        mixed_precision=_precision(config.mixed_precision, device),
    )


def _frozen(model: ModelConfig, config: TrainConfig) -> dict[str, bool]:
    """Returns fields that freeze the encoders if their features are cached."""
    if not config.feature_cache or not isinstance(model, MDSMConfig):
        return {}
    return {"freeze_clip": True, "freeze_efficientnet": True}


def _precision(wanted: str, device: str) -> str:
    """Chooses bf16 only where it makes steps shorter."""
    import torch

    if wanted != "bf16" or (device != "cpu" and torch.cuda.is_available()):
        return wanted
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "no"
    return wanted if any(flag in flags for flag in BFLOAT16) else "no"


def side_of(config: LearnConfig) -> int:
    """Returns the side of the square that images are resized to, pixels."""
    return config.side if isinstance(config, PublicTrainConfig) else config.model_config().image_size


def train_model(folder: Path, data: Path, config: LearnConfig, device: str) -> dict[str, Any]:
    """Trains, or resumes an interrupted training; the same data and configuration give the same weights.

    Args:
        folder: Folder for checkpoints and the model.
        data: Folder of the datasets.
        config: Training configuration.
        device: "auto", "cpu", "cuda" or "cuda:N".

    Returns:
        Number of steps in each stage.

    Raises:
        TrainingError: The loss or the weights are no longer finite.
        StorageError: The disk is full, or has too little space at the beginning.
    """
    from training.train.options import RunOptions

    key = short_hash(repr(config) + (data / TRAIN / "annotations.json").read_text(encoding="utf-8"))
    path = folder / KEY_FILE
    if not path.exists() or path.read_text(encoding="utf-8") != key:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_text(path, key)
    options = RunOptions(out=folder, resume=True, device=device)
    if isinstance(config, PublicTrainConfig):
        from training.train.public.run import train_public

        train_public(config, str(data / TRAIN), options)
        return {"steps": config.stage1.steps}
    from training.train.run import run_training

    _expect_room(folder, data / TRAIN, config)
    run_training(config, str(data / TRAIN), options)
    steps = {"stage 1 steps": config.stage1.steps}
    return steps | ({} if config.stage2 is None else {"stage 2 steps": config.stage2.steps})


def _expect_room(folder: Path, data: Path, config: TrainConfig) -> None:
    """Checks the disk space for cached features and checkpoints, before hours are spent on them.

    Raises:
        StorageError: The disk has too little space.
    """
    assert config.start_from is not None
    weights = sum(path.stat().st_size for path in model_folder(config.start_from).glob("*.safetensors"))
    needed = CHECKPOINT_BYTES * weights + (FEATURE_BYTES * len(Dataset(data).images) if config.feature_cache else 0)
    free = shutil.disk_usage(folder).free
    if free < needed and not (data / "features").exists():
        raise StorageError(
            f"the disk of {folder} has {free / 1e6:.0f} MB free, expected at least {needed / 1e6:.0f} MB for features "
            "and checkpoints"
        )


def average_with_old(folder: Path, trained: Path, model: str) -> Path:
    """Averages the trained weights with those that they were trained from, which keeps more of what the model knew.

    Args:
        folder: Folder of the average.
        trained: Folder of the trained model.
        model: Name, folder or hub id of the model that it was trained from.

    Returns:
        The folder of the average; of public models, only whose decoder is trained, ``trained`` itself.

    Raises:
        WeightsError: A model cannot be read.
        OSError: The folder cannot be written.
    """
    if is_public(model):
        return trained
    average(model_folder(model), trained, folder, NEW_SHARE, PART_SHARES)
    return folder


def calibrate_model(folder: Path, trained: Path, data: Path, device: str) -> dict[str, Any]:
    """Writes the new model with the ``present_threshold`` of the best gIoU on validation data.

    Args:
        folder: Folder of the new model, written completely or not at all.
        trained: Folder of the trained model.
        data: Folder of the datasets.
        device: Device of the model.

    Returns:
        The threshold and the number of instructions used to choose it; with too few, it is unchanged.

    Raises:
        WeightsError: The trained model is damaged.
        OSError: The folder cannot be written.
    """
    config = json.loads((trained / CONFIG_FILE).read_text(encoding="utf-8"))
    parts = [(found, _validation(found)) for found in (Dataset(data / LAB), Dataset(data / REHEARSAL))]
    number = sum(len(instructions) for _, instructions in parts)
    threshold = config["present_threshold"]
    if number >= LEAST_CALIBRATED:
        segmenter = Segmenter.from_pretrained(trained, device=device, local_files_only=True)
        settings = replace(segmenter.defaults, present_threshold=0.0)
        answers = [a for found, chosen in parts for a in evaluate(segmenter, found, chosen, settings, "calibrating")]
        threshold = best_threshold(curve(answers), threshold)
    with whole_folder(folder) as partial:
        shutil.copytree(trained, partial, dirs_exist_ok=True)
        write_json(partial / CONFIG_FILE, config | {"present_threshold": threshold}, indent=2)
    return {"present_threshold": threshold, "instructions": number}


def some(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Returns at most :data:`MOST_ASKED` instructions, evenly spaced from first to last."""
    step = -(-len(instructions) // MOST_ASKED) or 1
    return list(instructions[::step])


def _validation(data: Dataset) -> list[Instruction]:
    return some([instruction for instruction in data.instructions if instruction.split == "val"])
