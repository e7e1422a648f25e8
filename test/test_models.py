from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional
from transformers import BertTokenizerFast

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.common import diffusion
from mdsm_ros.models.common.fusion import PWAM, LanguageGate
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.common.vision import ClipPatches, ParallelJoin
from mdsm_ros.models.config import LAVTConfig, MDSMConfig
from mdsm_ros.models.families import config_from_dict
from mdsm_ros.models.lavt import LAVT_BASE, LAVT_TINY
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.models.mdsm import MDSM_BASE, MDSM_TINY
from mdsm_ros.models.mdsm.network import MDSM

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "get", "the", "red", "blue", "cup", "lamp"]


@pytest.fixture(scope="module")
def model() -> MDSM:
    torch.manual_seed(0)
    tokenizer = BertTokenizerFast(vocab={word: i for i, word in enumerate(WORDS)})
    return MDSM(MDSM_TINY, tokenizer).eval()


def _text(batch: int = 2, tokens: int = 5, dim: int = 12) -> TextFeatures:
    mask = torch.ones(batch, tokens, dtype=torch.bool)
    mask[-1, 3:] = False
    return TextFeatures(torch.randn(batch, tokens, dim), mask)


def test_pwam_is_the_formula_of_lavt() -> None:
    torch.manual_seed(0)
    pwam, text, visual = PWAM(8, 12).double(), _text(), torch.randn(2, 3, 4, 8).double()
    text = TextFeatures(text.tokens.double(), text.mask)
    pixels = visual.reshape(2, 12, 8)

    def norm(x: torch.Tensor) -> torch.Tensor:  # over the pixels of each channel, biased variance
        return (x - x.mean(1, keepdim=True)) / torch.sqrt(x.var(1, unbiased=False, keepdim=True) + 1e-5)

    def linear(layer: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        return x @ layer.weight.T + layer.bias

    expected = []
    for b, length in enumerate((5, 3)):  # padding is cut off by hand here
        tokens = text.tokens[b : b + 1, :length]
        query, key, value = (
            norm(linear(pwam.query, pixels[b : b + 1])),
            linear(pwam.key, tokens),
            linear(pwam.value, tokens),
        )
        scores = torch.softmax(query @ key.transpose(1, 2) / 8**0.5, dim=-1)
        gathered = norm(linear(pwam.language_out, scores @ value))
        seen = functional.gelu(linear(pwam.visual[0], pixels[b : b + 1]))  # type: ignore[arg-type]
        expected.append(functional.gelu(linear(pwam.out[0], seen * gathered)))  # type: ignore[arg-type]
    torch.testing.assert_close(pwam(visual, pwam.read(text)).reshape(2, 12, 8), torch.cat(expected))


def test_language_gate_is_the_formula_of_lavt() -> None:
    gate, fused = LanguageGate(6), torch.randn(2, 3, 3, 6)
    first, second = gate.state_dict().values()
    expected = torch.tanh(functional.relu(fused @ first.T) @ second.T) * fused
    torch.testing.assert_close(gate(fused), expected)


def test_join_starts_as_identity_on_swin() -> None:
    join, swin = ParallelJoin(8, 6, 8, 4), torch.randn(2, 4, 4, 8)
    torch.testing.assert_close(join(swin, torch.zeros(2, 6, 2, 2)), swin)
    assert not torch.allclose(join(swin, torch.randn(2, 6, 2, 2)), swin)


def test_mdsm_tiny_is_small(model: MDSM) -> None:
    assert sum(value.numel() * 2 for value in model.state_dict().values()) < 16 * 2**20  # bytes of half precision


def test_shapes_of_both_stages(model: MDSM) -> None:
    images = torch.rand(2, 3, 128, 128)
    with torch.inference_mode():
        answer = model.initial(images, model.encode_text(["get the red cup", "get the lamp"]))
        refined = model.refine(answer.features, answer.logits, 2, torch.Generator().manual_seed(0))
    assert answer.logits.shape == (2, 1, 32, 32)
    assert answer.present_logits.shape == (2,)
    assert [f.shape[-1] for f in answer.features.fused] == [32, 16, 8, 4]
    assert refined.shape == (2, 1, 32, 32)


def test_several_samples_are_refined_at_once_each_from_noise_of_its_own(model: MDSM) -> None:
    with torch.inference_mode():
        answer = model.initial(torch.rand(2, 3, 128, 128), model.encode_text(["get the red cup", "get the lamp"]))
        several = model.refine(answer.features, answer.logits, 2, torch.Generator().manual_seed(0), samples=3)
        assert several.shape == (2, 3, 32, 32)
        assert not torch.allclose(several[:, 0], several[:, 1])
        noise = model.mask_noise(6, torch.Generator().manual_seed(0))
        model.mask_noise = lambda batch_size, generator=None: noise[[1, 4]]  # type: ignore[method-assign]
        second = model.refine(answer.features, answer.logits, 2)
    del model.mask_noise
    torch.testing.assert_close(second[:, 0], several[:, 1], atol=1e-4, rtol=1e-3)


def test_without_clip_the_initial_mask_is_lavts() -> None:
    """MDSM with CLIP off and stage 1 only is the same function as LAVT, weight for weight."""
    torch.manual_seed(0)
    tokenizer = BertTokenizerFast(vocab={word: i for i, word in enumerate(WORDS)})
    mdsm = MDSM(dataclasses.replace(MDSM_TINY, use_clip=False), tokenizer).eval()
    lavt = LAVT(dataclasses.replace(LAVT_TINY, max_tokens=MDSM_TINY.max_tokens), tokenizer).eval()
    state = {name: value for name, value in mdsm.state_dict().items() if not name.startswith("refiner.")}
    lavt.load_state_dict(state)
    images, texts = torch.rand(2, 3, 128, 128), ["get the red cup", "get the lamp"]
    with torch.inference_mode():
        ours, theirs = (m.initial(images, m.encode_text(texts)) for m in (mdsm, lavt))
    torch.testing.assert_close(ours.logits, theirs.logits, atol=0, rtol=0)
    torch.testing.assert_close(ours.present_logits, theirs.present_logits, atol=0, rtol=0)


def test_lavt_reads_twenty_tokens_where_not_told_otherwise() -> None:
    tokenizer = BertTokenizerFast(vocab={word: i for i, word in enumerate(WORDS)})
    text = " ".join(["get"] * 40)
    for limit in (20, 64):
        lavt = LAVT(dataclasses.replace(LAVT_TINY, max_tokens=limit), tokenizer)
        assert lavt.encode_text([text]).tokens.shape[1] == min(limit, 42)
    assert LAVT_TINY.max_tokens == 20


@pytest.mark.parametrize(("branch", "other"), [("swin", "clip"), ("clip", "swin")])
def test_one_visual_branch_is_enough(branch: str, other: str) -> None:
    tokenizer = BertTokenizerFast(vocab={word: i for i, word in enumerate(WORDS)})
    model = MDSM(dataclasses.replace(MDSM_TINY, **{f"use_{other}": False}), tokenizer).eval()  # type: ignore[arg-type]
    assert not [name for name in model.state_dict() if name.startswith(f"intermediate.{other}.")]
    images = torch.rand(1, 3, 128, 128, requires_grad=True)
    answer = model.initial(images, model.encode_text(["get the red cup"]))
    assert answer.logits.shape == (1, 1, 32, 32)
    (gradient,) = torch.autograd.grad(answer.logits.sum(), images)
    assert gradient.abs().sum() > 0
    assert model.refine(answer.features, answer.logits, 1).shape == (1, 1, 32, 32)


def test_padding_does_not_change_the_answer(model: MDSM) -> None:
    image = torch.rand(1, 3, 128, 128)
    with torch.inference_mode():
        alone = model.initial(image, model.encode_text(["get the lamp"]))
        texts = model.encode_text(["get the lamp", "get the red cup the blue cup"])
        padded = model.initial(image.expand(2, -1, -1, -1), texts)
    torch.testing.assert_close(alone.logits[0], padded.logits[0], atol=1e-4, rtol=1e-3)


def test_instructions_that_share_an_image_get_the_same_answers(model: MDSM) -> None:
    images, texts = torch.rand(2, 3, 128, 128), ["get the lamp", "get the red cup", "get the blue cup"]
    index = torch.tensor([0, 1, 1])
    with torch.inference_mode():
        text = model.encode_text(texts)
        shared, repeated = model.initial(images, text, index), model.initial(images[index], text)
    torch.testing.assert_close(shared.logits, repeated.logits, atol=1e-5, rtol=1e-4)


def test_language_changes_the_mask(model: MDSM) -> None:
    images = torch.rand(1, 3, 128, 128).expand(2, -1, -1, -1)
    with torch.inference_mode():
        logits = model.initial(images, model.encode_text(["get the red cup", "get the blue lamp"])).logits
    assert (logits[0] - logits[1]).abs().max() > 1e-3


def test_refinement_repeats_with_its_seed(model: MDSM) -> None:
    with torch.inference_mode():
        answer = model.initial(torch.rand(1, 3, 128, 128), model.encode_text(["get the lamp"]))
        first, again, other = (
            model.refine(answer.features, answer.logits, 3, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
        )
    torch.testing.assert_close(first, again, atol=0, rtol=0)
    assert not torch.equal(first, other)


def test_diffusion_ends_where_a_perfect_denoiser_points() -> None:
    scheduler = diffusion.make_scheduler(MDSM_TINY)
    truth = torch.where(torch.rand(2, 1, 8, 8) > 0.5, 6.0, -6.0)
    seen: list[torch.Tensor] = []

    def denoiser(noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        seen.append(noisy)
        return truth

    noise = torch.randn(2, 1, 8, 8)
    refined = diffusion.refine(denoiser, scheduler, torch.zeros(2, 1, 8, 8), noise, 600, 4)
    torch.testing.assert_close(refined, truth)
    away = [(x - diffusion.to_signal(truth)).abs().mean().item() for x in seen]
    assert away == sorted(away, reverse=True)  # every step is nearer to the truth


def test_base_preset_has_the_sizes_of_its_public_encoders() -> None:
    with torch.device("meta"):
        model = MDSM(MDSM_BASE, BertTokenizerFast(vocab={word: i for i, word in enumerate(WORDS)}))
    millions = {
        name: round(sum(p.numel() for p in module.parameters()) / 1e6)
        for name, module in (
            ("swin", model.intermediate.swin),
            ("clip", model.intermediate.clip),
            ("bert", model.language),
        )
        if module is not None
    }
    assert millions == {"swin": 87, "clip": 86, "bert": 109}  # Swin-B, ViT-B/16 and BERT-base as published


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_size", 100),
        ("swin_depths", (2, 2, 6)),
        ("swin_num_heads", (3, 6, 12, 24)),
        ("decoder_norm", "layer"),
        ("start_timestep", 1000),
        ("mask_threshold", 1.5),
        ("refiner_stride", 3),
    ],
)
def test_bad_configs_name_the_field_and_its_value(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field) as error:
        dataclasses.replace(MDSM_TINY, **{field: value})  # type: ignore[arg-type]
    assert repr(value) in str(error.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"model_type": "bisenet"},
            "model_type is 'bisenet', expected one of clipseg, daam, grounded_diffusion, ",
        ),
        ({}, "model_type is None"),
        ({"model_type": "lavt", "num_inference_steps": 4}, "num_inference_steps is 4, expected 0"),
        ({"model_type": "mdsm", "use_swin": False, "use_clip": False}, "use_swin is False"),
    ],
)
def test_configs_that_no_model_has(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config_from_dict(values)


def test_config_type_follows_the_model_type() -> None:
    assert config_from_dict(LAVT_BASE.to_dict()) == LAVT_BASE
    assert isinstance(config_from_dict({"model_type": "lavt"}), LAVTConfig)
    assert config_from_dict(MDSM_BASE.to_dict()) == MDSM_BASE


def test_unknown_config_field() -> None:
    with pytest.raises(ConfigError, match="'colour'"):
        MDSMConfig.from_dict({"colour": "red"})


def test_the_last_decoder_block_and_the_image_of_clip_can_be_smaller(model: MDSM) -> None:
    config = dataclasses.replace(MDSM_TINY, decoder_last_channels=16, clip_input_size=64)
    model = MDSM(config, model.tokenizer).eval()
    assert isinstance(model.intermediate.clip, ClipPatches)
    with torch.inference_mode():
        images = torch.rand(1, 3, 128, 128)
        assert model.intermediate.clip(images)[0].shape[-2:] == (4, 4)
        answer = model.initial(images, model.encode_text(["get the cup"]))
        assert answer.logits.shape == (1, 1, 32, 32)
        assert answer.features.decoded.shape == (1, 16, 32, 32)
        assert model.refine(answer.features, answer.logits, 1).shape == (1, 1, 32, 32)
    for changes, message in (
        ({"clip_input_size": 100}, "clip_input_size is 100, expected a multiple of clip_patch_size"),
        ({"decoder_last_channels": 20}, "decoder_last_channels is 20, expected a multiple of the 8 groups"),
        ({"semantic_encoder": "efficientnet_lite0", "clip_input_size": 64}, "expected None without CLIP"),
    ):
        with pytest.raises(ConfigError, match=message):
            dataclasses.replace(MDSM_TINY, **changes)  # type: ignore[arg-type]
