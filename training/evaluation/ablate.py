"""``mdsm-ablate``: trains MDSM, its parts left out one by one, and LAVT, with equal budgets, and compares them.

Every variant is trained from each seed and evaluated on the same instructions. All have the same number of optimiser
steps: variants without refinement spend its steps on stage 1. Refinement steps, samples, start timestep and sampler
are varied on the trained MDSM. With a configuration of Grounded Diffusion, the variants are its features, timesteps,
numbers of categories and queries. Finished parts are kept, so the command resumes after a kill or after --max-seconds.
It writes table.md, plot.png and results.json to --out.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mdsm_ros.commands.runner import run_command
from mdsm_ros.errors import CommandError, ConfigError
from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.families import find_family, presets
from training.evaluation import experiment, grounded
from training.evaluation.experiment import INITIAL, Variant
from training.train.config import TrainConfig, read_config


def one_stage(config: TrainConfig) -> TrainConfig:
    """Moves the steps of refinement to stage 1."""
    extra = config.stage2.steps if config.stage2 else 0
    stage1 = dataclasses.replace(config.stage1, steps=config.stage1.steps + extra)
    return dataclasses.replace(config, stage1=stage1, stage2=None)


def lavt(config: TrainConfig, max_tokens: int) -> TrainConfig:
    """Replaces MDSM by LAVT."""
    known = {field.name for field in dataclasses.fields(find_family("lavt").config_type)}
    model = {key: value for key, value in config.model.items() if key in known - {"num_inference_steps"}}
    preset = config.preset.replace("mdsm", "lavt")
    # both at once: the preset must have no stage 2
    return dataclasses.replace(one_stage(config), preset=preset, model=model | {"max_tokens": max_tokens})


def _model(config: TrainConfig, **fields: Any) -> TrainConfig:
    return dataclasses.replace(config, model=config.model | fields)


def _without_dice(config: TrainConfig) -> TrainConfig:
    stages = {name: getattr(config, name) for name in ("stage1", "stage2")}
    return dataclasses.replace(
        config, **{name: s and dataclasses.replace(s, dice_weight=0.0) for name, s in stages.items()}
    )


def _lean_decoder(config: TrainConfig) -> TrainConfig:
    """The costliest block of the mask head with half the channels, as in config/train/mdsm-base-lean.yaml."""
    model = config.model_config()
    assert isinstance(model, MDSMConfig)  # read_mdsm
    return _model(config, decoder_last_channels=model.decoder_channels // 2)


def _refiner(rows: dict[str, dict[str, Any]], model: dict[str, Any], **fields: Any) -> Variant:
    """A variant that differs in the training of stage 2 alone."""

    def change(config: TrainConfig) -> TrainConfig:
        return dataclasses.replace(config, model=config.model | model, **fields)

    return Variant(change, rows, stage1_of="mdsm")


VARIANTS: dict[str, Variant] = {
    "lavt-20": Variant(lambda config: lavt(config, 20), {"LAVT, 20 tokens": INITIAL}),
    "lavt-64": Variant(lambda config: lavt(config, 64), {"LAVT, 64 tokens": INITIAL}),
    "mdsm": Variant(
        lambda config: config,
        {
            "MDSM": {},
            "MDSM, initial mask": INITIAL,
            **{
                f"MDSM, {n} refinement step{'s' if n > 1 else ''}": {"num_inference_steps": n}
                for n in (1, 2, 4, 10, 50)
            },
            "MDSM, mean of 5 samples": {"num_samples": 5},
            **{f"MDSM, from timestep {t}": {"start_timestep": t} for t in (100, 300, 900)},
            **{f"MDSM, DDPM, {n} steps": {"sampler": "ddpm", "num_inference_steps": n} for n in (4, 10, 50)},
        },
    ),
    "no-diffusion": Variant(one_stage, {"MDSM without diffusion": INITIAL}),
    # what depends on the semantic branch goes with it
    "no-clip": Variant(
        lambda config: _model(config, use_clip=False, text_maps=0, swin_input="image"), {"MDSM without CLIP": {}}
    ),
    "no-swin": Variant(lambda config: _model(config, use_swin=False), {"MDSM without Swin": {}}),
    "lean-decoder": Variant(_lean_decoder, {"MDSM, last block of half the channels": {}}),
    "no-dice": Variant(_without_dice, {"MDSM without dice": {}}),
    "linear": _refiner({"MDSM, linear schedule": {}}, {"beta_schedule": "linear"}),
    "scaled-linear": _refiner({"MDSM, scaled linear schedule": {}}, {"beta_schedule": "scaled_linear"}),
    "from-truth": _refiner({"MDSM, refiner trained on noised truth": {}}, {}, initial_noise_probability=0.0),
    "epsilon": _refiner(
        {
            "MDSM, noise predicted": {},
            "MDSM, noise predicted, DDPM, 50 steps": {"sampler": "ddpm", "num_inference_steps": 50},
        },
        {"prediction": "epsilon"},
        initial_noise_probability=0.0,
    ),
    "class-masks": Variant(
        lambda config: dataclasses.replace(config, target_masks="class"), {"MDSM, trained on class masks": {}}
    ),
}
"""What is compared, by the name of its folder."""


def read_mdsm(path: Path) -> TrainConfig:
    """The training configuration of an MDSM.

    Raises:
        ConfigError: It is for another model, or lacks a stage.
    """
    config = read_config(path)
    if presets()[config.preset].model_type != "mdsm" or config.stage2 is None:
        raise ConfigError(f"{path}: preset is {config.preset!r}, expected MDSM with both stages")
    return config


def read_ablated(path: Path) -> tuple[str, TrainConfig, dict[str, Variant]]:
    """The training configuration of MDSM or Grounded Diffusion, with its name as a base, and its variants.

    Raises:
        ConfigError: It is for another model, or MDSM's lacks a stage.
    """
    config = read_config(path)
    if presets()[config.preset].model_type == "grounded_diffusion":
        return "grounded", config, grounded.VARIANTS
    return "mdsm", read_mdsm(path), VARIANTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--config", type=Path, required=True, help="training configuration of MDSM or Grounded Diffusion"
    )
    experiment.add_arguments(parser, {**VARIANTS, **grounded.VARIANTS})


def run(args: argparse.Namespace) -> None:
    """Trains and evaluates all unfinished variants; writes a table and a plot.

    Raises:
        CommandError: A variant is one of the other model.
    """
    base, config, variants = read_ablated(args.config)
    args.variants = args.variants or list(variants)
    wrong = [name for name in args.variants if name not in variants]
    if wrong:
        raise CommandError(f"--variants names {wrong[0]!r}, expected some of {', '.join(variants)} for {config.preset}")
    experiment.run("mdsm-ablate", variants, {base: config}, experiment.options_of(args))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of ``mdsm-ablate``."""
    return run_command("mdsm-ablate", "training.evaluation.ablate", argv)


if __name__ == "__main__":
    raise SystemExit(main())
