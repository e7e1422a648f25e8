"""Options that have no effect are refused: the error names the option, its value and what was expected."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from boxes import write_boxes
from PIL import Image
from recordings import CUP, good_bag
from transformers import BertTokenizerFast
from web_stand_ins import picture_folder

from mdsm_ros.commands.bench import runtimes
from mdsm_ros.commands.main import main
from mdsm_ros.commands.options import check_refinement
from mdsm_ros.commands.web.shelf import ModelShelf
from mdsm_ros.commands.web.trying.tryout import Choices, trials
from mdsm_ros.errors import CommandError, MdsmError
from mdsm_ros.models.lavt import LAVT_TINY
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.segmenter import Segmenter
from training import cli
from training.evaluation import evaluate
from training.evaluation.replays import replay_one

ROOT = Path(__file__).resolve().parent.parent
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "get", "the", "red", "cup"]


@pytest.fixture(scope="module")
def lavt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of one stage."""
    config = replace(LAVT_TINY, image_size=64, swin_depths=(1, 1, 1, 1), swin_window_size=4, bert_num_layers=1)
    folder = tmp_path_factory.mktemp("lavt")
    LAVT(config, BertTokenizerFast(vocab={word: i for i, word in enumerate(WORDS)})).save_pretrained(folder)
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(path)
    return path


def refused(words: Sequence[object], capsys: pytest.CaptureFixture[str]) -> str:
    """The error of a command that was refused."""
    assert main([str(word) for word in words]) == 2
    return capsys.readouterr().err


def test_what_is_refined_counts(lavt: Path, untrained_weights: Path) -> None:
    one, two = (Segmenter.from_pretrained(folder, device="cpu") for folder in (lavt, untrained_weights))
    assert (one.refines, two.refines) == (False, True)
    check_refinement([one], steps=0, samples=None)
    check_refinement([two], steps=3, samples=2)
    check_refinement([one, two], steps=None, samples=2)
    with pytest.raises(CommandError, match=r"--steps is 3, expected it only where masks .*lavt0 has one stage"):
        check_refinement([one], steps=3)
    with pytest.raises(CommandError, match=r"--samples is 2, .* \(the refinement steps are 0\)"):
        check_refinement([one, two], steps=0, samples=2)


