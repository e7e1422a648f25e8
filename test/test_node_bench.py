"""The bench of the running node: a short real run, and its table from figures made up here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mdsm_ros.commands.bench import overhead
from mdsm_ros.commands.bench.running_node import Load, find_profile, measure, row
from mdsm_ros.errors import BenchError

RELIABLE = Load("reliable", best_effort=False, profile=None)


def heard(latencies: list[float], model: float, memory: list[int], **counts: int) -> dict[str, Any]:
    values = {"images received": 100, "images answered": len(latencies)} | counts
    reports = [
        {"state": "active", "process memory (MiB)": str(m)} | {k: str(v) for k, v in values.items()} for m in memory
    ]
    initial = {"final": False, "latency": 9.0, "model": 9.0}
    answers = [initial, *({"final": True, "latency": latency, "model": model} for latency in latencies)]
    return {"sent": 100, "answers": answers, "reports": reports}


def test_the_row_compares_latency_with_the_model_and_the_end_with_the_start() -> None:
    latencies = [0.1] * 10 + [0.2] * 30 + [0.3] * 10
    cells = row(RELIABLE, heard(latencies, model=0.152, memory=[400] * 5 + [500] * 5 + [550])).split(" | ")
    assert cells[:4] == ["| reliable", "100", "100", "50"]
    assert cells[4:7] == ["200", "152", "1.00"]  # 0.2 / (1.25 * 0.152 + 0.01)
    assert cells[7:] == ["3.00", "1.10 |"]


def test_few_answers_are_not_summarised() -> None:
    assert row(RELIABLE, heard([0.1], model=0.1, memory=[400])) == "| reliable | 100 | 100 | 1 |  |  |  |  |  |"


@pytest.mark.ros
def test_a_reliable_camera_loses_nothing(ros_domain: int, untrained_weights: Path) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    parameters = {"model": untrained_weights, "device": "cpu"}
    result = measure(Load("reliable", False, find_profile()), parameters, seconds=3.0, rate=10.0)
    last = result["reports"][-1]
    assert (result["sent"], last["images received"]) == (30, "30")
    answered, dropped = (int(last[name]) for name in ("images answered", "images dropped (superseded)"))
    assert answered + dropped == 30
    assert sum(answer["final"] for answer in result["answers"]) == answered
    assert all(answer["latency"] > answer["model"] > 0 for answer in result["answers"])


@pytest.mark.ros
def test_a_node_that_does_not_start(ros_domain: int, tmp_path: Path) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    with pytest.raises(BenchError, match=f"(?s)the node ended with exit code 1.*{tmp_path / 'nothing'}"):
        measure(RELIABLE, {"model": tmp_path / "nothing"}, seconds=1.0, rate=10.0)


def test_the_table_of_the_node_s_own_cost() -> None:
    node = {"raw": {"640x480": 0.01, "3840x2160": 0.1}, "compressed": {"640x480": 0.02, "3840x2160": 0.05}}
    lines = overhead.table(0.2, node).splitlines()
    assert "the model's: 200 ms" in lines[0]
    assert lines[4:] == [
        "| 640x480, raw | 10.0 | 0.05 | 1.00 |",
        "| 3840x2160, raw | 100.0 | 0.50 | 1.43 |",
        "| 640x480, compressed | 20.0 | 0.10 | 1.00 |",
        "| 3840x2160, compressed | 50.0 | 0.25 | 1.14 |",
    ]


@pytest.mark.ros
def test_the_cost_of_a_node_without_a_model(ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    monkeypatch.setattr(overhead, "SIZES", ("320x240", "1600x1200"))
    seconds = overhead.node_seconds("compressed", find_profile(), answers=5)
    assert seconds["320x240"] < seconds["1600x1200"]
