"""Conversion of checkpoints of the official LAVT code (github.com/yz93/LAVT-RIS), key by key.

Names, shapes and facts such as the order of padding and shift were looked up in that code, which is GPLv3; nothing of
it is copied. Both of its variants are read: ``lavt`` keeps BERT in a state dictionary of its own, ``lavt_one`` inside
the model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from mdsm_ros.checkpoints.convert.checkpoint import fill, option, tensors, translate
from mdsm_ros.checkpoints.encoder_checkpoints import load_bert_tokenizer
from mdsm_ros.errors import WeightsError
from mdsm_ros.foreign import shown
from mdsm_ros.models.common.mask_head import MaskHead
from mdsm_ros.models.config import LAVTConfig
from mdsm_ros.models.lavt.network import LAVT

BERT_HEAD_DIM = 64  # head size of all published BERTs; shapes do not reveal the number of heads
ALWAYS_PRESENT = 20.0  # logit: a probability of 1 in single precision
TEXT_ENCODER = "text_encoder."
UNUSED = re.compile(r"text_encoder\.(pooler\..+|embeddings\.position_ids)")  # also unused in that code

_PWAM = {
    "image_lang_att.f_query.0": "query",
    "image_lang_att.f_key.0": "key",
    "image_lang_att.f_value.0": "value",
    "image_lang_att.W.0": "language_out",
    "vis_project.0": "visual.0",
    "project_mm.0": "out.0",
}
_SWIN = "intermediate.swin.swin"
_RULES: list[tuple[str, str]] = [
    (r"backbone\.(patch_embed\..+)", rf"{_SWIN}.\1"),
    (r"backbone\.(layers\.\d\.blocks\..+)", rf"{_SWIN}.\1"),
    # that code merges patches at the end of a stage, timm at the start of the next one
    *((rf"backbone\.layers\.{i}\.(downsample\..+)", rf"{_SWIN}.layers.{i + 1}.\1") for i in range(3)),
    *(
        (rf"backbone\.layers\.(\d)\.fusion\.{re.escape(theirs)}\.(\w+)", rf"intermediate.pwam.\1.{ours}.\2")
        for theirs, ours in _PWAM.items()
    ),
    (r"backbone\.layers\.(\d)\.res_gate\.(\d\.weight)", r"intermediate.gate.\1.gate.\2"),
    (r"backbone\.norm(\d)\.(\w+)", r"intermediate.norm.\1.\2"),
    (r"text_encoder\.(.+)", r"language.bert.\1"),
]


def decoder_rules(head: str) -> list[tuple[str, str]]:
    """Maps decoder names of LAVT and VPD to those in a :class:`~mdsm_ros.models.common.mask_head.MaskHead`."""
    return [
        (rf"classifier\.{kind}{number}_{level}\.(\w+)", rf"{head}.blocks.{4 - level}.mix.{place}.\1")
        for level in (4, 3, 2)
        for kind, number, place in (("conv", 1, 0), ("bn", 1, 1), ("conv", 2, 3), ("bn", 2, 4))
    ] + [(r"classifier\.conv1_1\.(\w+)", rf"{head}.mask.\1")]


def object_logit(key: str, value: torch.Tensor) -> torch.Tensor:
    """Replaces the logits of background and object by their difference: softmax of the two is its sigmoid."""
    if key.startswith("classifier.conv1_1.") and len(value) == 2:
        return value[1:] - value[:1]
    return value


def _value(key: str, value: torch.Tensor) -> torch.Tensor:
    if ".fusion." in key and value.ndim == 3 and value.shape[-1] == 1:
        return value.squeeze(-1)  # a convolution with kernel size 1 is a linear layer
    return object_logit(key, value)


def say_present(head: MaskHead) -> None:
    """Makes the present head, which official models do not have, always answer "in view"."""
    last = head.present[-1]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, ALWAYS_PRESENT)


def is_lavt(content: Mapping[str, Any]) -> bool:
    """Whether a checkpoint has the layout of the official LAVT."""
    state = content.get("model")
    return isinstance(state, dict) and "backbone.layers.0.res_gate.0.weight" in state


def lavt_state(content: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The parameters of either variant in the layout of ``lavt_one``, without those that the official code never uses.

    Raises:
        WeightsError: A state dictionary is missing.
    """
    state = dict(tensors(content, "model"))
    if not any(key.startswith(TEXT_ENCODER) for key in state):
        state |= {TEXT_ENCODER + key: value for key, value in tensors(content, "bert_model").items()}
    return {key: value for key, value in state.items() if not UNUSED.fullmatch(key)}


