from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from diffusion_stand_ins import CLIP_TOKENIZER, TOY, write_pipeline
from safetensors.torch import load_file

from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import ConfigError
from mdsm_ros.language.prompts import kind_asked_for, photograph_of
from mdsm_ros.models.grounded_diffusion import GROUNDED_DIFFUSION_SD15
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig
from mdsm_ros.models.grounded_diffusion.grounding import VisualEncoder, unet_channels
from mdsm_ros.models.grounded_diffusion.network import GroundedDiffusion
from mdsm_ros.models.stable_diffusion.config import SD15, TINY
from mdsm_ros.models.stable_diffusion.kind_text import KindText
from mdsm_ros.models.stable_diffusion.network import word_tokens
from mdsm_ros.segmenter import Segmenter
from training.train.command import main

pytestmark = pytest.mark.slow

FIELDS: dict[str, Any] = {
    "image_size": 64,
    "sizes": TOY,
    "grounding_channels": (8, 8, 8, 8),
    "grounding_norm": "group",
    "grounding_patch": 2,
    "grounding_dim": 16,
    "grounding_num_layers": 1,
    "grounding_num_heads": 2,
    "grounding_feedforward": 32,
}
PHOTOGRAPHS = ["a photograph of a cup", "a photograph of a hat", "a photograph of a pen"]


@pytest.fixture(scope="module")
def model() -> GroundedDiffusion:
    torch.manual_seed(0)
    return GroundedDiffusion(GroundedDiffusionConfig(**FIELDS), CLIP_TOKENIZER).eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_stable_diffusion_1_5_has_the_published_channels_and_size() -> None:
    with torch.device("meta"):
        model = GroundedDiffusion(GROUNDED_DIFFUSION_SD15, CLIP_TOKENIZER).eval()
        text = KindText(torch.zeros(2, 77, 768), torch.ones(2, 77, dtype=torch.bool), torch.zeros(1, 77, 768))
        features = model.image_features(torch.zeros(2, 3, 512, 512), text)
        logits = model.grounding(features, text.queries)
    assert [(f.shape[1], f.shape[-1]) for f in features] == [(15360, 8), (14080, 16), (8320, 32), (5120, 64)]
    assert logits.shape == (2, 1, 64, 64)
    assert sum(p.numel() for p in model.grounding.parameters()) == 18_796_560