@pytest.mark.parametrize("option", ["steps", "seed"])
def test_segment_with_a_model_of_one_stage(
    lavt: Path, photo: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    command = ["segment", photo, CUP, "--model", lavt, "--device", "cpu", "--out", photo.parent / "o.png"]
    assert f"--{option} is 4, expected it only where masks are refined" in refused([*command, f"--{option}", 4], capsys)
    assert main([*map(str, command), "--steps", "0"]) == 0


@pytest.mark.parametrize("number", [1, 2])
def test_segment_images_as_a_video(photo: Path, capsys: pytest.CaptureFixture[str], number: int) -> None:
    (photo.parent / "second.png").write_bytes(photo.read_bytes())
    images = [photo, photo.parent / "second.png"][:number]
    for option in ("every", "frames"):
        error = refused(["segment", *images, CUP, f"--{option}", 3], capsys)
        assert f"--{option} is 3, expected it only with a video or a camera" in error


def test_replays_of_a_model_of_one_stage(lavt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = good_bag(tmp_path / "bag")
    command = ["replay", bag, "--out", tmp_path / "out", "--model", lavt, "--device", "cpu", "--steps", 2]
    assert "--steps is 2, expected it only where masks are refined" in refused(command, capsys)
    with pytest.raises(MdsmError, match="--steps is 2"):
        replay_one(bag, tmp_path / "one", str(lavt), "cpu", None, 2, keep=False)


def test_a_comparison_refines_where_it_can(lavt: Path, untrained_weights: Path, tmp_path: Path) -> None:
    command = ["replay", good_bag(tmp_path / "bag"), "--out", tmp_path / "out", "--device", "cpu", "--no-bag"]
    assert main([*map(str, command), "--model", str(lavt), "--compare", str(untrained_weights), "--steps", "2"]) == 0
    texts = [path.read_text() for path in sorted((tmp_path / "out").glob("*/replay.json"))]
    assert ['"refinement steps": 0' in texts[0], '"refinement steps": 2' in texts[1]] == [True, True]


@pytest.mark.parametrize(
    ("options", "expectation"),
    [
        (["--photographs", "--rate", 2], "--rate is 2, expected it only with a recording or a video"),
        (["--photographs", "--steps", 2], "--steps is 2, expected it only where masks are refined"),
    ],
)
def test_demo(
    lavt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: Sequence[object], expectation: str
) -> None:
    command = ["demo", "--model", lavt, "--device", "cpu", "--out", tmp_path / "out", *options]
    assert expectation in refused(command, capsys)


@pytest.mark.parametrize(
    ("options", "expectation"),
    [
        (["--steps", 2], "--steps is 2, expected it only where masks are refined"),
        (["--seconds", 3], "--seconds is 3, expected it only with --node"),
        (["--rate", 3], "--rate is 3, expected it only with --node"),
        (["--curves"], "--model is LAVT, expected none with --curves, which does not read it"),
        (["--tracking"], "--model is LAVT, expected none with --tracking, which does not read it"),
        (["--runtimes", "--device", "cuda"], "--device is cuda, expected none with --runtimes"),
        (["--runtimes", "--acceleration", "half"], "--acceleration is half, expected none with --runtimes"),
        (["--bag", "--acceleration", "none", "half"], "--acceleration is none half, expected one with --bag"),
    ],
)
def test_bench(lavt: Path, capsys: pytest.CaptureFixture[str], options: Sequence[object], expectation: str) -> None:
    command = ["bench", "--model", lavt, "--runs", 1, *options]
    assert expectation.replace("LAVT", str(lavt)) in refused(command, capsys)


def test_bench_of_runtimes_takes_the_steps(untrained_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "is_installed", lambda _: False)  # PyTorch alone: CLIPSeg takes long
    cells = [
        next(
            line
            for line in runtimes.runtimes_table(str(untrained_weights), 1, steps).splitlines()
            if line.startswith("| torch")
        )
        for steps in (0, 1)
    ]
    assert [row.split("|")[3].strip() == "" for row in cells] == [True, False]  # the column of the refined mask


def test_bench_of_a_recording_takes_the_acceleration(
    untrained_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[tuple[str, int | None]] = []

    def table(segmenter: Segmenter, _: Path, steps: int | None) -> str:
        found.append((segmenter.acceleration, steps))
        return ""

    monkeypatch.setattr("mdsm_ros.replay.stability.stability_table", table)
    monkeypatch.setattr("mdsm_ros.inference.acceleration.TOLERANCE", 1.0)
    command = ["bench", "--model", str(untrained_weights), "--device", "cpu", "--runs", "1", "--bag", "--steps", "1"]
    assert main([*command, "--acceleration", "half"]) == 0
    assert main(["bench", "--model", "random:lavt-tiny", "--device", "cpu", "--runs", "1", "--bag"]) == 0
    assert found == [("half", 1), ("none", None)]


def test_evaluate(lavt: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_boxes(tmp_path, "test", 2)
    command = ["--data", str(tmp_path), "--device", "cpu"]
    for option, value in (("steps", "2"), ("samples", "2"), ("worst", "worst.png")):
        assert evaluate.main([*command, "--model", str(lavt), f"--{option}", value]) == 2
        assert f"--{option} is {value}, expected it only where masks are refined" in capsys.readouterr().err
    assert evaluate.main([*command, "--model", str(lavt), "--steps", "1", "--set", "num_inference_steps=2"]) == 2
    assert "--set is num_inference_steps beside --steps 1, expected one of them" in capsys.readouterr().err
    assert evaluate.main([*command, "--model", str(lavt), "--steps", "0", "--samples", "1"]) == 0
    assert evaluate.main([*command, "--compare", str(lavt), str(untrained_weights), "--steps", "1"]) == 0


def test_evaluate_all_parts(
    lavt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_boxes(tmp_path, "test", 1)
    kept: list[bool] = []
    measure = evaluate.evaluate

    def noted(*given: Any) -> Any:
        kept.append(given[3].one_object)
        return measure(*given)

    monkeypatch.setattr(evaluate, "evaluate", noted)
    command = ["--data", str(tmp_path), "--device", "cpu", "--model", str(lavt)]
    assert evaluate.main(command) == evaluate.main([*command, "--all-parts"]) == 0
    assert kept == [True, False]
    monkeypatch.setattr(Segmenter, "finds_objects", True)
    assert evaluate.main([*command, "--all-parts"]) == 2
    assert "--all-parts is given, expected it only with a model that does not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["view", "nowhere"], "--out"),
        (["realism", "--library", "nowhere"], "--sheet"),
        (["generate", "--model", "nowhere", "--prompt", "a box"], "--out"),
        (["evaluate", "--data", "nowhere"], "--worst"),
    ],
)
def test_a_picture_that_cannot_be_written_is_told_before_the_work(
    capsys: pytest.CaptureFixture[str], command: list[str], option: str
) -> None:
    run, words = (evaluate.main, command[1:]) if command[0] == "evaluate" else (cli.main, command)
    assert run([*words, option, "picture.txt"]) == 2
    assert "image is 'picture.txt', expected a name that ends in a format such as .png" in capsys.readouterr().err


def test_web(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gradio", reason="needs the extra [web]")
    for option in ("every", "labels-per-frame"):
        error = refused(["web", f"--{option}", 3], capsys)
        assert f"--{option} is 3, expected it only with --label" in error
    picture_folder(tmp_path)
    labels = ["web", "--label", tmp_path / "pictures", "--out", tmp_path / "out", "--port", 0]
    for option, value in (("every", 3), ("image", "/image"), ("instruction-topic", "/said")):
        error = refused([*labels, f"--{option}", value], capsys)
        assert f"--{option} is {value!r}, expected it only with a recording, and --label" in error


def test_the_try_page_says_what_has_no_effect(lavt: Path, untrained_weights: Path) -> None:
    names = [str(lavt), str(untrained_weights)]
    models = ModelShelf(names, lambda name: Segmenter.from_pretrained(name, device="cpu"))
    image = np.zeros((60, 80, 3), np.uint8)
    for model, steps, idle in ((names[0], 2, True), (names[0], 0, False), (names[1], 2, False)):
        *_, last = trials(models, image, CUP, model, Choices(steps, 1, 0.5, 0.5, 0))
        assert any("has one stage: refinement steps" in note for note in last.notes) == idle


@pytest.mark.parametrize(
    ("live", "rate", "ending"),
    [("true", "", ["--live"]), ("true", "2", ["--live", "--rate", "2"]), ("false", "2", ["--rate", "2"])],
)
def test_the_launch_file_leaves_a_vain_rate_to_the_command(
    monkeypatch: pytest.MonkeyPatch, live: str, rate: str, ending: list[str]
) -> None:
    ros = MagicMock()  # launch_ros is not on PyPI
    for name in (
        "launch",
        "launch.actions",
        "launch.event_handlers",
        "launch.events",
        "launch.events.process",
        "launch_ros.actions",
    ):
        monkeypatch.setitem(sys.modules, name, ros)
    monkeypatch.setitem(sys.modules, "launch_ros", ros)
    given = {"bag": "b", "out": "o", "model": "m", "device": "cpu", "live": live, "rate": rate}
    runpy.run_path(str(ROOT / "launch" / "evaluate.launch.py"))["make_replay"](
        SimpleNamespace(launch_configurations=given)
    )
    words = ["replay", "b", "--out", "o", "--model", "m", "--device", "cpu", *ending]
    assert ros.Node.call_args.kwargs["arguments"] == words


def test_learn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture_folder(tmp_path)
    command = ["learn", tmp_path / "pictures", "--out", tmp_path / "out"]
    assert "--port is 80, expected it only with --page" in refused([*command, "--port", 80], capsys)
    both = [*command, "--labels", tmp_path, "--teacher", "clipseg"]
    assert "--teacher is 'clipseg', expected none with --labels" in refused(both, capsys)


def test_ask(lavt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_boxes(tmp_path, "test", 2)
    for model, reason in ((str(lavt), "expected it only where masks are refined"), ("true", "expected none with")):
        command = ["ask", "--data", str(tmp_path), "--device", "cpu", "--steps", "2", "--model", model]
        assert cli.main(command) == 2
        assert f"--steps is 2, {reason}" in capsys.readouterr().err
    assert cli.main(["ask", "--data", str(tmp_path), "--device", "cpu", "--model", "true"]) == 2
    assert "--device is cpu, expected none with --model true" in capsys.readouterr().err
