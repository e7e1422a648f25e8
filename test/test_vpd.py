from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusion_stand_ins import CLIP_TOKENIZER, TOY, write_pipeline, write_text_tower
from torch import nn

from mdsm_ros.checkpoints.diffusion_checkpoint import load_text_encoder, load_tokenizer, text_encoder_sizes
from mdsm_ros.checkpoints.pretrained import load_encoders, load_model
from mdsm_ros.errors import ConfigError
from mdsm_ros.models.common.attention_maps import summed_maps
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.families import config_from_dict
from mdsm_ros.models.stable_diffusion.attention_maps import cross_attention_layers, mean_map, recorded
from mdsm_ros.models.stable_diffusion.network import unet_blocks
from mdsm_ros.models.vpd import VPD_SD15
from mdsm_ros.models.vpd.config import VPDConfig
from mdsm_ros.models.vpd.network import VPD, TextAdapter, tapped_blocks
from training.train.run import save_memory

pytestmark = pytest.mark.slow

TEXTS = ["get the cup", "bring me a lamp"]
CONFIG = VPDConfig(sizes=TOY, image_size=64, max_tokens=24, decoder_channels=16, decoder_norm="group")


def build(**fields: Any) -> VPD:
    torch.manual_seed(0)
    return VPD(dataclasses.replace(CONFIG, **fields), CLIP_TOKENIZER).eval()


@pytest.fixture(scope="module")
def model() -> VPD:
    return build()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def logits_of(model: VPD, images: torch.Tensor, texts: list[str] = TEXTS, **options: Any) -> torch.Tensor:
    with torch.inference_mode():
        return model.initial(images, model.encode_text(texts), **options).logits


def trainable(model: VPD) -> set[str]:
    """The parts of a model that learn."""
    return {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad}


@pytest.mark.slow
def test_stable_diffusion_1_5_gives_the_published_levels() -> None:
    with torch.device("meta"):
        model = VPD(VPD_SD15, CLIP_TOKENIZER).eval()
        blocks = unet_blocks(model.backbone.unet)
        assert [blocks.index(block) - 13 for block in tapped_blocks(model.backbone.unet)] == [1, 4, 7, 11]
        assert VPD_SD15.level_channels == (320, 640 + 77, 1280 + 77, 1280)
        text = TextFeatures(torch.zeros(1, 77, 768), torch.ones(1, 77, dtype=torch.bool))
        answer = model.initial(torch.zeros(1, 3, 512, 512), text)
        maps = model.attention_maps(torch.zeros(1, 3, 512, 512), text)
    assert answer.logits.shape == (1, 1, 64, 64)
    assert maps.shape == (1, 77, 64, 64)
    sizes = {factor: len(layers) for factor, layers in cross_attention_layers(model.backbone.unet).items()}
    assert sizes == {1: 5, 2: 5, 4: 5}  # two on the way down, three on the way up


def test_the_decoder_has_as_many_parameters_as_the_published_one() -> None:
    with torch.device("meta"):
        head = VPD(dataclasses.replace(VPD_SD15, max_tokens=40), CLIP_TOKENIZER).head
    ours = sum(p.numel() for part in (head.blocks, head.mask) for p in part.parameters())
    assert ours + 641 == pytest.approx(39.18e6, abs=0.01e6)  # theirs has a second logit


