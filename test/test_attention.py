from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusion_stand_ins import CLIP_TOKENIZER, TOY
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.commands.attention.maps import COLUMNS, TILE_WIDTH, attention_sheet, heat, word_maps
from mdsm_ros.commands.attention.noise import noise_sheet, noised
from mdsm_ros.commands.attention.steps import MOST_SHOWN, refinement_steps, steps_sheet
from mdsm_ros.commands.main import main
from mdsm_ros.errors import AttentionError
from mdsm_ros.models.common.fusion import PWAM
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.mdsm import MDSM_TINY
from mdsm_ros.models.vpd.config import VPDConfig
from mdsm_ros.models.vpd.network import VPD
from mdsm_ros.segmenter import Segmenter

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
TEXT = "get the red cup"


@pytest.fixture(scope="module")
def vpd() -> Segmenter:
    torch.manual_seed(0)
    config = VPDConfig(sizes=TOY, image_size=64, max_tokens=24, decoder_channels=16, decoder_norm="group")
    return Segmenter(VPD(config, CLIP_TOKENIZER), "toy", "cpu")


def test_every_word_gets_the_mean_map_of_its_tokens(vpd: Segmenter) -> None:
    words = word_maps(vpd, IMAGE, TEXT)
    assert [w.word for w in words] == TEXT.split()
    assert all(w.attention.shape == (60, 80) for w in words)

    def maps(images: torch.Tensor, text: TextFeatures) -> torch.Tensor:
        return torch.arange(24.0).view(1, 24, 1, 1).expand(1, 24, 8, 8)

    vpd.model.attention_maps = maps  # type: ignore[attr-defined]
    try:  # the stand-in's tokens are letters, after one for the start
        means = [float(w.attention.mean()) for w in word_maps(vpd, IMAGE, TEXT)]
    finally:
        del vpd.model.attention_maps  # type: ignore[attr-defined]
    assert means == pytest.approx([2, 5, 8, 11])


def test_words_past_the_limit_of_the_model_have_no_map(vpd: Segmenter) -> None:
    words = word_maps(vpd, IMAGE, "bring the lamp and the red cup on the table")
    assert [w.word for w in words][:4] == ["bring", "the", "lamp", "and"]
    assert "table" not in [w.word for w in words]


def test_the_maps_of_a_vpd_are_those_of_all_its_pixels(vpd: Segmenter) -> None:
    model = vpd.model
    assert isinstance(model, VPD)
    with torch.inference_mode():
        maps = model.attention_maps(torch.rand(1, 3, 64, 64), model.encode_text([TEXT]))
    torch.testing.assert_close(maps.sum(dim=1), torch.full((1, 8, 8), 2.0))  # two sizes


def test_mdsm_shows_its_pixel_word_attention(untrained_weights: Path) -> None:
    segmenter = Segmenter.from_pretrained(untrained_weights, device="cpu")
    words = word_maps(segmenter, IMAGE, TEXT)
    assert [w.word for w in words] == TEXT.split()
    assert 0 < float(words[0].attention.mean()) < 4  # the sum over four stages and all tokens is 4


def test_pixel_word_attention_sums_to_one_and_leaves_padding_out() -> None:
    mask = torch.tensor([[True, True, False]])
    pwam = PWAM(8, 12)
    words = pwam.read(TextFeatures(torch.randn(1, 3, 12), mask))
    attention = pwam.attention(torch.randn(1, 4, 4, 8), words)
    torch.testing.assert_close(attention.sum(dim=2), torch.ones(1, 16))
    assert attention[..., 2].max() == 0


def test_heat_is_brightest_where_attention_is_largest() -> None:
    attention = np.zeros((4, 4), dtype=np.float32)
    attention[1, 2] = 3.0
    grey: NDArray[np.uint8] = np.full((4, 4, 3), 100, dtype=np.uint8)
    brightness = heat(grey, attention).sum(axis=-1)
    assert np.unravel_index(brightness.argmax(), (4, 4)) == (1, 2)
    assert len(np.unique(brightness)) == 2
    assert len(np.unique(heat(grey, np.ones((4, 4), dtype=np.float32)).sum(axis=-1))) == 1


def test_the_sheet_has_a_tile_for_the_answer_and_for_every_word(vpd: Segmenter) -> None:
    sheet = attention_sheet(vpd, IMAGE, TEXT)
    assert sheet.shape[1] == COLUMNS * TILE_WIDTH
    assert 2 * TILE_WIDTH * 60 / 80 < sheet.shape[0] < 3 * TILE_WIDTH * 60 / 80  # two rows and their captions


