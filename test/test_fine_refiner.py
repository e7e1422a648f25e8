"""A refiner that sees the semantic branch's finest map and adds to the initial mask, and partly frozen encoders."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from stand_ins import SMALL, TOKENIZER

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.common.diffusion import to_logits, to_signal
from mdsm_ros.models.layers.efficientnet import EfficientNetLite0, SameConv
from mdsm_ros.models.mdsm.network import MDSM
from training.train.start import start_from

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
FINE = dataclasses.replace(SMALL, refiner_fine=True, refiner_residual=True)


def make(config: object) -> MDSM:
    torch.manual_seed(0)
    return MDSM(config, TOKENIZER).eval()  # type: ignore[arg-type]


def test_logits_come_back_from_their_signal() -> None:
    logits = torch.linspace(-5.5, 5.5, 12)
    torch.testing.assert_close(to_logits(to_signal(logits)), logits, atol=1e-4, rtol=1e-4)
    assert to_logits(torch.tensor([-1.0, 1.0], dtype=torch.bfloat16)).isfinite().all()


@torch.inference_mode()
def test_a_residual_refiner_begins_with_the_initial_mask() -> None:
    model = make(FINE)
    answer = model.initial(torch.rand(2, 3, 64, 64), model.encode_text(["get the lamp", "get the red cup"]))
    refined = model.refine(answer.features, answer.logits, 2, torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(answer.logits, size=refined.shape[-2:], mode="bilinear")
    torch.testing.assert_close(refined, expected.clamp(-5.99, 5.99), atol=1e-3, rtol=1e-3)


@torch.inference_mode()
def test_the_finest_map_reaches_the_refiner_computed_or_not() -> None:
    model = make(FINE)
    images, index = torch.rand(2, 3, 64, 64), torch.tensor([0, 1, 1])
    text = model.encode_text(["get the lamp", "get the red cup", "get the book"])
    answer = model.initial(images, text, index)
    cached = model.initial(images, text, index, model.intermediate.semantic(images))
    before = model.condition(answer.features, answer.logits)
    assert answer.features.fine is not None
    assert cached.features.fine is None
    torch.testing.assert_close(model.condition(cached.features, cached.logits), before, atol=1e-5, rtol=1e-4)
    torch.nn.init.normal_(model.refiner.project[-1].weight)  # type: ignore[arg-type]
    assert (model.condition(answer.features, answer.logits) - before).abs().max() > 1e-2


def test_a_residual_refiner_starts_from_either_sort(tmp_path: Path) -> None:
    make(SMALL).save_pretrained(tmp_path / "plain")
    model = make(FINE)
    assert "refiner.unet.conv_out" in start_from(model, str(tmp_path / "plain"))  # among what is not in it
    assert not model.refiner.unet.conv_out.weight.any()
    torch.nn.init.ones_(model.refiner.unet.conv_out.weight)
    model.save_pretrained(tmp_path / "residual")
    again = make(FINE)
    start_from(again, str(tmp_path / "residual"))
    assert bool((again.refiner.unet.conv_out.weight == 1).all())


def test_a_fine_refiner_needs_an_efficientnet() -> None:
    with pytest.raises(ConfigError, match="refiner_fine is True, expected False without an EfficientNet"):
        dataclasses.replace(SMALL, refiner_fine=True, semantic_encoder="clip", text_maps=0, swin_input="image")


def test_frozen_stages_get_no_gradient() -> None:
    network = EfficientNetLite0(frozen_stages=2)
    sum(level.sum() for level in network(torch.rand(1, 3, 64, 64))).backward()  # type: ignore[union-attr]
    frozen = {
        name.split(".")[1] for name, p in network.named_parameters() if name.startswith("blocks") and p.grad is None
    }
    assert network.conv_stem.weight.grad is None
    assert frozen == {"0", "1"}


def test_depthwise_convolutions_train_in_32_bits_on_the_cpu() -> None:
    depthwise, pointwise = SameConv(8, 8, 3, groups=8), SameConv(8, 8, 1)
    x = torch.rand(1, 8, 6, 6, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        assert depthwise(x).dtype == torch.float32
        assert pointwise(x).dtype == depthwise(x.detach()).dtype == torch.bfloat16