def test_attention_maps_are_the_softmax_of_queries_and_keys(model: VPD) -> None:
    unet = model.backbone.unet
    layers = cross_attention_layers(unet)[2]
    inputs: dict[nn.Module, torch.Tensor] = {}

    def keep(module: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        inputs[module] = arguments[0]

    handles = [layer.register_forward_pre_hook(keep) for layer in layers]
    latents, tokens = torch.randn(2, 4, 8, 8), torch.randn(2, 24, 16)
    with torch.no_grad(), recorded(layers) as projections:
        output = unet(latents, 1, encoder_hidden_states=tokens).sample
    for handle in handles:
        handle.remove()
    expected = torch.zeros(2, 24, 4, 4)
    with torch.no_grad():
        maps = mean_map(layers, projections, (4, 4))
        for layer in layers:
            queries, keys = layer.to_q(inputs[layer]), layer.to_k(tokens)  # (2, 16, 16), (2, 24, 16): two heads of 8
            for head in (slice(0, 8), slice(8, 16)):
                scores = queries[..., head] @ keys[..., head].transpose(1, 2) / 8**0.5
                expected += scores.softmax(dim=-1).transpose(1, 2).reshape(2, 24, 4, 4) / 2 / len(layers)
        assert torch.equal(unet(latents, 1, encoder_hidden_states=tokens).sample, output)
    torch.testing.assert_close(maps, expected)
    torch.testing.assert_close(maps.sum(dim=1), torch.ones(2, 4, 4))
    assert not any(module._forward_hooks for module in unet.modules())


def test_maps_of_several_sizes_are_summed_on_one_grid() -> None:
    maps = [torch.full((1, 3, 2, 2), 0.5), torch.full((1, 3, 4, 4), 0.25)]
    assert torch.equal(summed_maps(maps, (8, 8)), torch.full((1, 3, 8, 8), 0.75))


@pytest.mark.parametrize(
    ("fields", "channels"),
    [
        ({"attention_mode": "none"}, (16, 16, 24, 32)),
        ({"attention_mode": "daam"}, (40, 16, 24, 32)),
        ({"attention_strides": [32]}, (16, 16, 48, 32)),
        ({"attention_strides": (8, 16, 32)}, (40, 40, 48, 32)),
        ({"noise_timestep": 5}, (16, 40, 48, 32)),
    ],
)
def test_variants_answer_on_the_grid_of_the_latents(
    fields: dict[str, Any], channels: tuple[int, ...], images: torch.Tensor
) -> None:
    model = build(**fields)
    assert model.config.level_channels == channels
    assert logits_of(model, images).shape == (2, 1, 8, 8)


def test_a_larger_image_has_a_larger_grid(model: VPD) -> None:
    assert logits_of(model, torch.rand(1, 3, 128, 128), TEXTS[:1]).shape == (1, 1, 16, 16)


def test_instructions_that_share_an_image_share_its_latents_and_nothing_else(
    model: VPD, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, texts = torch.tensor([1, 1, 0]), [*TEXTS, "go"]
    apart = logits_of(model, images[index], texts)
    encode: Callable[..., Any] = model.backbone.vae.encode
    encoded: list[int] = []

    def counted(x: torch.Tensor) -> Any:
        encoded.append(len(x))
        return encode(x)

    monkeypatch.setattr(model.backbone.vae, "encode", counted)
    shared = logits_of(model, images, texts, image_index=index)
    assert encoded == [2]
    torch.testing.assert_close(shared, apart, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(shared[0], shared[1], atol=1e-6)


def test_what_is_frozen_gets_no_gradient_and_never_trains(images: torch.Tensor) -> None:
    model = build().train()
    assert not model.backbone.vae.training
    assert not model.backbone.text_encoder.training
    assert model.backbone.unet.training
    answer = model.initial(images, model.encode_text(TEXTS))
    (answer.logits.sum() + answer.present_logits.sum()).backward()  # type: ignore[no-untyped-call]
    without = {name for name, p in model.named_parameters() if p.grad is None}
    unused = {name for name in without if name.startswith(("backbone.unet.conv_norm_out", "backbone.unet.conv_out"))}
    frozen = {n for n, _ in model.named_parameters() if n.startswith(("backbone.vae", "backbone.text_encoder"))}
    assert without == unused | frozen
    assert isinstance(model.adapter, TextAdapter)
    assert model.adapter.gamma.grad is not None
    assert model.adapter.gamma.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({}, {"backbone", "adapter", "head"}),
        ({"freeze_unet": True}, {"adapter", "head"}),
        ({"freeze_unet": True, "text_adapter": False}, {"head"}),
        ({"freeze_unet": True, "text_adapter": False, "lora_rank": 2}, {"backbone", "head"}),
    ],
)
def test_what_learns(fields: dict[str, Any], parts: set[str]) -> None:
    assert trainable(build(**fields)) == parts


def test_the_adapter_starts_next_to_the_text_encoder(model: VPD) -> None:
    assert isinstance(model.adapter, TextAdapter)
    with torch.no_grad():
        adapted = model.encode_text(TEXTS).tokens
        plain = model.backbone.encode_text(TEXTS, 24).tokens
        mlp = model.adapter.mlp
        expected = plain + 1e-4 * mlp[2](nn.functional.gelu(mlp[0](plain)))
    torch.testing.assert_close(adapted, expected)


@pytest.mark.parametrize("max_tokens", [6, 24])
def test_instructions_are_padded_or_cut_to_the_tokens_asked_for(max_tokens: int, images: torch.Tensor) -> None:
    model = build(max_tokens=max_tokens)
    text = model.encode_text(["get a red cup"])  # 10 letters and two ends
    assert text.tokens.shape == (1, max_tokens, 16)
    assert text.mask.sum() == min(max_tokens, 12)
    assert logits_of(model, images).shape == (2, 1, 8, 8)


def test_latents_are_scaled_unless_told_otherwise(images: torch.Tensor) -> None:
    factors = []
    for scaled in (True, False):
        model = build(scale_latents=scaled)
        model.backbone.scaling_factor.fill_(0.25)
        factors.append(model._latents(images, None))
    torch.testing.assert_close(factors[0], 0.25 * factors[1])


def test_noise_is_that_of_stable_diffusion(images: torch.Tensor) -> None:
    model = build(noise_timestep=500)
    text, latents, noise = model.encode_text(TEXTS), torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    sample, timestep = model._noised(latents, text, noise)
    betas = torch.linspace(0.00085**0.5, 0.0120**0.5, 1000, dtype=torch.float64) ** 2
    kept = (1 - betas)[:501].prod()
    expected = kept.sqrt() * latents.double() + (1 - kept).sqrt() * noise.double()
    torch.testing.assert_close(sample.double(), expected, atol=1e-5, rtol=1e-5)
    assert timestep == 500
    assert torch.equal(logits_of(model, images), logits_of(model, images))
    assert not torch.allclose(logits_of(model, images), logits_of(model, images, noise=noise), atol=1e-6)
    one, other = logits_of(model, images), logits_of(model, images.flip(0), TEXTS[::-1]).flip(0)
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)  # the place in a batch does not matter


