from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusion_stand_ins import CLIP_TOKENIZER, TOY, write_pipeline

from mdsm_ros.checkpoints.pretrained import load_encoders
from mdsm_ros.errors import ConfigError
from mdsm_ros.models.daam.config import DAAMConfig
from mdsm_ros.models.daam.network import DAAM, SHARPNESS
from mdsm_ros.models.stable_diffusion.kind_text import KindText
from mdsm_ros.models.stable_diffusion.network import word_tokens
from mdsm_ros.segmenter import Segmenter

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DAAM:
    folder = tmp_path_factory.mktemp("pipeline")
    write_pipeline(folder)
    model = DAAM(DAAMConfig(checkpoint=str(folder), sizes=TOY, image_size=64), CLIP_TOKENIZER)
    load_encoders(model)
    return model.eval()


def images(number: int) -> torch.Tensor:
    return torch.rand(number, 3, 64, 64, generator=torch.Generator().manual_seed(3))


def test_the_hottest_pixel_is_surest_and_the_threshold_at_zero(model: DAAM) -> None:
    logits = model.initial(images(2), model.encode_text(["a cup", "a cup"])).logits
    assert logits.shape == (2, 1, 8, 8)
    assert logits.amax(dim=(1, 2, 3)).tolist() == pytest.approx([SHARPNESS * 0.6] * 2, rel=1e-5)
    share = logits / SHARPNESS + model.config.heat_threshold  # of the largest heat, and heat is never negative
    assert share.min() > 0


def test_heat_is_the_sum_over_the_timesteps_and_the_tokens_of_the_kind(model: DAAM) -> None:
    text = model.encode_text(["get the cup"])
    latents = model.backbone.latents(images(1))
    maps = torch.stack([model._maps(latents, text.tokens, timestep) for timestep in (1, 200, 400)]).sum(dim=0)
    assert maps.sum(dim=1).allclose(torch.full((1, 8, 8), 3.0 * 3), atol=1e-4)  # three sizes, each 1 over the tokens
    tokens = CLIP_TOKENIZER.convert_ids_to_tokens(CLIP_TOKENIZER("a photograph of a cup")["input_ids"])
    cup = [len(tokens) - 4, len(tokens) - 3, len(tokens) - 2]
    assert [tokens[i] for i in cup] == ["c", "u", "p</w>"]
    heat = maps[0, cup].sum(dim=0)
    logits = model.initial(images(1), text).logits[0, 0]
    assert torch.allclose(logits, SHARPNESS * (heat / heat.max() - 0.4), atol=1e-4)


def test_an_image_is_answered_alike_whatever_stands_beside_it(model: DAAM) -> None:
    index = torch.tensor([1, 0, 1])
    together = model.initial(images(2), model.encode_text(["a cup", "a box", "a box"]), index).logits
    for row, (image, word) in enumerate([(1, "a cup"), (0, "a box"), (1, "a box")]):
        alone = model.initial(images(2)[image : image + 1], model.encode_text([word])).logits
        assert torch.allclose(together[row : row + 1], alone, atol=1e-4)


