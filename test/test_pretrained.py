from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import timm
import torch
from stand_ins import TOKENIZER, write_stand_ins
from transformers import BertModel, CLIPVisionModel

from mdsm_ros.checkpoints.pretrained import load_encoders
from mdsm_ros.errors import WeightsError
from mdsm_ros.models.common.vision import ClipPatches
from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.mdsm import MDSM_TINY
from mdsm_ros.models.mdsm.network import MDSM

pytestmark = pytest.mark.slow


@pytest.fixture
def stand_ins(tmp_path: Path) -> MDSMConfig:
    """A configuration that starts from tiny encoders."""
    return dataclasses.replace(MDSM_TINY, **write_stand_ins(tmp_path))


def test_encoders_start_from_their_checkpoints(stand_ins: MDSMConfig, tmp_path: Path) -> None:
    model = MDSM(stand_ins, TOKENIZER)
    load_encoders(model)
    torch.manual_seed(7)
    bert = BertModel.from_pretrained(tmp_path / "bert")
    assert isinstance(model.intermediate.clip, ClipPatches)
    clip = CLIPVisionModel.from_pretrained(tmp_path / "clip")
    for ours, theirs in (
        (model.language.bert.embeddings.word_embeddings.weight, bert.embeddings.word_embeddings.weight),
        (model.intermediate.clip.clip.state_dict(), clip.state_dict()),
    ):
        torch.testing.assert_close(ours, theirs)
    swin = timm.create_model(stand_ins.swin_checkpoint, pretrained=True, img_size=64, window_size=4, num_classes=0)
    assert model.intermediate.swin is not None
    ours = model.intermediate.swin.swin.state_dict()
    torch.testing.assert_close(ours["patch_embed.proj.weight"], swin.patch_embed.proj.weight)
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
