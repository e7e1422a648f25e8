"""The ablation command on pictures of boxes: every variant trains, stops, goes on, and is compared."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from boxes import CONFIG, write_boxes
from PIL import Image

from mdsm_ros.models.config import MDSMConfig
from training.evaluation import ablate, experiment
from training.train.config import TrainConfig, read_config

pytestmark = pytest.mark.training

SHORT = {"steps": 2, "images": 2, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ablation")
    write_boxes(root / "train", "train", 6)
    write_boxes(root / "test", "test", 3)
    (root / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"stage1": SHORT, "stage2": SHORT}))
    return root


def run(root: Path, out: str, *options: str) -> int:
    paths = {"config": root / "config.yaml", "data": root / "train", "test-data": root / "test", "out": root / out}
    return ablate.main([*(f"--{name}={path}" for name, path in paths.items()), "--device=cpu", *options])


def config_of(name: str, workplace: Path) -> TrainConfig:
    return ablate.VARIANTS[name].change(read_config(workplace / "config.yaml"))


def test_all_variants_are_compared(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(experiment, "answer_memory", lambda *_: 1.0)  # measured for real in the tests below
    assert run(workplace, "all", "--seeds", "0", "--limit", "4") == 0
    rows = [row for variant in ablate.VARIANTS.values() for row in variant.rows]
    results = json.loads((workplace / "all/results.json").read_text())
    assert list(results) == rows
    assert len(rows) == 27
    printed = capsys.readouterr().out
    assert printed.strip() == (workplace / "all/table.md").read_text().strip()
    assert all(f"| {row} | 1 |" in printed for row in rows)
    with Image.open(workplace / "all/plot.png") as picture:
        assert picture.width > 500


def test_seeds_are_averaged_and_finished_runs_kept(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--variants", "lavt-20", "--limit", "4", "--seeds", "0", "1")
    assert run(workplace, "seeds", *options) == 0
    first, second = (workplace / f"seeds/lavt-20/seed{seed}/metrics.json" for seed in (0, 1))
    written = first.stat().st_mtime_ns
    second.unlink()
    assert run(workplace, "seeds", *options) == 0
    assert first.stat().st_mtime_ns == written
    assert second.exists()
    assert "| LAVT, 20 tokens | 2 |" in capsys.readouterr().out
    assert run(workplace, "seeds", *options, "--limit", "3") == 2
    assert "seed0 was made with limit 4, now it is 3: expected the same, or another --out" in capsys.readouterr().err
    (workplace / "other.yaml").write_text(yaml.safe_dump(CONFIG | {"stage1": SHORT | {"steps": 3}, "stage2": SHORT}))
    assert run(workplace, "seeds", *options, "--config", str(workplace / "other.yaml")) == 2
    assert "configuration's stage1" in capsys.readouterr().err


def test_it_goes_on_after_its_time_was_over(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--variants", "no-diffusion", "--limit", "4", "--seeds", "0")
    assert run(workplace, "late", *options, "--max-seconds", "0.01") == 0
    assert "time limit reached" in capsys.readouterr().err
    assert not (workplace / "late/no-diffusion/seed0/metrics.json").exists()
    assert run(workplace, "late", *options) == 0
    assert "| MDSM without diffusion | 1 |" in capsys.readouterr().out


@pytest.mark.parametrize("name", ablate.VARIANTS)
def test_budgets_are_equal(workplace: Path, name: str) -> None:
    config = config_of(name, workplace)
    stages = [stage for stage in (config.stage1, config.stage2) if stage is not None]
    assert sum(stage.steps for stage in stages) == 4
    assert {stage.images for stage in stages} == {2}


def test_variants_differ_where_they_should(workplace: Path) -> None:
    whole = config_of("mdsm", workplace)
    assert config_of("no-clip", workplace).model_config() == dataclasses.replace(whole.model_config(), use_clip=False)  # type: ignore[call-arg]
    assert config_of("no-swin", workplace).model_config() == dataclasses.replace(whole.model_config(), use_swin=False)  # type: ignore[call-arg]
    lavts = [config_of(f"lavt-{n}", workplace).model_config().to_dict() for n in (20, 64)]
    assert [lavt["max_tokens"] for lavt in lavts] == [20, 64]
    assert lavts[0]["swin_embed_dim"] == whole.model_config().to_dict()["swin_embed_dim"]
    lean = config_of("lean-decoder", workplace).model_config()
    assert isinstance(lean, MDSMConfig)
    assert lean.decoded_channels == lean.decoder_channels // 2
    assert config_of("no-dice", workplace).stage1.dice_weight == 0


def test_mean_and_spread_by_hand() -> None:
    results = {"a": {0: {"mIoU": 0.1}, 1: {"mIoU": 0.3}}, "b": {0: {"mIoU": 0.5}}}
    lines = experiment.table(results).splitlines()
    assert lines[2].startswith("| a | 2 | 0.200 ± 0.141 |")
    assert lines[3].startswith("| b | 1 | 0.500 |")


def test_another_model_is_refused(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "lavt.yaml").write_text(yaml.safe_dump({"preset": "lavt-tiny", "stage1": SHORT}))
    options = ["--data", "x", "--test-data", "x", "--out", str(workplace / "no")]
    assert ablate.main(["--config", str(workplace / "lavt.yaml"), *options]) == 2
    assert "preset is 'lavt-tiny', expected MDSM with both stages" in capsys.readouterr().err