def test_saved_and_loaded_it_answers_the_same(model: DAAM, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    image = np.random.default_rng(0).integers(0, 255, (48, 60, 3), dtype=np.uint8)
    first = Segmenter.from_pretrained(tmp_path, device="cpu").segment(image, "get the cup next to the box")
    second = Segmenter.from_pretrained(tmp_path, device="cpu").segment(image, "take the cup")
    assert first.present
    assert first.stage == "initial"
    assert first.mask.any()
    assert np.array_equal(first.probability, second.probability)  # both ask for a cup


def published_share(model: DAAM, image: torch.Tensor, prompt: str, word: str) -> torch.Tensor:
    """What castorini/daam computes, in float64 and loops: heat (S, S) from 0 to 1 of a word of a prompt."""
    backbone, pixels = model.backbone, image.shape[-1]
    tokens = backbone.encode_text([prompt]).tokens
    latents = backbone.latents(image)
    layers = [
        block.attn2
        for level in (*backbone.unet.down_blocks, *backbone.unet.up_blocks)
        for transformer in getattr(level, "attentions", [])
        for block in transformer.transformer_blocks
    ]
    summed: dict[tuple[int, int], torch.Tensor] = {}
    noise = torch.randn(latents.shape[1:], generator=torch.Generator().manual_seed(0))
    for timestep in (1, 200, 400):
        inputs: dict[int, torch.Tensor] = {}
        handles = [
            layer.register_forward_pre_hook(partial(lambda i, kept, _, given: kept.update({i: given[0]}), i, inputs))
            for i, layer in enumerate(layers)
        ]
        kept = model.scheduler.alphas_cumprod[timestep]
        backbone.unet(kept.sqrt() * latents + (1 - kept).sqrt() * noise, timestep, encoder_hidden_states=tokens)
        for handle in handles:
            handle.remove()
        for i, layer in enumerate(layers):
            query, key = layer.to_q(inputs[i])[0].double(), layer.to_k(tokens)[0].double()
            width = query.shape[1] // layer.heads
            for head in range(layer.heads):
                part = slice(head * width, (head + 1) * width)
                scores = (query[:, part] @ key[:, part].T / width**0.5).softmax(dim=1)  # (pixels, tokens)
                side = round(len(scores) ** 0.5)
                grid = scores.T.reshape(-1, side, side)
                summed[i, head] = summed.get((i, head), torch.zeros_like(grid)) + grid
    side = latents.shape[-1]
    upsampled = [
        torch.nn.functional.interpolate(grid[None], size=(side, side), mode="bicubic")[0].clamp(min=0)
        for grid in summed.values()
    ]
    heat = torch.stack(upsampled).mean(dim=0)
    pieces = CLIP_TOKENIZER.tokenize(prompt)
    wanted = CLIP_TOKENIZER.tokenize(word)
    found = [i for i in range(len(pieces)) if pieces[i : i + len(wanted)] == wanted]
    of_word = torch.stack([heat[1 + i + j] for i in found for j in range(len(wanted))]).mean(dim=0)
    large = torch.nn.functional.interpolate(of_word[None, None], size=(pixels, pixels), mode="bicubic")[0, 0]
    return (large - large.min()) / (large.max() - large.min())


@pytest.fixture(scope="module")
def published(model: DAAM) -> DAAM:
    config = dataclasses.replace(model.config, as_published=True)
    other = DAAM(config, CLIP_TOKENIZER)
    other.load_state_dict(model.state_dict())
    return other.eval()


def test_as_published_it_answers_as_the_published_code(published: DAAM) -> None:
    logits = published.initial(images(1), published.encode_text(["take the cup"])).logits
    expected = published_share(published, images(1), "a photograph of a cup", "cup")
    assert logits.shape == (1, 1, 64, 64)
    torch.testing.assert_close(logits[0, 0].double() / SHARPNESS + 0.4, expected, rtol=1e-3, atol=1e-4)


def test_as_published_every_occurrence_of_a_word_counts(published: DAAM) -> None:
    prompt = "a cup by a cup"
    marked = word_tokens(CLIP_TOKENIZER, [prompt] * 2, ["cup", "by"], length=24, every=True)
    assert [int(row.sum()) for row in marked] == [6, 2]
    text = KindText(published.backbone.encode_text([prompt]).tokens, marked[:1], torch.zeros(1, 24, 16))
    logits = published.initial(images(1), text).logits
    expected = published_share(published, images(1), prompt, "cup")
    torch.testing.assert_close(logits[0, 0].double() / SHARPNESS + 0.4, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("fields", [{"timesteps": ()}, {"timesteps": (0,)}, {"heat_threshold": 1.0}])
def test_what_cannot_be_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(fields))} is .*expected"):
        DAAMConfig.from_dict(fields)