def test_training_draws_noise_from_the_seed_of_its_step(images: torch.Tensor) -> None:
    model = build(noise_timestep=500).train()
    answers = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        answers.append(logits_of(model, images))
    assert torch.equal(answers[0], answers[1])
    assert not torch.allclose(answers[0], answers[2], atol=1e-6)


def test_guided_denoising_ends_at_the_image_where_the_unet_knows_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(noise_timestep=500, denoising_steps=4)
    clean, noise = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    asked: list[tuple[int, torch.Tensor]] = []

    class Oracle(nn.Module):
        def forward(self, sample: torch.Tensor, timestep: int, encoder_hidden_states: torch.Tensor) -> SimpleNamespace:
            asked.append((timestep, encoder_hidden_states))
            kept = model.scheduler.alphas_cumprod[timestep]
            return SimpleNamespace(sample=(sample - kept.sqrt() * clean) / (1 - kept).sqrt())

    text = model.encode_text(TEXTS)
    monkeypatch.setitem(model.backbone._modules, "unet", Oracle())
    sample, timestep = model._noised(clean, text, noise)
    kept = model.scheduler.alphas_cumprod[0]  # where Stable Diffusion's steps end
    torch.testing.assert_close(sample, kept.sqrt() * clean + (1 - kept).sqrt() * noise, atol=1e-3, rtol=1e-3)
    assert timestep == 1
    assert [t for t, _ in asked] == [499, 374, 249, 124]
    assert all(tokens is text.tokens for _, tokens in asked)


def test_guided_denoising_answers(images: torch.Tensor) -> None:
    model = build(noise_timestep=500, denoising_steps=2)
    assert torch.equal(logits_of(model, images), logits_of(model, images))
    answer = model.initial(images, model.encode_text(TEXTS))
    answer.logits.sum().backward()  # type: ignore[no-untyped-call]
    assert model.backbone.unet.conv_out.weight.grad is None  # nothing is learned in the denoising itself


@pytest.mark.slow
@pytest.mark.parametrize("fields", [{}, {"freeze_unet": True, "lora_rank": 2}])
def test_saving_memory_changes_no_gradient(fields: dict[str, Any], images: torch.Tensor) -> None:
    model = build(**fields).train()
    found = []
    for save in (False, True):
        if save:
            save_memory(model)
        model.zero_grad()
        model.initial(images, model.encode_text(TEXTS)).logits.sum().backward()  # type: ignore[no-untyped-call]
        found.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-4, rtol=1e-3)


