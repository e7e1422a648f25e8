"""How cost grows: the table of ratios, and every curve measured for real at the smallest sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mdsm_ros.commands.bench import command
from mdsm_ros.commands.bench.base import gigaflops, main, table
from mdsm_ros.commands.bench.curves import models, recording, systems
from mdsm_ros.commands.bench.curves.curve import Curve
from mdsm_ros.commands.bench.curves.systems import System, random_model
from training.growth import dataset_curve, worker_curve

TINY: dict[str, Any] = {
    "swin_embed_dim": 16,
    "swin_depths": (1, 1, 1, 1),
    "swin_num_heads": (1, 2, 4, 8),
    "swin_window_size": 4,
    "bert_hidden_size": 32,
    "bert_num_layers": 1,
    "bert_num_heads": 2,
    "vocab_size": 256,
    "decoder_channels": 16,
}


def tiny(name: str) -> System:
    def make(side: int) -> Any:
        return random_model("lavt-tiny", image_size=side, **TINY)

    return System(name, 64, make, 1, "of the test")


def test_costs_are_ratios_to_the_smallest_size_and_a_steep_one_is_named() -> None:
    costs = {"linear": [2.0, 4.0, 8.0], "steep": [1.0, 3.0, 12.0], "strange": [1.0, 2.0, 8.0]}
    curve = Curve("work", ["1", "2", "4"], [1, 2, 4], costs, "ms", {"steep": "every pair is compared"})
    assert curve.power("linear") == pytest.approx(1.0)
    lines = curve.markdown().splitlines()
    assert lines[:3] == ["work", "", "| | linear (ms) | ratio | steep (ms) | ratio | strange (ms) | ratio |"]
    assert lines[6] == "| 4 | 8 | 4.00 | 12 | 12.00 | 8 | 8.00 |"
    assert lines[7] == "| power of the size at the end | 1.00 | | 2.00 | | 2.00 | |"
    assert "steep grows with power 2.00: every pair is compared." in lines
    assert "strange grows with power 2.00: no reason is known." in lines
    rates = Curve("work", ["0", "1"], [0, 1], {"samples": [10.0, 15.0]}, "1/s", is_rate=True).markdown()
    assert rates.splitlines()[-1] == "| 1 | 15 | 1.50 |"


def test_the_curves_of_answers_and_of_a_replay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(systems, "systems", lambda: (tiny("first"), tiny("second")))
    shorter: dict[Any, dict[str, Any]] = {
        models.input_curve: {"sides": (64, 128)},
        models.camera_and_instruction_curves: {
            "cameras": ((64, 48), (128, 96)),
            "instructions": (1, 2),
            "numbers": (1, 2),
        },
        recording.replay_curve: {"lengths": (2, 4)},
    }

    def with_defaults(function: Callable[..., Any], changes: dict[str, Any]) -> Callable[..., Any]:
        return lambda *args: function(*args, **changes)

    for function, changes in shorter.items():
        home = recording if function is recording.replay_curve else models
        monkeypatch.setattr(home, function.__name__, with_defaults(function, changes))
    command._print_curves("cpu")
    printed = capsys.readouterr().out
    assert printed.count("| power of the size at the end |") == 5
    for words in (
        "| 128 px |",
        "| 128x96 |",
        "several instructions",
        "several cameras",
        "| 4 images |",
        "| first, 64 px (ms) |",
    ):
        assert words in printed
    assert "second" in printed


@pytest.mark.training
def test_the_curves_of_data_and_training(tmp_path: Path) -> None:
    curve = dataset_curve(tmp_path, (3, 6))
    assert set(curve.costs) == {"building", "opening for training", "merging with as much"}
    assert all(value > 0 for values in curve.costs.values() for value in values)
    rates = worker_curve(tmp_path, (0, 1)).costs["instructions a second"]
    assert len(rates) == 2
    assert min(rates) > 0


def test_the_peers_have_the_sizes_of_the_published_ones() -> None:
    network = systems.random_clipseg(64).network
    assert network.config.vision_config.num_hidden_layers == 12
    assert network.config.vision_config.hidden_size == 768
    assert network.config.vision_config.patch_size == 16
    assert network.decoder.config.reduce_dim == 64
    names = [system.name for system in systems.systems()]
    assert names == ["mdsm-small", "clipseg", "lavt-base"]


def test_operations_are_counted_without_computing(capsys: pytest.CaptureFixture[str]) -> None:
    plain, step = gigaflops("mdsm-tiny", {})
    assert step is not None
    narrow, _ = gigaflops("mdsm-tiny", {"decoder_last_channels": 16})
    coarse, same_step = gigaflops("mdsm-tiny", {"clip_input_size": 64})
    assert narrow < plain
    assert coarse < plain
    assert same_step == step
    alone, none = gigaflops("lavt-tiny", {})
    assert alone < plain
    assert none is None
    lines = table([("lavt-tiny", {}), ("mdsm-tiny", {"clip_input_size": 64})], None).splitlines()
    assert lines[3].startswith("| mdsm-tiny, clip_input_size 64 | ")
    assert f"| {coarse / alone:.2f} |" in lines[3]
    assert main(["--values", "", "clip_input_size=336,decoder_last_channels=256"]) == 0
    cells = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in cells] == [
        "| lavt-base",
        "| mdsm-base",
        "| mdsm-base, clip_input_size 336, decoder_last_channels 256",
    ]
    assert float(cells[0][2]) == 1.0
    assert float(cells[1][2]) > 1.4
    assert float(cells[2][2]) <= 1.1  # what config/train/mdsm-base-lean.yaml is for