def test_models_without_attention_say_so(vpd: Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(VPD, "attention_maps")
    with pytest.raises(AttentionError, match="model 'toy' has no attention maps"):
        word_maps(vpd, IMAGE, TEXT)


def test_the_noise_sheet_has_a_row_for_every_timestep(vpd: Segmenter) -> None:
    assert isinstance(vpd.model, VPD)
    trained = vpd.model.config
    sheet = noise_sheet(vpd, IMAGE, TEXT, [0, 5, 500])
    assert sheet.shape[1] == (2 + len(TEXT.split())) * TILE_WIDTH
    height = TILE_WIDTH * 60 // 80
    rows = [sheet[i * len(sheet) // 3 :][:height] for i in range(3)]  # all captions have one line
    shown = [row[:, :TILE_WIDTH].astype(int) for row in rows]
    assert np.abs(shown[1] - shown[0]).mean() < np.abs(shown[2] - shown[0]).mean()
    words = [row[:, 2 * TILE_WIDTH :] for row in rows]
    assert (words[0] != words[2]).any()  # the model saw the noise
    assert vpd.model.config is trained


def test_pixels_get_the_noise_of_the_schedule(vpd: Segmenter) -> None:
    model = vpd.model
    assert isinstance(model, VPD)
    grey: NDArray[np.uint8] = np.full((64, 64, 3), 128, dtype=np.uint8)
    assert noised(model, grey, 0) is grey
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2  # Stable Diffusion's
    spread = np.sqrt(1 - np.prod(1 - betas[:101]))
    assert noised(model, grey, 100).std() / 127.5 == pytest.approx(spread, rel=0.05)


def test_other_models_see_no_noise(untrained_weights: Path) -> None:
    with pytest.raises(AttentionError, match="expected a VPD for --timestep"):
        noise_sheet(Segmenter.from_pretrained(untrained_weights, device="cpu"), IMAGE, TEXT, [0])


def test_the_steps_of_refinement_are_shown(untrained_weights: Path) -> None:
    segmenter = Segmenter.from_pretrained(untrained_weights, device="cpu")
    initial, steps = refinement_steps(segmenter, IMAGE, TEXT, 3)
    first, last = segmenter.stream(IMAGE, TEXT, num_inference_steps=3, present_threshold=0.0)
    assert np.array_equal(initial, first.mask)
    assert np.array_equal(steps[-1].probability, last.probability)
    assert [step.timestep for step in steps] == sorted((step.timestep for step in steps), reverse=True)
    assert len(steps) == 3
    assert np.abs(steps[0].noisy).max() > 1  # noise beyond the mask's range
    sheet = steps_sheet(segmenter, IMAGE, TEXT, 3)
    assert sheet.shape[1] == 4 * TILE_WIDTH  # the image, and a column for each step
    assert steps_sheet(segmenter, IMAGE, TEXT, 30).shape[1] == (1 + MOST_SHOWN) * TILE_WIDTH


def test_models_that_do_not_refine_have_no_steps(vpd: Segmenter) -> None:
    with pytest.raises(AttentionError, match="model 'toy' has no refinement steps, expected MDSM"):
        refinement_steps(vpd, IMAGE, TEXT, 3)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(IMAGE).save(tmp_path / "photo.jpg")
    return tmp_path / "photo.jpg"


def test_the_command_writes_the_sheet(photo: Path, vpd: Segmenter, tmp_path: Path) -> None:
    assert isinstance(vpd.model, VPD)
    vpd.model.save_pretrained(tmp_path / "model")
    out = tmp_path / "sheets" / "attention.png"
    options = ["--model", str(tmp_path / "model"), "--device", "cpu", "--out", str(out)]
    assert main(["attention", str(photo), TEXT, *options]) == 0
    with Image.open(out) as sheet:
        assert sheet.width == COLUMNS * TILE_WIDTH
    assert main(["attention", str(photo), TEXT, *options, "--timestep", "0", "500"]) == 0
    with Image.open(out) as sheet:
        assert sheet.width == 6 * TILE_WIDTH


def test_the_command_writes_the_steps(photo: Path, untrained_weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "steps.png"
    options = ["--model", str(untrained_weights), "--device", "cpu", "--steps", "--out", str(out)]
    assert main(["attention", str(photo), TEXT, *options]) == 0
    with Image.open(out) as sheet:
        assert sheet.width == (1 + MDSM_TINY.num_inference_steps) * TILE_WIDTH


def test_the_command_names_what_is_wrong(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        ([str(tmp_path / "nothing.jpg"), TEXT], "nothing.jpg"),
        ([str(photo), " "], "instruction"),
        ([str(photo), TEXT, "--model", str(tmp_path / "nothing")], "nothing"),
    ):
        assert main(["attention", *arguments]) == 2
        assert message in capsys.readouterr().err
