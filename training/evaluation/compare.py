"""``mdsm-compare``: MDSM, LAVT, VPD in its variants, and DAAM, on the same instructions with the same budget.

All trained models see the same number of images, from each seed; all but those of the report with the same number of
optimiser steps. DAAM is not trained; it uses the attention of the diffusion model from which VPD starts. The rows
"noise" are VPD's study of noise before the UNet, and those of "the report" its own setting: UNet frozen, no text
adapter, a smaller text encoder, cross-entropy alone, one image a step, Adam with 5e-5. "F-VPD", of its page, has VPD's
text encoder, four images a step and a learning rate of 5e-3. As with ``mdsm-ablate``, finished parts are kept. The
command writes table.md, plot.png and results.json to --out.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mdsm_ros.commands.runner import run_command
from mdsm_ros.errors import CommandError, ConfigError
from mdsm_ros.models.families import find_family, presets
from mdsm_ros.models.vpd.config import VPDConfig
from training.evaluation import experiment
from training.evaluation.ablate import lavt, read_mdsm
from training.evaluation.experiment import INITIAL, Variant
from training.train.config import StageConfig, TrainConfig, read_config

NOISE = (5, 500)  # timesteps, beside 0
GUIDED_NOISE, GUIDED_STEPS = 100, 3  # noise that steps led by the instruction take away; report: an idea, no numbers
LORA_RANK = 4
TEXT_TOWER = "openai/clip-vit-base-patch16"
REPORT_RATE = 5e-5
PAGE: dict[str, Any] = {"images": 4, "learning_rate": 5e-3, "weight_decay": 0.01}  # as in config/train/f-vpd.yaml


def _vpd(row: str, **fields: Any) -> Variant:
    def change(config: TrainConfig) -> TrainConfig:
        return dataclasses.replace(config, model=config.model | fields)

    return Variant(change, {row: INITIAL}, base="vpd")


def _finest_maps(config: TrainConfig) -> TrainConfig:
    model = config.model_config()
    assert isinstance(model, VPDConfig)  # read_configs saw to it
    strides = sorted(model.level_strides)[:3]  # the coarsest level has no cross-attention
    return dataclasses.replace(config, model=config.model | {"attention_strides": strides[::-1]})


def _as_report(config: TrainConfig, *, timestep: int) -> TrainConfig:
    """The setting of the student report on VPD, with as many images as the base: one for each step."""
    return _as_students(config, timestep=timestep, images=1, learning_rate=REPORT_RATE, weight_decay=0.0)


def _as_students(
    config: TrainConfig, *, timestep: int, images: int, learning_rate: float, weight_decay: float
) -> TrainConfig:
    """UNet frozen, no text adapter, cross-entropy alone, and Adam, on as many images as the base."""
    base = config.stage1
    stage = StageConfig(steps=base.steps * base.images // images, images=images, learning_rate=learning_rate)
    model = {"freeze_unet": True, "text_adapter": False, "decoder_norm": "batch", "noise_timestep": timestep}
    return dataclasses.replace(
        config,
        model=config.model | model,
        stage1=stage,
        instructions_per_image=1,
        weight_decay=weight_decay,
        adam_beta2=0.999,
        mixture={},
        gradient_accumulation=1,
    )


def _daam(config: TrainConfig) -> TrainConfig:
    known = {field.name for field in dataclasses.fields(find_family("daam").config_type)}
    model = {key: value for key, value in config.model.items() if key in known}
    return dataclasses.replace(config, preset=config.preset.replace("vpd", "daam"), model=model)


VARIANTS: dict[str, Variant] = {
    "mdsm": Variant(lambda config: config, {"MDSM": {}, "MDSM, initial mask": INITIAL}),
    "lavt-64": Variant(partial(lavt, max_tokens=64), {"LAVT, 64 tokens": INITIAL}),
    "vpd": _vpd("VPD"),
    "vpd-frozen": _vpd("VPD, UNet frozen", freeze_unet=True),
    "vpd-no-adapter": _vpd("VPD without text adapter", text_adapter=False),
    "vpd-no-maps": _vpd("VPD without attention maps", attention_mode="none"),
    "vpd-64-maps": Variant(_finest_maps, {"VPD, also the finest maps (64x64)": INITIAL}, base="vpd"),
    "vpd-daam-maps": _vpd("VPD, maps summed as in DAAM", attention_mode="daam"),
    "vpd-lora": _vpd(f"VPD, LoRA of rank {LORA_RANK} instead of the UNet", freeze_unet=True, lora_rank=LORA_RANK),
    "vpd-guided": _vpd(
        f"VPD, noise T = {GUIDED_NOISE} taken away in {GUIDED_STEPS} steps led by the instruction",
        noise_timestep=GUIDED_NOISE,
        denoising_steps=GUIDED_STEPS,
    ),
    "vpd-small-text": Variant(lambda config: config, {"VPD, smaller text encoder": INITIAL}, base="small-text"),
    **{f"vpd-noise-{t}": _vpd(f"VPD, noise T = {t}", noise_timestep=t) for t in NOISE},
    **{
        f"vpd-report-{t}": Variant(
            partial(_as_report, timestep=t), {f"VPD as in the report, T = {t}": INITIAL}, base="small-text"
        )
        for t in (0, *NOISE)
    },
    "f-vpd": Variant(partial(_as_students, timestep=0, **PAGE), {"F-VPD, of the report's page": INITIAL}, base="vpd"),
    "daam": Variant(_daam, {"DAAM, untrained": INITIAL}, base="vpd", trained=False),
}
"""What is compared, by the name of its folder."""


def read_configs(mdsm: Path | None, vpd: Path | None) -> dict[str, TrainConfig]:
    """The configurations of the models that are compared, with equal budgets.

    Raises:
        ConfigError: One is another model's, or their budgets differ.
    """
    configs: dict[str, TrainConfig] = {}
    if mdsm is not None:
        configs["mdsm"] = read_mdsm(mdsm)
    if vpd is not None:
        configs["vpd"] = read_config(vpd)
        if presets()[configs["vpd"].preset].model_type != "vpd":
            raise ConfigError(f"{vpd}: preset is {configs['vpd'].preset!r}, expected a VPD")
    budgets = {name: _budget(config) for name, config in configs.items()}
    if len(budgets) == 2 and budgets["mdsm"] != budgets["vpd"]:
        raise ConfigError(f"{vpd}: steps by images are {budgets['vpd']}, expected those of {mdsm}, {budgets['mdsm']}")
    return configs


def with_text_tower(config: TrainConfig, name: str) -> TrainConfig:
    """The configuration of VPD with another CLIP text encoder, of any width.

    Raises:
        WeightsError: The encoder's configuration is missing.
    """
    from mdsm_ros.checkpoints.diffusion_checkpoint import text_encoder_sizes

    sizes = dict(config.model.get("sizes", {})) | {"text_encoder": text_encoder_sizes(name)}
    return dataclasses.replace(config, model=config.model | {"text_checkpoint": name, "sizes": sizes})


def option_of(variant: str) -> str:
    """The option with the configuration that a variant changes."""
    return "--mdsm" if VARIANTS[variant].base == "mdsm" else "--vpd"


def _budget(config: TrainConfig) -> dict[int, int]:
    """Optimiser steps of both stages together, by images of a step."""
    steps: dict[int, int] = {}
    for stage in (config.stage1, config.stage2):
        if stage is not None:
            steps[stage.images] = steps.get(stage.images, 0) + stage.steps
    return steps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--mdsm",
        type=Path,
        help="configuration of MDSM and LAVT; without --variants, all of them are compared",
    )
    parser.add_argument(
        "--vpd", type=Path, help="configuration of VPD and DAAM; without --variants, all of them are compared"
    )
    parser.add_argument(
        "--text-tower",
        help="CLIP text encoder of the rows with a smaller one: hub id, its folder, or that of a diffusion model "
        f"(default: {TEXT_TOWER})",
    )
    experiment.add_arguments(parser, VARIANTS)


def run(args: argparse.Namespace) -> None:
    """Trains and evaluates all unfinished variants; writes a table and a plot.

    Raises:
        CommandError: The configuration of a model that is compared is missing; or one is given, or a text encoder
            named, that no variant has.
    """
    given = {"--mdsm": args.mdsm, "--vpd": args.vpd}
    args.variants = args.variants or [name for name in VARIANTS if given[option_of(name)] is not None]
    if not args.variants:
        raise CommandError("neither --mdsm nor --vpd is given, expected the configuration of what is compared")
    for option, path in given.items():
        needing = [name for name in args.variants if option_of(name) == option]
        if needing and path is None:
            raise CommandError(f"{option} is missing, expected a configuration for the variants {', '.join(needing)}")
        if not needing and path is not None:
            raise CommandError(f"{option} is {str(path)!r}, expected none: no variant needs it")
    configs = read_configs(args.mdsm, args.vpd)
    if any(VARIANTS[name].base == "small-text" for name in args.variants):
        configs["small-text"] = with_text_tower(configs["vpd"], args.text_tower or TEXT_TOWER)
    elif args.text_tower is not None:
        raise CommandError(f"--text-tower is {args.text_tower!r}, expected none: no variant has a smaller text encoder")
    experiment.run("mdsm-compare", VARIANTS, configs, experiment.options_of(args))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of ``mdsm-compare``."""
    return run_command("mdsm-compare", "training.evaluation.compare", argv)


if __name__ == "__main__":
    raise SystemExit(main())
