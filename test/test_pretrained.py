from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, BertTokenizerFast, CLIPVisionConfig, CLIPVisionModel

from mdsm_ros.hub import WeightsError
from mdsm_ros.models.config import MDSM_TINY, MDSMConfig
from mdsm_ros.models.mdsm import MDSM
from mdsm_ros.pretrained import load_encoders

TOKENIZER = BertTokenizerFast(
    vocab={word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cup"])}
)


@pytest.fixture
def stand_ins(tmp_path: Path) -> MDSMConfig:
    """Tiny encoders in the formats of timm and transformers, and a configuration that starts from them."""
    torch.manual_seed(7)
    sizes = {"embed_dim": 32, "depths": [2, 2, 2, 2], "num_heads": [2, 4, 8, 16], "window_size": 4, "img_size": 64}
    swin = timm.create_model("swin_tiny_patch4_window7_224", num_classes=0, **sizes)
    (tmp_path / "swin").mkdir()
    save_file(swin.state_dict(), tmp_path / "swin/model.safetensors")
    description = {
        "architecture": "swin_tiny_patch4_window7_224",
        "num_classes": 0,
        "model_args": {k: v for k, v in sizes.items() if k not in ("img_size", "window_size")},
        "pretrained_cfg": {"input_size": [3, 64, 64], "num_classes": 0},
    }
    (tmp_path / "swin/config.json").write_text(json.dumps(description))
    CLIPVisionModel(
        CLIPVisionConfig(
            image_size=32,
            patch_size=16,
            hidden_size=64,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
        )
    ).save_pretrained(tmp_path / "clip")
    BertModel(
        BertConfig(vocab_size=16, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=256)
    ).save_pretrained(tmp_path / "bert")
    return dataclasses.replace(
        MDSM_TINY,
        image_size=64,
        swin_checkpoint=f"local-dir:{tmp_path / 'swin'}",
        swin_depths=(2, 2, 2, 2),
        swin_window_size=4,
        clip_checkpoint=str(tmp_path / "clip"),
        clip_image_size=32,
        clip_hidden_size=64,
        clip_num_layers=2,
        bert_checkpoint=str(tmp_path / "bert"),
        vocab_size=16,
        bert_hidden_size=64,
        bert_num_layers=2,
    )


def test_encoders_start_from_their_checkpoints(stand_ins: MDSMConfig, tmp_path: Path) -> None:
    model = MDSM(stand_ins, TOKENIZER)
    load_encoders(model)
    torch.manual_seed(7)
    bert = BertModel.from_pretrained(tmp_path / "bert")
    assert model.intermediate.clip is not None
    clip = CLIPVisionModel.from_pretrained(tmp_path / "clip")
    for ours, theirs in (
        (model.language.bert.embeddings.word_embeddings.weight, bert.embeddings.word_embeddings.weight),
        (model.intermediate.clip.clip.state_dict(), clip.state_dict()),
    ):
        torch.testing.assert_close(ours, theirs)
    swin = timm.create_model(stand_ins.swin_checkpoint, pretrained=True, img_size=64, window_size=4, num_classes=0)
    assert model.intermediate.swin is not None
    torch.testing.assert_close(model.intermediate.swin.swin.patch_embed.proj.weight, swin.patch_embed.proj.weight)
    with torch.inference_mode():  # CLIP's 2x2 position embeddings stretch to the 4x4 patches of 64 pixels
        answer = model.eval().initial(torch.rand(1, 3, 64, 64), model.encode_text(["cup"]))
    assert answer.logits.shape == (1, 1, 16, 16)


def test_checkpoint_of_other_dimensions_is_named(stand_ins: MDSMConfig) -> None:
    config = dataclasses.replace(stand_ins, bert_num_layers=3)
    with pytest.raises(WeightsError, match="bert"):
        load_encoders(MDSM(config, TOKENIZER))


def test_absent_checkpoint_is_named(stand_ins: MDSMConfig, tmp_path: Path) -> None:
    config = dataclasses.replace(stand_ins, clip_checkpoint=str(tmp_path / "nothing"))
    with pytest.raises(WeightsError, match="nothing"):
        load_encoders(MDSM(config, TOKENIZER))