@pytest.mark.slow
def test_lora_starts_as_nothing_and_is_saved(tmp_path: Path, images: torch.Tensor) -> None:
    write_pipeline(tmp_path / "pipeline")
    fields: dict[str, Any] = {"checkpoint": str(tmp_path / "pipeline"), "freeze_unet": True}
    plain, added = build(**fields), build(**fields, lora_rank=2)
    for model in (plain, added):
        load_encoders(model)
    added.head.load_state_dict(plain.head.state_dict())
    added.adapter.load_state_dict(plain.adapter.state_dict())
    torch.testing.assert_close(logits_of(added, images), logits_of(plain, images))
    learning = {n for n, p in added.backbone.named_parameters() if p.requires_grad}
    layers = sum(map(len, cross_attention_layers(added.backbone.unet).values())) + 1  # and the middle one
    assert len(learning) == 2 * 3 * layers
    assert all(".attn2.to_" in name and ".lora_" in name for name in learning)
    with torch.no_grad():
        for name, parameter in added.backbone.named_parameters():
            if ".lora_B." in name:
                parameter.normal_()
    assert not torch.allclose(logits_of(added, images), logits_of(plain, images), atol=1e-4)
    added.save_pretrained(tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert isinstance(again, VPD)
    torch.testing.assert_close(logits_of(again, images), logits_of(added, images), atol=2e-2, rtol=2e-2)


def test_lora_without_peft_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ConfigError, match="lora_rank is 2, expected 0 because peft is not installed"):
        build(freeze_unet=True, lora_rank=2)
    build()


def test_the_text_tower_may_be_that_of_another_diffusion_model(tmp_path: Path) -> None:
    parts = write_pipeline(tmp_path / "other")
    name = str(tmp_path / "other")
    assert text_encoder_sizes(name)["hidden_size"] == TOY["text_encoder"]["hidden_size"]
    torch.testing.assert_close(load_text_encoder(name).state_dict(), parts.text_encoder.state_dict())
    model = build(text_checkpoint=name, checkpoint="nowhere")
    assert load_tokenizer(model.config).get_vocab() == CLIP_TOKENIZER.get_vocab()


def test_a_narrower_text_tower_is_projected(tmp_path: Path, images: torch.Tensor) -> None:
    parts, tower = write_pipeline(tmp_path / "pipeline"), write_text_tower(tmp_path / "tower", hidden_size=8)
    sizes = {**TOY, "text_encoder": {**TOY["text_encoder"], "hidden_size": 8}}
    model = build(sizes=sizes, checkpoint=str(tmp_path / "pipeline"), text_checkpoint=str(tmp_path / "tower"))
    load_encoders(model)
    torch.testing.assert_close(model.backbone.unet.state_dict(), parts.unet.state_dict())
    torch.testing.assert_close(model.backbone.text_encoder.state_dict(), tower.state_dict())
    assert model.project.weight.shape == (16, 8)
    assert "project" in trainable(model)
    assert logits_of(model, images).shape == (2, 1, 8, 8)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_size": 100}, "image_size is 100, expected a multiple of 64"),
        ({"attention_mode": "sum"}, "attention_mode is 'sum', expected one of concat, daam, none"),
        ({"attention_strides": (64,)}, r"attention_strides is \(64,\), expected some of 8, 16, 32"),
        ({"attention_strides": ()}, r"attention_strides is \(\), expected some of"),
        ({"attention_strides": (16, 16)}, "each once"),
        ({"max_tokens": 25}, "max_tokens is 25, expected 3 to the 24 of the text encoder"),
        ({"lora_rank": 4}, "lora_rank is 4, expected 0 if the UNet itself learns"),
        ({"noise_timestep": 1000}, "noise_timestep is 1000, expected 0 to 999"),
        ({"denoising_steps": 2}, "denoising_steps is 2, expected 0 to noise_timestep"),
        ({"decoder_channels": 20}, "decoder_channels is 20, expected a positive multiple of 8"),
        ({"decoder_norm": "layer"}, "decoder_norm is 'layer'"),
        ({"num_inference_steps": 4}, "num_inference_steps is 4, expected 0"),
        ({"sizes": {**TOY, "unet": {**TOY["unet"], "block_out_channels": (16, 16, 16)}}}, "expected four levels"),
    ],
)
def test_configurations_that_no_model_has(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(CONFIG, **fields)


def test_the_configuration_survives_its_dictionary() -> None:
    assert config_from_dict(VPD_SD15.to_dict()) == VPD_SD15
