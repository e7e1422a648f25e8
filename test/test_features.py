"""Features of frozen encoders, computed once and kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from boxes import CONFIG, write_boxes
from stand_ins import SMALL, TOKENIZER

from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.errors import ConfigError
from mdsm_ros.models.mdsm.network import MDSM
from training.augment.options import Augmentation
from training.datasets.dataset import InstructionDataset
from training.features import cache_features
from training.features.store import RowStore
from training.train.command import main
from training.train.config import StageConfig, TrainConfig
from training.train.loop import make_pools
from training.train.stages import StageOne, initial_mask

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE = SMALL.image_size


@pytest.fixture
def data(tmp_path: Path) -> InstructionDataset:
    write_boxes(tmp_path / "train", "train", 6)
    return InstructionDataset(Dataset(tmp_path / "train"), "train", SIDE, cache=False)


@pytest.fixture(scope="module")
def model() -> MDSM:
    torch.manual_seed(0)
    return MDSM(SMALL, TOKENIZER).eval()


def test_cached_features_give_the_same_masks(model: MDSM, data: InstructionDataset) -> None:
    plain = data.collate([0, 3, 1])
    data.features = cache_features(model, data)
    cached = data.collate([0, 3, 1])
    assert plain.semantic is None
    assert cached.semantic is not None
    assert cached.text is not None
    with torch.inference_mode():
        expected, answer = initial_mask(model, plain), initial_mask(model, cached)
    torch.testing.assert_close(answer.logits, expected.logits, atol=5e-3, rtol=5e-3)  # they are kept in half precision
    torch.testing.assert_close(answer.present_logits, expected.present_logits, atol=5e-3, rtol=5e-3)


def test_features_are_computed_once(model: MDSM, data: InstructionDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_features(model, data)
    assert model.intermediate.clip is not None
    seen: list[int] = []
    forward = type(model.intermediate.clip).forward

    def counted(self: Any, images: torch.Tensor) -> Any:
        seen.append(int(images.any()) * len(images))  # zeros ask for the shapes alone
        return forward(self, images)

    monkeypatch.setattr(type(model.intermediate.clip), "forward", counted)
    cache_features(model, data)
    assert sum(seen) == 0
    torch.manual_seed(1)
    other = MDSM(SMALL, TOKENIZER).eval()
    cache_features(other, data)  # another encoder: nothing of it is there
    assert sum(seen) == len(data.by_image)


def test_a_store_goes_on_after_a_kill(tmp_path: Path) -> None:
    store = RowStore(tmp_path, {"encoder": "a"}, [(2,), (3, 1)], 4)
    store.put([1, 3], [np.ones((2, 2)), np.full((2, 3, 1), 2.0)])
    again = RowStore(tmp_path, {"encoder": "a"}, [(2,), (3, 1)], 4)
    assert again.missing().tolist() == [0, 2]
    first, second = again.get([3])
    assert first.tolist() == [[1, 1]]
    assert second.tolist() == [[[2], [2], [2]]]
    assert RowStore(tmp_path, {"encoder": "b"}, [(2,), (3, 1)], 4).missing().tolist() == [0, 1, 2, 3]


@pytest.mark.training
def test_a_training_on_cached_features_resumes_exactly(tmp_path: Path) -> None:
    write_boxes(tmp_path / "train", "train", 12)
    model = {
        name: getattr(SMALL, name)
        for name in ("image_size", "swin_window_size", "swin_depths", "bert_hidden_size", "bert_num_layers")
    }
    config = CONFIG | {
        "preset": "mdsm-small",
        "model": model | {"bert_num_heads": 2, "bert_checkpoint": None, "efficientnet_checkpoint": None},
        "freeze_language": True,
        "feature_cache": True,
        "auxiliary_weight": 0.0,
    }
    config["model"]["vocab_size"] = 200
    config |= {
        "stage1": config["stage1"] | {"steps": 4, "warmup_steps": 1},
        "stage2": config["stage2"] | {"steps": 2, "warmup_steps": 1},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))  # JSON is YAML

    def train(out: str, *options: str) -> dict[str, torch.Tensor]:
        paths = ["--config", tmp_path / "config.yaml", "--data", tmp_path / "train", "--out", tmp_path / out]
        assert main([*map(str, paths), "--device", "cpu", *options]) == 0
        stage: dict[str, torch.Tensor] = torch.load(tmp_path / out / "stage1.pt", weights_only=True)["stage"]
        return stage

    whole = train("whole")
    train("parts", "--max-seconds", "0")
    resumed = train("parts", "--resume")
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_a_frozen_language_encoder_has_no_dropout(model: MDSM) -> None:
    config = TrainConfig(preset="mdsm-small", stage1=StageConfig(1, 1, 1e-3), freeze_language=True)
    stage = StageOne(model, config, 1, 1).train()
    assert stage.model.training
    assert not any(module.training for module in model.language.modules())
    model.eval()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"freeze_language": False}, "expected freeze_language: true"),
        ({"model": {"freeze_efficientnet": False}}, "frozen semantic branch"),
        ({"preset": "vpd-tiny", "stage2": None}, "vpd-tiny has no BERT"),
        ({"augmentation": Augmentation()}, "augmentation is given"),
    ],
)
def test_a_cache_wants_frozen_encoders(changes: dict[str, Any], message: str) -> None:
    stage = StageConfig(steps=1, images=1, learning_rate=1e-3)
    fields = {"preset": "mdsm-small", "stage1": stage, "freeze_language": True, "feature_cache": True}
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**(fields | changes))  # type: ignore[arg-type]


def _config(mixture: dict[str, int]) -> TrainConfig:
    return TrainConfig(preset="mdsm-small", stage1=StageConfig(1, 4, 1e-3), mixture=mixture)


def test_a_mixture_takes_its_numbers_from_each_source(data: InstructionDataset) -> None:
    images = list(data.by_image)

    def of_two_sources(_: Dataset, instructions: Sequence[Instruction]) -> list[Instruction]:
        return [dataclasses.replace(i, source="homes" if i.image_id in images[:2] else "photos") for i in instructions]

    data = InstructionDataset(data.data, "train", SIDE, cache=False, adapt=of_two_sources)
    pools = make_pools(data, 4, _config({"homes": 1, "photos": 3}))
    for step in range(5):
        drawn = [[data.instructions[group[0]].source for group in pool.step(step)] for pool in pools]
        assert drawn == [["homes"], ["photos"] * 3]
    shown = [tuple(group) for step in range(4) for group in pools[1].step(step)]
    assert len(set(shown)) == 4  # every photograph, before one comes again
    assert len(set(shown[:4])) == 4


@pytest.mark.parametrize(("mixture", "message"), [({"boxes": 3}, "add up to the 4"), ({"maps": 4}, "expected sources")])
def test_a_mixture_must_fit_the_data(data: InstructionDataset, mixture: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_pools(data, 4, _config(mixture))