def lavt_config(content: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> LAVTConfig:
    """The configuration given by the shapes, and the image size of the stored options (480 if there are none).

    Raises:
        WeightsError: This package's LAVT does not support the sizes.
    """
    heads = option(content, "mha", "") or "1-1-1-1"
    if not isinstance(heads, str) or set(heads.split("-")) != {"1"}:
        raise WeightsError(f"mha is {shown(heads)}, expected one head in every fusion ('1-1-1-1')")
    try:
        biases = [state[f"backbone.layers.{i}.blocks.0.attn.relative_position_bias_table"] for i in range(4)]
        window = (math.isqrt(len(biases[0])) + 1) // 2
        words = state["text_encoder.embeddings.word_embeddings.weight"]
        config = LAVTConfig(
            image_size=option(content, "img_size", LAVTConfig.image_size),
            swin_checkpoint=None,
            swin_embed_dim=len(state["backbone.patch_embed.proj.weight"]),
            swin_depths=tuple(_count(state, rf"backbone\.layers\.{i}\.blocks\.(\d+)\..+") for i in range(4)),
            swin_num_heads=tuple(bias.shape[-1] for bias in biases),
            swin_window_size=window,
            bert_checkpoint=None,
            vocab_size=words.shape[0],
            bert_hidden_size=words.shape[1],
            bert_num_layers=_count(state, r"text_encoder\.encoder\.layer\.(\d+)\..+"),
            bert_num_heads=words.shape[1] // BERT_HEAD_DIM,
            decoder_channels=len(state["classifier.conv1_4.weight"]),
        )
    except KeyError as error:
        raise WeightsError(f"the checkpoint has no {error.args[0]}, expected a LAVT") from error
    except Exception as error:  # tensors of any shape, options of any type
        raise WeightsError(f"the checkpoint has sizes that no LAVT here can have: {error}") from error
    if config.image_size // 32 <= window:
        raise WeightsError(
            f"img_size is {config.image_size}, expected more than {32 * window}: the last stage, no larger than a "
            f"window, would be attended to without LAVT's shift"
        )
    return config


def _count(state: Mapping[str, torch.Tensor], numbered: str) -> int:
    return len({match[1] for key in state if (match := re.fullmatch(numbered, key))})


def convert(content: Mapping[str, Any], language: str) -> LAVT:
    """Makes a LAVT with the weights of an official checkpoint, and a tokenizer from a hub id or folder.

    Raises:
        WeightsError: As for :func:`convert_lavt`, or the tokenizer cannot be found.
    """
    return convert_lavt(content, load_bert_tokenizer(language))


def convert_lavt(content: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase) -> LAVT:
    """Makes a LAVT with the weights of an official checkpoint.

    LAVT always answers with a mask, and so does this one; the hidden layer of its present head is seeded.

    Raises:
        WeightsError: A tensor is missing, has no counterpart or another shape; or the vocabulary size differs.
    """
    state = lavt_state(content)
    config = lavt_config(content, state)
    if len(tokenizer) != config.vocab_size:
        raise WeightsError(f"tokenizer has {len(tokenizer)} entries, expected {config.vocab_size} as the checkpoint")
    sources = translate(state, [*_RULES, *decoder_rules("intermediate.head")], _value)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LAVT(config, tokenizer)
    fill(model, sources, ours=("intermediate.head.present.",))
    say_present(model.intermediate.head)
    return model.eval()
