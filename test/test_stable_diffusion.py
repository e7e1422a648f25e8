from __future__ import annotations

from collections import Counter

import pytest
import torch
from transformers import CLIPTokenizer

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.stable_diffusion.config import SD15, TINY, Sizes, StableDiffusionConfig
from mdsm_ros.models.stable_diffusion.network import StableDiffusion, unet_blocks, unet_features

pytestmark = pytest.mark.slow


def build(sizes: Sizes) -> StableDiffusion:
    tokenizer = CLIPTokenizer(vocab={"<|endoftext|>": 0}, merges=[])
    return StableDiffusion(sizes, tokenizer, decoder=False).eval()


@pytest.fixture
def sd15() -> StableDiffusion:
    with torch.device("meta"):
        return build(SD15)


def shapes_of_sd15(parts: StableDiffusion) -> list[tuple[int, int]]:
    """(channels, side) of every block for an image of 512 pixels."""
    with torch.device("meta"):
        latents, tokens = torch.zeros(1, 4, 64, 64), torch.zeros(1, 77, 768)
        features, _ = unet_features(parts.unet, latents, torch.ones(1), tokens, unet_blocks(parts.unet))
    return [(f.shape[1], f.shape[-1]) for f in features]


def test_the_taps_of_vpd_have_the_published_shapes(sd15: StableDiffusion) -> None:
    shapes = shapes_of_sd15(sd15)
    assert len(shapes) == 25
    assert [shapes[13 + block] for block in (1, 4, 7, 11)] == [(1280, 8), (1280, 16), (640, 32), (320, 64)]


def test_the_groups_of_grounded_diffusion_have_the_published_channels(sd15: StableDiffusion) -> None:
    channels: Counter[int] = Counter()
    for width, side in shapes_of_sd15(sd15):
        channels[side] += 2 * width  # guidance doubles them
    assert channels == {8: 15360, 16: 14080, 32: 8320, 64: 5120}


def test_features_are_those_of_the_pass_and_leave_no_hooks() -> None:
    parts = build(TINY)
    blocks = unet_blocks(parts.unet)
    latents, tokens = torch.randn(2, 4, 16, 16), torch.randn(2, 5, 128)
    with torch.no_grad():
        (first, last), output = unet_features(parts.unet, latents, 1, tokens, [blocks[0], blocks[-1]])
        plain = parts.unet(latents, 1, encoder_hidden_states=tokens).sample
        assert torch.equal(output, plain)
        assert torch.equal(first, parts.unet.conv_in(latents))
        head = parts.unet.conv_out(parts.unet.conv_act(parts.unet.conv_norm_out(last)))
    assert torch.allclose(head, plain, atol=1e-6)
    assert not any(block._forward_hooks for block in blocks)


def test_latents_are_scaled_by_what_stands_with_the_weights() -> None:
    parts = build(TINY)
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = parts.latents(images)
        parts.scaling_factor.mul_(2)
        assert before.shape == (1, 4, 16, 16)
        assert torch.allclose(parts.latents(images), 2 * before)
    assert "scaling_factor" in parts.state_dict()
    assert not any(name.startswith("vae.decoder") for name in parts.state_dict())


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="image_size is 500, expected a multiple of 64"):
        StableDiffusionConfig(image_size=500)
    with pytest.raises(ConfigError, match=r"sizes is .*expected the parts vae, unet, text_encoder"):
        StableDiffusionConfig(sizes={"unet": {}})
    broken = {**TINY, "unet": {**TINY["unet"], "down_block_types": ("Nothing",)}}
    with pytest.raises(ConfigError, match="sizes cannot be built from"):
        build(broken)
