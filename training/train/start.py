"""Initialisation of training with the weights of another model instead of public encoders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch

from mdsm_ros.checkpoints.pretrained import model_folder
from mdsm_ros.errors import WeightsError
from mdsm_ros.hub.folder import read_values, read_weights
from mdsm_ros.models.base import HubModel
from mdsm_ros.models.common.vision import ParallelJoin
from mdsm_ros.models.mdsm.network import MDSM

PRESENT_HEAD, REFINER = "head.present.", "refiner."
LAST_PRESENT_WEIGHT = f"{PRESENT_HEAD}2.weight"
LAST_REFINER_LAYER = f"{REFINER}unet.conv_out."


def start_from(model: HubModel, name: str, kept: Collection[str] = ()) -> str:
    """Copies all parameters that another model has under the same name.

    A present head that says the same to everything, such as that of a converted LAVT, is not taken. Where an MDSM
    starts from a model without CLIP, CLIP at first adds nothing: its initial masks are those of that model. Where a
    refiner that adds to the initial mask starts from one that makes its own mask, the last layer is not taken. The
    threshold of a present head that is taken, and the number of steps of a refiner, come with it.

    Args:
        model: Model to fill.
        name: Name of the other model: embedded name, folder or hub id.
        kept: Names of fields of the model's configuration that stay as they are.

    Returns:
        A description of the copied and the missing parameters, for people.

    Raises:
        ConfigError: The other model's threshold or number of steps is out of range.
        WeightsError: There is no such model, it shares nothing with this one, or something shared has another shape.
    """
    folder = model_folder(name)
    state, own = read_weights(folder), model.state_dict()
    for key in [key for key in state if key.endswith(LAST_PRESENT_WEIGHT) and not state[key].any()]:
        head = key.removesuffix("2.weight")
        state = {other: value for other, value in state.items() if not other.startswith(head)}
    if isinstance(model, MDSM) and model.config.refiner_residual and not read_values(folder).get("refiner_residual"):
        state = {key: value for key, value in state.items() if not key.startswith(LAST_REFINER_LAYER)}
    taken = {key: value for key, value in state.items() if key in own}
    if not taken:
        raise WeightsError(f"start_from is {name!r}, expected a model that shares parameters with {_kind(model)}")
    for key, value in taken.items():
        if value.shape != own[key].shape:
            raise WeightsError(
                f"start_from is {name!r}, whose {key} is {tuple(value.shape)}, expected {tuple(own[key].shape)}"
            )
    model.load_state_dict(taken, strict=False)
    found = _answer_settings(read_values(folder), taken)
    model.config = replace(model.config, **{field: value for field, value in found.items() if field not in kept})
    if isinstance(model, MDSM) and model.intermediate.swin is not None and not any(".join." in key for key in taken):
        for join in model.intermediate.join:
            assert isinstance(join, ParallelJoin)
            join.ignore_clip()
    return (
        f"start from {name}: {len(taken)} of {len(own)} tensors taken ({_millions(taken.values())} of "
        f"{_millions(own.values())} million values); not in it: {_parts(own, taken)}; not taken of it: "
        f"{_parts(state, taken)}"
    )


def _answer_settings(values: Mapping[str, Any], taken: Collection[str]) -> dict[str, Any]:
    """The fields of a configuration that belong to parts that were taken."""
    settings = {}
    if "present_threshold" in values and any(PRESENT_HEAD in name for name in taken):
        settings["present_threshold"] = values["present_threshold"]
    if values.get("num_inference_steps") and any(name.startswith(REFINER) for name in taken):
        settings["num_inference_steps"] = values["num_inference_steps"]
    return settings


def _kind(model: HubModel) -> str:
    return str(model.config.model_type)


def _millions(tensors: Iterable[torch.Tensor]) -> str:
    return f"{sum(tensor.numel() for tensor in tensors) / 1e6:.1f}"


def _parts(names: Iterable[str], taken: Iterable[str]) -> str:
    """The names that were not taken, each shortened to the largest part of the model of which nothing was taken."""
    seen = {prefix for name in taken for prefix in _prefixes(name)}
    parts = dict.fromkeys(next((p for p in _prefixes(name) if p not in seen), None) for name in names)
    return ", ".join(part for part in parts if part is not None) or "nothing"


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]
