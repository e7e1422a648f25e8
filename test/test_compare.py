"""The comparison command on pictures of boxes, with a toy diffusion model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from boxes import CONFIG, write_boxes
from diffusion_stand_ins import TOY, write_pipeline, write_text_tower

from mdsm_ros.checkpoints.pretrained import read_config as read_model_config
from mdsm_ros.models.daam.config import DAAMConfig
from mdsm_ros.models.vpd.config import VPDConfig
from training.evaluation import compare, experiment
from training.train.config import read_config

pytestmark = pytest.mark.training

ROOT = Path(__file__).resolve().parent.parent
SHORT = {"steps": 2, "images": 2, "learning_rate": 1e-3}
MODEL: dict[str, Any] = {
    "sizes": json.loads(json.dumps(TOY)),
    "image_size": 64,
    "max_tokens": 24,
    "decoder_channels": 16,
    "mask_threshold": 0.4,
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("comparison")
    write_boxes(root / "train", "train", 4)
    write_boxes(root / "test", "test", 2)
    write_pipeline(root / "pipeline")
    write_text_tower(root / "tower", hidden_size=8)
    (root / "mdsm.yaml").write_text(yaml.safe_dump(CONFIG | {"stage1": SHORT, "stage2": SHORT}))
    model = MODEL | {"checkpoint": str(root / "pipeline")}
    vpd = {"preset": "vpd-tiny", "model": model, "stage1": SHORT | {"steps": 4}}
    (root / "vpd.yaml").write_text(yaml.safe_dump(vpd))
    return root


def run(root: Path, *options: str, **configs: Path | None) -> int:
    paths: dict[str, Path | None] = {"mdsm": root / "mdsm.yaml", "vpd": root / "vpd.yaml", **configs}
    paths = {"data": root / "train", "test-data": root / "test", "out": root / "out", **paths}
    paths = {name: path for name, path in paths.items() if path is not None}
    return compare.main([*(f"--{name}={path}" for name, path in paths.items()), "--device=cpu", *options])


def test_every_variant_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps of each; those of the report have as many images in steps of one."""
    monkeypatch.setattr(experiment, "answer_memory", lambda *_: 1.0)  # measured for real in the test below
    tower = {"text-tower": workplace / "tower"}
    variants = [name for name in compare.VARIANTS if name not in ("mdsm", "vpd", "vpd-noise-500", "daam")]
    assert run(workplace, "--seeds", "0", "--limit", "1", "--train-limit", "2", "--variants", *variants, **tower) == 0
    results = json.loads((workplace / "out/results.json").read_text())
    assert list(results) == [row for name in variants for row in compare.VARIANTS[name].rows]
    models = {name: read_model_config(workplace / f"out/{name}/seed0/model") for name in variants}
    report, small, finest = (models[name] for name in ("vpd-report-5", "vpd-small-text", "vpd-64-maps"))
    assert isinstance(report, VPDConfig)
    assert (report.freeze_unet, report.text_adapter, report.noise_timestep) == (True, False, 5)
    assert isinstance(small, VPDConfig)
    assert small.text_checkpoint == report.text_checkpoint == str(workplace / "tower")
    assert small.sizes["text_encoder"]["hidden_size"] == 8
    assert small.sizes["unet"] == json.loads(json.dumps(TOY["unet"]))
    assert isinstance(finest, VPDConfig)
    assert finest.attention_strides == (32, 16, 8)
    config = read_config(workplace / "out/vpd-report-0/seed0/config.yaml")
    assert (config.stage1.steps, config.stage1.images, config.stage1.dice_weight, config.weight_decay) == (8, 1, 0, 0)


def test_every_system_gets_its_rows(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    variants = ["mdsm", "vpd", "vpd-noise-500", "daam"]
    assert run(workplace, "--seeds", "0", "1", "--limit", "2", "--variants", *variants) == 0
    results = json.loads((workplace / "out/results.json").read_text())
    assert list(results) == [row for name in variants for row in compare.VARIANTS[name].rows]
    assert {row: len(seeds) for row, seeds in results.items() if len(seeds) != 2} == {"DAAM, untrained": 1}
    assert "| VPD, noise T = 500 | 2 |" in capsys.readouterr().out
    daam = read_model_config(workplace / "out/daam/seed0/model")
    assert isinstance(daam, DAAMConfig)
    assert (daam.image_size, daam.mask_threshold) == (64, 0.4)
    noisy = read_model_config(workplace / "out/vpd-noise-500/seed1/model")
    assert isinstance(noisy, VPDConfig)
    assert noisy.noise_timestep == 500


def test_other_budgets_are_refused(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    longer = yaml.safe_load((workplace / "vpd.yaml").read_text()) | {"stage1": SHORT | {"steps": 5}}
    (workplace / "longer.yaml").write_text(yaml.safe_dump(longer))
    assert run(workplace, vpd=workplace / "longer.yaml") == 2
    assert "steps by images are {2: 5}, expected those of" in capsys.readouterr().err


def test_another_model_is_refused(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(workplace, vpd=workplace / "mdsm.yaml") == 2
    assert "preset is 'mdsm-tiny', expected a VPD" in capsys.readouterr().err


def test_variants_of_vpd_alone_need_no_configuration_of_mdsm(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--seeds", "0", "--limit", "1", "--variants", "daam"]
    assert run(workplace, *options, mdsm=None, out=workplace / "alone") == 0
    assert "| DAAM, untrained | 1 |" in capsys.readouterr().out
    assert run(workplace, *options) == 2
    assert "mdsm.yaml', expected none: no variant needs it" in capsys.readouterr().err
    assert run(workplace, *options[:-2], "--variants", "lavt-64", "daam", mdsm=None) == 2
    assert "--mdsm is missing, expected a configuration for the variants lavt-64" in capsys.readouterr().err


def test_vpd_is_asked_for_where_a_variant_needs_it(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needed = ["--mdsm", str(workplace / "mdsm.yaml"), "--data", "d", "--test-data", "d", "--out", "o"]
    assert compare.main([*needed, "--variants", "mdsm", "vpd-frozen"]) == 2
    assert "--vpd is missing, expected a configuration for the variants vpd-frozen" in capsys.readouterr().err
    assert compare.main([*needed, "--variants", "mdsm", "--text-tower", "x"]) == 2
    assert "--text-tower is 'x', expected none" in capsys.readouterr().err
    assert compare.main([*needed[2:]]) == 2
    assert "neither --mdsm nor --vpd is given" in capsys.readouterr().err
    assert compare.main([*needed, "--variants", "mdsm", "--vpd", "x"]) == 2
    assert "--vpd is 'x', expected none: no variant needs it" in capsys.readouterr().err


def test_the_tiny_configurations_have_equal_budgets() -> None:
    folder = ROOT / "config/train"
    assert set(compare.read_configs(folder / "mdsm-tiny-short.yaml", folder / "vpd-tiny.yaml")) == {"mdsm", "vpd"}