@pytest.mark.parametrize("sizes", [SD15, TINY, TOY])
def test_channels_are_those_of_the_unet(sizes: dict[str, Any]) -> None:
    with torch.device("meta"):
        model = GroundedDiffusion(GroundedDiffusionConfig(sizes=sizes), CLIP_TOKENIZER).eval()
        width = sizes["text_encoder"]["hidden_size"]
        text = KindText(torch.zeros(1, 5, width), torch.ones(1, 5, dtype=torch.bool), torch.zeros(1, 5, width))
        features = model.image_features(torch.zeros(1, 3, 512, 512), text)
    assert [f.shape[1] for f in features] == [2 * total for total in unet_channels(sizes["unet"])]


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_an_answer_does_not_depend_on_what_else_is_in_the_batch(norm: str, images: torch.Tensor) -> None:
    torch.manual_seed(0)
    config = GroundedDiffusionConfig(**{**FIELDS, "grounding_norm": norm})
    model = GroundedDiffusion(config, CLIP_TOKENIZER).eval()
    with torch.inference_mode():
        together = model.initial(images, model.encode_text(PHOTOGRAPHS))
        for row, text in enumerate(PHOTOGRAPHS):
            alone = model.initial(images[row : row + 1], model.encode_text([text]))
            torch.testing.assert_close(together.logits[row], alone.logits[0], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(together.present_logits[row], alone.present_logits[0], rtol=1e-4, atol=1e-5)
        assert (together.logits[0] - together.logits[1]).abs().max() > 1e-3


def test_several_questions_about_an_image_share_what_does_not_depend_on_them(
    model: GroundedDiffusion, images: torch.Tensor
) -> None:
    text = model.encode_text(PHOTOGRAPHS)
    index = torch.tensor([1, 0, 1])
    with torch.inference_mode():
        shared, repeated = model.initial(images, text, index), model.initial(images[index], text)
    torch.testing.assert_close(shared.logits, repeated.logits, rtol=1e-4, atol=1e-5)


def test_pixels_answer_to_the_kind(model: GroundedDiffusion, images: torch.Tensor) -> None:
    """Only the kind's tokens make the query, and the same image has other logits for another query."""
    text = model.encode_text(["a photograph of a cup"])
    spelled = [int(i) for i in CLIP_TOKENIZER("cup", add_special_tokens=False)["input_ids"]]
    assert text.kind.sum() == len(spelled)
    torch.testing.assert_close(text.queries[0], text.tokens[0, text.kind[0]].mean(dim=0))
    with torch.inference_mode():
        features = model.image_features(images[:1], text)
        other = model.grounding(features, model.encode_text(["a photograph of a hat"]).queries)
        assert (model.grounding(features, text.queries) - other).abs().max() > 1e-3


def test_reducing_before_resizing_changes_nothing() -> None:
    torch.manual_seed(0)
    encoder = VisualEncoder((6, 4), (8, 8), "group").eval()
    coarse, fine = torch.randn(1, 6, 4, 4), torch.randn(1, 4, 8, 8)
    published = [
        encoder.reduce[0](torch.nn.functional.interpolate(coarse, size=(8, 8), mode="bilinear")),
        encoder.reduce[1](fine),
    ]
    torch.testing.assert_close(encoder([coarse, fine]), encoder.mix[0](torch.cat(published, dim=1)))


@pytest.mark.parametrize(
    ("instruction", "kind"),
    [
        ("a photograph of a trash can", "trash can"),
        ("A photograph of boots", "boots"),
        ("a photograph of an alarm clock", "alarm clock"),
        ("Go to the kitchen and get the red mug next to the radio", "red mug"),
        ("empty the black trash can by the sofa", "black trash can"),
    ],
)
def test_the_kind_that_an_instruction_asks_for(instruction: str, kind: str) -> None:
    assert kind_asked_for(instruction) == kind


def test_instructions_become_photographs(model: GroundedDiffusion) -> None:
    free, photograph = (
        model.encode_text(["get the red cup next to the hat"]),
        model.encode_text([photograph_of(["red cup"])]),
    )
    assert torch.equal(free.tokens, photograph.tokens)
    assert torch.equal(free.kind, photograph.kind)


def test_words_are_found_among_tokens() -> None:
    texts = ["a cup and a cupboard", "a cup by a cup", "a hat"]
    marked = word_tokens(CLIP_TOKENIZER, texts, ["cup"] * 3, length=24)
    assert marked.shape == (3, 24)
    assert [row.nonzero().flatten().tolist() for row in marked] == [[2, 3, 4], [8, 9, 10], []]


def test_only_the_grounding_module_learns(images: torch.Tensor) -> None:
    torch.manual_seed(0)
    model = GroundedDiffusion(GroundedDiffusionConfig(**FIELDS), CLIP_TOKENIZER).train()
    model.initial(images, model.encode_text(PHOTOGRAPHS)).logits.sum().backward()  # type: ignore[no-untyped-call]
    learning = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert learning == {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad} == {"grounding"}
    assert not model.backbone.training
    assert model.grounding.training


def test_the_module_learns_which_pixels_are_of_which_kind() -> None:
    """Two kinds in each of four pictures, at places of their own, so that neither query nor picture tells alone."""
    torch.manual_seed(0)
    model = GroundedDiffusion(GroundedDiffusionConfig(**FIELDS), CLIP_TOKENIZER).train()
    images, masks = torch.full((4, 3, 64, 64), 0.5), torch.zeros(8, 1, 8, 8)
    for number, image in enumerate(images):
        for kind, shade in enumerate((0.0, 1.0)):
            row, column = 4 * ((number + kind) % 2), 4 * (number // 2)
            image[:, 8 * row : 8 * row + 32, 8 * column : 8 * column + 32] = shade
            masks[2 * number + kind, 0, row : row + 4, column : column + 4] = 1
    text = model.encode_text(PHOTOGRAPHS[:2] * 4)
    features = model.image_features(images, text, torch.arange(4).repeat_interleave(2))
    queries = torch.randn(2, 16).repeat(4, 1)  # a text encoder that has learned nothing has much the same for all words
    optimizer = torch.optim.Adam(model.grounding.parameters(), lr=3e-3)
    for _ in range(80):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model.grounding(features, queries), masks)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.inference_mode():
        found = model.eval().grounding(features, queries) > 0
    overlap, union = (found & (masks > 0)).sum(dim=(1, 2, 3)), (found | (masks > 0)).sum(dim=(1, 2, 3))
    assert (overlap / union).min() > 0.6


def test_the_target_is_in_view_where_a_pixel_belongs_to_it(model: GroundedDiffusion, images: torch.Tensor) -> None:
    with torch.inference_mode():
        answer = model.initial(images, model.encode_text(PHOTOGRAPHS))
    assert torch.equal(answer.present_logits, answer.logits.flatten(1).max(dim=1).values)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("grounding_channels", (8, 8), "grounding_channels is .*, expected one for each of 4 levels"),
        ("grounding_channels", (4, 8, 8, 8), "grounding_channels is .*, expected multiples of 8"),
        ("grounding_patch", 3, "grounding_patch is 3, expected a divisor of the latent's 8 pixels"),
        ("grounding_dim", 15, "grounding_dim is 15, expected a multiple of its 2 heads"),
        ("grounding_norm", "layer", "grounding_norm is 'layer', expected 'batch' or 'group'"),
        ("num_inference_steps", 4, "num_inference_steps is 4, expected 0"),
    ],
)
def test_what_cannot_be_built_is_refused(field: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GroundedDiffusionConfig(**{**FIELDS, field: value})


def test_a_training_starts_from_the_checkpoint_and_ends_as_a_model(tmp_path: Path) -> None:
    parts = write_pipeline(tmp_path / "sd")
    rng = np.random.default_rng(0)
    with DatasetWriter(tmp_path / "data", ["cup"]) as writer:
        for _ in range(4):
            picture, mask = rng.integers(0, 80, (64, 64, 3), dtype=np.uint8), np.zeros((64, 64), dtype=bool)
            mask[16:48, 8:40] = True
            picture[mask] += 120
            image_id = writer.add_image(picture)
            target = writer.add_annotation(image_id, "cup", mask)
            writer.add_instruction(
                image_id, [target], PHOTOGRAPHS[0], split="train", source="test", expressions=2, distractors=0
            )
    config = {
        "preset": "grounded-diffusion-tiny",
        "model": {**FIELDS, "checkpoint": str(tmp_path / "sd")},
        "stage1": {"steps": 2, "images": 2, "learning_rate": 1e-3},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    run = tmp_path / "run"
    arguments = ["--config", tmp_path / "config.yaml", "--data", tmp_path / "data", "--out", run, "--device", "cpu"]
    assert main([*map(str, arguments)]) == 0
    state = load_file(run / "model/model.safetensors")
    for name, weights in parts.state_dict().items():
        torch.testing.assert_close(state[f"backbone.{name}"], weights.half(), msg=name)
    answer = Segmenter.from_pretrained(run / "model").segment(np.asarray(picture), "get the red cup next to the hat")
    assert answer.mask.shape == (64, 64)
    assert answer.mask.any() == answer.present
