"""The grounding module as published, beside an independent computation on the names of the published checkpoints."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from diffusion_stand_ins import TOY
from official_grounding import OfficialGrounding, State, ours, random_state

from mdsm_ros.models.grounded_diffusion import GROUNDED_DIFFUSION_SD15, GROUNDED_DIFFUSION_TINY
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig
from mdsm_ros.models.grounded_diffusion.grounding import GroundingModule, unet_channels

WIDTHS, PATCH, DIM, LAYERS, HEADS, FEEDFORWARD = (4, 6, 6, 8), 2, 16, 2, 4, 24
CONFIG = GroundedDiffusionConfig(
    image_size=64,
    sizes=TOY,
    grounding_channels=WIDTHS,
    grounding_patch=PATCH,
    grounding_dim=DIM,
    grounding_num_layers=LAYERS,
    grounding_num_heads=HEADS,
    grounding_feedforward=FEEDFORWARD,
    grounding_as_published=True,
)
CHANNELS = [2 * total for total in unet_channels(TOY["unet"])]
TEXT = TOY["text_encoder"]["hidden_size"]


@pytest.fixture(scope="module")
def state() -> State:
    return random_state(CHANNELS, WIDTHS, PATCH, DIM, LAYERS, FEEDFORWARD, TEXT)


@pytest.fixture
def module(state: State) -> GroundingModule:
    module = GroundingModule(CONFIG).double()
    names = {ours(name): value.clone() for name, value in state.items()}
    counters = {name for name in module.state_dict() if name.endswith("num_batches_tracked")}
    assert set(module.state_dict()) - counters == set(names)  # nothing more is learned than there, and nothing less
    module.load_state_dict(names, strict=False)
    return module


def seen() -> tuple[list[torch.Tensor], torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    groups = [torch.randn(1, c, 1 << i, 1 << i, generator=generator).double() for i, c in enumerate(CHANNELS)]
    return groups, torch.randn(1, TEXT, generator=generator).double()


@pytest.mark.parametrize("training", [False, True])
def test_the_answer_is_that_of_the_published_module(module: GroundingModule, state: State, training: bool) -> None:
    groups, query = seen()
    with torch.no_grad():
        expected = OfficialGrounding(state, PATCH, HEADS, training)(groups, query)
        torch.testing.assert_close(module.train(training)(groups, query), expected, rtol=1e-12, atol=1e-12)


def test_only_training_moves_the_estimate_of_the_largest_singular_value(module: GroundingModule) -> None:
    groups, query = seen()
    before = copy.deepcopy(module.state_dict())
    names = [name for name in before if name.endswith(".u")]
    with torch.no_grad():
        module.eval()(groups, query)
        assert all(torch.equal(before[name], module.state_dict()[name]) for name in names)
        module.train()(groups, query)
    assert not any(torch.equal(before[name], module.state_dict()[name]) for name in names)


def test_the_published_sizes_have_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        published = GroundingModule(GROUNDED_DIFFUSION_SD15)
        earlier = GroundingModule(replace(GROUNDED_DIFFUSION_SD15, grounding_as_published=False))
    assert sum(p.numel() for p in published.parameters()) == 18_796_560  # counted in the published module
    assert sum(p.numel() for p in earlier.parameters()) == 18_800_448


def test_configurations_of_earlier_versions_keep_their_module() -> None:
    values = GROUNDED_DIFFUSION_TINY.to_dict()
    del values["grounding_as_published"]
    earlier = GroundedDiffusionConfig.from_dict(values)
    assert earlier == GROUNDED_DIFFUSION_TINY
    names = set(GroundingModule(earlier).state_dict())
    assert {"decoder.norm.weight", "query.bias", "visual.reduce.0.bias", "visual.mix.0.layers.0.weight"} <= names
