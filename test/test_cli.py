from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mdsm_ros.commands.main import main

INSTRUCTION = "get the red cup on the table"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(path)
    return path


def run_segment(image: Path, untrained_weights: Path | str, *options: str, instruction: str = INSTRUCTION) -> int:
    return main(["segment", str(image), instruction, "--model", str(untrained_weights), "--device", "cpu", *options])


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    """The error a command printed: one line."""
    lines = capsys.readouterr().err.strip().splitlines()
    errors = [line for line in lines if line.startswith("mdsm: error: ")]
    assert len(errors) == 1
    assert not any("Traceback" in line for line in lines)
    return errors[0]


def test_segment_writes_overlay_and_mask(
    photo: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay, mask = tmp_path / "out" / "overlay.png", tmp_path / "out" / "mask.png"
    assert run_segment(photo, untrained_weights, "--out", str(overlay), "--mask", str(mask), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["instruction"] == INSTRUCTION
    assert answer["stage"] == "refined"
    pixels = np.asarray(Image.open(mask))
    assert pixels.shape == (60, 80)
    assert set(np.unique(pixels)) <= {0, 255}
    assert (pixels == 255).sum() == answer["pixels"]
    assert [found["pixels"] for found in answer["objects"]] == ([answer["pixels"]] if answer["pixels"] else [])
    assert np.asarray(Image.open(overlay)).shape[2] == 3


def test_zero_steps_give_the_initial_mask(
    photo: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_segment(photo, untrained_weights, "--steps", "0", "--out", str(tmp_path / "o.png"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["stage"] == "initial"


def test_the_same_seed_gives_the_same_mask(photo: Path, untrained_weights: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        options = ["--out", str(tmp_path / "o.png"), "--mask", str(tmp_path / f"{name}.png"), "--seed", "3"]
        assert run_segment(photo, untrained_weights, *options) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_picture_that_is_stored_on_its_side_is_turned(untrained_weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "side.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    Image.new("RGB", (80, 60)).save(path, exif=exif)
    mask = tmp_path / "mask.png"
    assert run_segment(path, untrained_weights, "--out", str(tmp_path / "o.png"), "--mask", str(mask)) == 0
    assert Image.open(mask).size == (60, 80)


@pytest.mark.parametrize(
    ("content", "expectation"),
    [(None, "does not exist"), (b"no picture", "cannot be read"), (b"", "cannot be read"), ("half", "is damaged")],
)
def test_bad_pictures(
    photo: Path,
    untrained_weights: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | str | None,
    expectation: str,
) -> None:
    if content is None:
        photo.unlink()
    else:
        photo.write_bytes(photo.read_bytes()[:1500] if isinstance(content, str) else content)
    assert run_segment(photo, untrained_weights) == 2
    error = error_of(capsys)
    assert str(photo) in error
    assert expectation in error


@pytest.mark.parametrize("instruction", ["", "   ", "x" * 10_000, "get the\x07 cup"])
def test_bad_instructions(
    photo: Path, untrained_weights: Path, capsys: pytest.CaptureFixture[str], instruction: str
) -> None:
    assert run_segment(photo, untrained_weights, instruction=instruction) == 2
    assert "instruction" in error_of(capsys)


@pytest.mark.parametrize("instruction", ["ソファの上の枕を取って", "get the 🏆 on the shelf", "ö"])
def test_unknown_words_are_answered(photo: Path, untrained_weights: Path, tmp_path: Path, instruction: str) -> None:
    assert run_segment(photo, untrained_weights, "--out", str(tmp_path / "o.png"), instruction=instruction) == 0


def test_a_missing_weights_folder(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_segment(photo, tmp_path / "nowhere") == 2
    assert "nowhere" in error_of(capsys)


def test_corrupt_weights(
    photo: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in untrained_weights.iterdir():
        (broken / file.name).write_bytes(
            file.read_bytes()[:1000] if file.suffix == ".safetensors" else file.read_bytes()
        )
    assert run_segment(photo, broken) == 2
    assert "model.safetensors" in error_of(capsys)


def test_an_unknown_device(photo: Path, untrained_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", str(photo), INSTRUCTION, "--model", str(untrained_weights), "--device", "toaster"]) == 2
    assert "toaster" in error_of(capsys)


def test_an_overlay_of_unknown_format(photo: Path, untrained_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_segment(photo, untrained_weights, "--out", "overlay.nothing") == 2
    assert "overlay.nothing" in error_of(capsys)


@pytest.mark.parametrize("steps", ["-1", "101", "many"])
def test_steps_out_of_range(photo: Path, capsys: pytest.CaptureFixture[str], steps: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["segment", str(photo), INSTRUCTION, "--steps", steps])
    assert "--steps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expectation"),
    [
        (["--bag", "nowhere"], "bag 'nowhere' does not exist"),
        (["--video", "nowhere.mp4", "--instruction", "get it"], "video 'nowhere.mp4' cannot be read"),
        (["--video", "nowhere.mp4"], "--video needs at least one --instruction"),
        (["--instruction", "get it"], "--instruction needs --video"),
        (["--photographs", "--instruction", "get it"], "--instruction needs --video"),
        (["--photographs", "--model", "nowhere"], "nowhere"),
    ],
)
def test_demo_with_bad_input(arguments: list[str], expectation: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *arguments]) == 2
    assert expectation in error_of(capsys)


def test_bench_prints_a_line_per_stage(untrained_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--model", str(untrained_weights), "--device", "cpu", "--runs", "2", "--steps", "1"]) == 0
    table = capsys.readouterr().out
    for part in ("initial", "refinement", "refined"):
        assert f"| none | {part} |" in table


@pytest.mark.slow
def test_bench_of_random_weights_and_of_accelerations(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--device", "cpu", "--runs", "1", "--acceleration", "none", "half"]
    assert main(["bench", "--model", "random:lavt-tiny", *options]) == 0
    table = capsys.readouterr().out
    assert table.startswith("random:lavt-tiny on cpu")
    assert "| none | initial |" in table
    assert "| half | initial |" in table
    assert main(["bench", "--model", "random:lavt-huge", *options]) == 2
    assert "preset is 'lavt-huge', expected one of daam-sd15" in error_of(capsys)
    assert main(["bench", "--device", "cpu", "--acceleration", "warp"]) == 2
    assert "acceleration is 'warp'" in error_of(capsys)


@pytest.mark.parametrize(
    "added", [["--ros-args"], ["--ros-args", "-r", "__ns:=/left"], ["--ros-args", "-p", "a:=1", "--"]]
)
def test_what_ros2_launch_adds_is_passed_over(added: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*added, "--version"] if added[-1] == "--" else ["--version", *added])
    assert capsys.readouterr().out.startswith("mdsm_ros ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.startswith("mdsm_ros ")
