"""The variants of ``mdsm-ablate`` for Grounded Diffusion: features, timesteps, numbers of categories, queries."""

from __future__ import annotations

import dataclasses
from typing import Any

from training.evaluation.experiment import Variant
from training.train.config import TrainConfig

TIMESTEPS = (100, 300, 500, 900)  # beside 1, the published one
SEEN = (4, 8)  # numbers of categories, beside all


def _variant(row: str, model: dict[str, Any] | None = None, **fields: Any) -> Variant:
    def change(config: TrainConfig) -> TrainConfig:
        return dataclasses.replace(config, model=config.model | (model or {}), **fields)

    return Variant(change, {row: {}}, base="grounded")


VARIANTS: dict[str, Variant] = {
    "grounded": _variant("Grounded Diffusion"),
    "grounded-down": _variant("features of the way down", {"feature_blocks": "down"}),
    "grounded-up": _variant("features of the way up", {"feature_blocks": "up"}),
    **{f"grounded-t-{t}": _variant(f"features at timestep {t}", {"feature_timestep": t}) for t in TIMESTEPS},
    **{f"grounded-seen-{n}": _variant(f"{n} seen categories", first_categories=n) for n in SEEN},
    "grounded-sentence": _variant("whole sentence asked for", {"query": "sentence"}),
    "grounded-unfrozen": _variant("UNet trained as well", {"freeze_unet": False}, denoising_weight=1.0),
}
"""What is compared, by the name of its folder."""
