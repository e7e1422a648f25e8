"""Official VPD checkpoints become our VPD: same functions, nothing left over."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusion_stand_ins import CLIP_TOKENIZER, write_text_tower
from official_lavt import State
from official_vpd import DECODER, IMAGE, TOKENS, WIDTHS, OfficialVPD, write_checkpoint
from transformers import CLIPTextModel

from mdsm_ros.checkpoints.convert.checkpoint import read_checkpoint
from mdsm_ros.checkpoints.convert.vpd import convert_vpd
from mdsm_ros.commands.main import main
from mdsm_ros.errors import WeightsError
from mdsm_ros.models.vpd.config import VPDConfig
from mdsm_ros.models.vpd.network import VPD
from mdsm_ros.segmenter import Segmenter

pytestmark = pytest.mark.slow

TEXTS = ["a cup", "the box"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint and CLIP's text encoder."""
    root = tmp_path_factory.mktemp("vpd")
    write_text_tower(root / "clip", 16)
    return root


@pytest.fixture(scope="module")
def official(workplace: Path) -> State:
    return write_checkpoint(workplace / "vpd.pth")


@pytest.fixture(scope="module")
def text_encoder(workplace: Path) -> CLIPTextModel:
    return CLIPTextModel.from_pretrained(workplace / "clip")


@pytest.fixture(scope="module")
def converted(workplace: Path, official: State, text_encoder: CLIPTextModel) -> VPD:
    return convert_vpd(read_checkpoint(workplace / "vpd.pth"), text_encoder, CLIP_TOKENIZER)


def test_the_converted_model_is_the_official_functions(
    official: State, text_encoder: CLIPTextModel, converted: VPD
) -> None:
    """VAE, adapter, UNet, attention maps and decoder in float64."""
    images = torch.rand(2, 3, IMAGE, IMAGE, generator=torch.Generator().manual_seed(3)).double()
    model = VPD(converted.config, converted.tokenizer)
    model.load_state_dict(converted.state_dict())
    model = model.double().eval()
    reference = OfficialVPD(official)
    known = set(reference.state)
    ids = CLIP_TOKENIZER(TEXTS, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt")[
        "input_ids"
    ]
    with torch.inference_mode():
        words = copy.deepcopy(text_encoder).double()(input_ids=ids).last_hidden_state
        text, latents = model.encode_text(TEXTS), model._latents(images, None)
        torch.testing.assert_close(text.tokens, reference.adapt(words))
        torch.testing.assert_close(latents, reference.latents(images), atol=1e-9, rtol=1e-9)
        expected = reference.probability(images, words)
        answer = model.initial(images, text)
    assert set(reference.state) == known  # nothing was made up on the way
    assert float(expected.std()) > 0.02
    torch.testing.assert_close(answer.logits.sigmoid()[:, 0], expected, atol=1e-6, rtol=0)


def test_sizes_are_told_by_the_shapes(converted: VPD) -> None:
    config = converted.config
    assert (config.image_size, config.max_tokens, config.decoder_channels) == (IMAGE, TOKENS, DECODER)
    assert config.sizes["unet"]["block_out_channels"] == WIDTHS
    assert not config.scale_latents  # VPD's code leaves it out


def test_the_checkpoint_has_every_name_that_stable_diffusion_has(converted: VPD) -> None:
    with torch.device("meta"):
        full = VPD(VPDConfig(), CLIP_TOKENIZER).state_dict()
    text = "backbone.text_encoder."  # which is not in the checkpoint
    ours, theirs = ({name for name in s if not name.startswith(text)} for s in (converted.state_dict(), full))
    assert ours == theirs


def _extra(state: State) -> None:
    state["unet.unet.diffusion_model.label_emb.0.weight"] = torch.zeros(4, 4)


def _extra_head(state: State) -> None:
    state["classifier.conv9_9.weight"] = torch.zeros(4, 4)


def _without_norm(state: State) -> None:
    del state["encoder_vq.encoder.mid.attn_1.norm.bias"]


def _without_conv(state: State) -> None:
    del state["unet.unet.diffusion_model.output_blocks.2.1.conv.bias"]


def _wider(state: State) -> None:
    state["unet.unet.diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight"] = torch.zeros(128, 24)


def _without_gamma(state: State) -> None:
    del state["gamma"]


def _wider_gamma(state: State) -> None:
    state["gamma"] = torch.zeros(24)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_extra, r"diffusion_model\.label_emb\.0\.weight of the checkpoint has no place"),
        (_extra_head, r"classifier\.conv9_9\.weight of the checkpoint has no place"),
        (_without_norm, r"no tensor for backbone\.vae\.encoder\.mid_block\.attentions\.0\.group_norm\.bias \(128\)"),
        (_without_conv, r"the checkpoint has no unet\.unet\.diffusion_model\.output_blocks\.2\.1\.conv\.bias"),
        (_wider, r"middle_block\.1\..*to_k\.weight is \(128, 24\), expected \(128, 16\)"),
        (_without_gamma, "the checkpoint has no gamma, expected a VPD"),
        (_wider_gamma, "text encoder is 16 wide, expected 24"),
    ],
)
def test_what_does_not_fit_is_named(
    workplace: Path, official: State, text_encoder: CLIPTextModel, change: Callable[[State], None], message: str
) -> None:
    content: dict[str, Any] = read_checkpoint(workplace / "vpd.pth")
    change(content["model"])
    with pytest.raises(WeightsError, match=message):
        convert_vpd(content, text_encoder, CLIP_TOKENIZER)


def test_the_command_makes_a_model_that_always_answers(workplace: Path, official: State) -> None:
    out = workplace / "model"
    options = ["convert", workplace / "vpd.pth", "--out", out, "--tokenizer", workplace / "clip"]
    assert main([*map(str, options)]) == 0
    assert "license: mit" in (out / "README.md").read_text()
    segmenter = Segmenter.from_pretrained(out, device="cpu")
    picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    answer = segmenter.segment(picture, TEXTS[0])
    assert answer.present
    assert answer.score == 1.0
