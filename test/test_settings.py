"""The record of everything that an answer depends on."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from mdsm_ros.errors import MdsmError
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.models.config import ModelConfig

WHOLE = "expected a whole number,"


@pytest.mark.parametrize(
    ("name", "value", "expectation"),
    [
        ("num_inference_steps", -1, f"{WHOLE} 0 or more"),
        ("num_inference_steps", 2.0, f"{WHOLE} 0 or more"),
        ("num_inference_steps", True, f"{WHOLE} 0 or more"),
        ("num_samples", 0, f"{WHOLE} 1 or more"),
        ("num_samples", "3", f"{WHOLE} 1 or more"),
        ("seed", -1, f"{WHOLE} 0 or more"),
        ("seed", 2**63, f"{WHOLE} 0 or more"),
        ("latency_budget", -0.1, "expected a finite number of seconds, 0 or more"),
        ("latency_budget", float("inf"), "expected a finite number of seconds, 0 or more"),
        ("latency_budget", False, "expected a finite number of seconds, 0 or more"),
        ("mask_threshold", 1.1, "expected 0 to 1"),
        ("mask_threshold", "0.5", "expected 0 to 1"),
        ("present_threshold", float("nan"), "expected 0 to 1"),
        ("warm_start", 1, "expected True or False"),
        ("ask", "yes", "expected True or False"),
        ("relations", 1, "expected True or False"),
        ("ask_margin", 1.5, "expected 0 to 1"),
    ],
)
def test_a_bad_value_is_named(name: str, value: Any, expectation: str) -> None:
    with pytest.raises(MdsmError) as caught:
        InferenceSettings().updated(**{name: value})
    assert str(caught.value) == f"{name} is {value!r}, {expectation}"


def test_a_model_brings_its_own_values() -> None:
    config = ModelConfig(num_inference_steps=7, mask_threshold=0.3, present_threshold=0.2)
    assert InferenceSettings.of_model(config) == InferenceSettings(7, mask_threshold=0.3, present_threshold=0.2)


def test_settings_cannot_be_changed_only_replaced() -> None:
    settings = InferenceSettings()
    with pytest.raises(FrozenInstanceError):
        settings.seed = 3  # type: ignore[misc]
    assert settings.updated(seed=3, num_samples=None) == InferenceSettings(seed=3)
    assert settings == InferenceSettings()
