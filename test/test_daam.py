from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusion_stand_ins import CLIP_TOKENIZER, TOY, write_pipeline

from mdsm_ros.checkpoints.pretrained import load_encoders
from mdsm_ros.errors import ConfigError
from mdsm_ros.models.daam.config import DAAMConfig
from mdsm_ros.models.daam.network import DAAM, SHARPNESS
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


@pytest.mark.parametrize("fields", [{"timesteps": ()}, {"timesteps": (0,)}, {"heat_threshold": 1.0}])
def test_what_cannot_be_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(fields))} is .*expected"):
        DAAMConfig.from_dict(fields)
