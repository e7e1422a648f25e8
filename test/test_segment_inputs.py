"""``mdsm segment`` for several images, videos and cameras."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mdsm_ros.commands.main import main
from mdsm_ros.commands.segment import videos
from mdsm_ros.commands.segment.inputs import Kind, find_inputs, is_one_image
from mdsm_ros.errors import CommandError, ImageError

INSTRUCTION = "get the red cup on the table"
SIZE = (80, 60)  # width, height
FRAMES = 6


def write_image(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = SIZE
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
    return path


def write_video(path: Path, frames: int = FRAMES, rate: float = 5.0) -> Path:
    """A video whose brightness rises from frame to frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, SIZE)
    for number in range(frames):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 30 * number + 20, dtype=np.uint8))
    writer.release()
    return path


def frames_of(path: Path) -> tuple[int, float]:
    """Number of frames and rate of a video."""
    capture = cv2.VideoCapture(str(path))
    number = 0
    while capture.grab():
        number += 1
    return number, capture.get(cv2.CAP_PROP_FPS)


def segment(weights: Path, *words: object) -> int:
    return main(["segment", *map(str, words), "--model", str(weights), "--device", "cpu", "--steps", "0"])


def json_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_files_of_a_folder_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("b10.jpg", "b9.PNG", "a.mp4", "notes.txt", "below/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_inputs([str(tmp_path)])
    assert [(Path(one.source).name, one.kind) for one in found] == [
        ("a.mp4", Kind.VIDEO),
        ("b9.PNG", Kind.IMAGE),
        ("b10.jpg", Kind.IMAGE),
    ]
    assert [one.stem for one in find_inputs([f"{tmp_path}/**/*.jpg"])] == ["b10", "c"]


def test_inputs_of_the_same_name_have_different_outputs(tmp_path: Path) -> None:
    for name in ("a/x.jpg", "b/x.jpg", "b/X.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_inputs([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "a" / "x.jpg")])
    assert [one.stem for one in found] == ["x", "X_2", "x_3"] or [one.stem for one in found] == ["x", "x_2", "X_3"]
    assert len({one.stem.lower() for one in found}) == 3


def test_cameras_are_numbers_or_devices_unless_such_a_file_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = find_inputs(["0", "/dev/video12"])
    assert [(one.kind, one.index, one.stem) for one in found] == [
        (Kind.CAMERA, 0, "camera0"),
        (Kind.CAMERA, 12, "camera12"),
    ]
    (tmp_path / "0").touch()
    assert find_inputs(["0"])[0].kind is Kind.IMAGE


def test_one_image_is_a_file_that_need_not_exist(tmp_path: Path) -> None:
    assert is_one_image(["nowhere.jpg"])
    assert not any(map(is_one_image, (["a.jpg", "b.jpg"], [str(tmp_path)], ["*.jpg"], ["0"], ["a.mp4"])))
    (tmp_path / "a[1].jpg").touch()
    assert is_one_image([str(tmp_path / "a[1].jpg")])


@pytest.mark.parametrize("source", ["", "*.jpg"])
def test_nothing_to_answer(tmp_path: Path, source: str) -> None:
    with pytest.raises(CommandError, match="holds 0 images and videos"):
        find_inputs([f"{tmp_path}/{source}"])


def test_a_broken_file_among_many_does_not_stop_the_others(
    untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out, masks = tmp_path / "photos", tmp_path / "out", tmp_path / "masks"
    for number in (1, 3):
        write_image(photos / f"{number}.png", number)
    (photos / "2.png").write_bytes(b"no picture")
    (photos / "4.mp4").write_bytes(b"no video")
    gone = tmp_path / "gone.jpg"
    assert segment(untrained_weights, photos, gone, INSTRUCTION, "--out", out, "--mask", masks, "--json") == 1
    printed = capsys.readouterr()
    answers = [json.loads(line) for line in printed.out.splitlines()]
    assert [Path(answer["source"]).name for answer in answers] == ["1.png", "2.png", "3.png", "4.mp4", "gone.jpg"]
    assert ["error" in answer for answer in answers] == [False, True, False, True, True]
    assert "3 of 5 inputs failed" in printed.err
    assert sorted(path.name for path in out.iterdir()) == ["1_overlay.jpg", "3_overlay.jpg"]
    assert [np.asarray(Image.open(masks / f"{i}_mask.png")).sum() // 255 for i in (1, 3)] == [
        answers[0]["pixels"],
        answers[2]["pixels"],
    ]
    assert all(Path(answers[i]["overlay"]).is_file() for i in (0, 2))


def test_a_video_becomes_a_video_of_overlays(
    untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, out = write_video(tmp_path / "robot.mp4"), tmp_path / "out"
    assert segment(untrained_weights, video, INSTRUCTION, "--out", out, "--mask", out, "--json", "--every", 2) == 0
    answers = json_lines(capsys)
    assert [(answer["frame"], answer["seconds"]) for answer in answers] == [(0, 0.0), (2, 0.4), (4, 0.8)]
    assert frames_of(out / "robot_overlay.mp4") == (3, 2.5)
    assert sorted(path.name for path in (out / "robot_mask").iterdir()) == ["000000.png", "000002.png", "000004.png"]
    assert not list(out.glob("*.partial*"))
    assert segment(untrained_weights, video, INSTRUCTION, "--out", out, "--frames", 1) == 0
    assert "in view in" in capsys.readouterr().out
    assert frames_of(out / "robot_overlay.mp4") == (1, 5.0)


@pytest.mark.parametrize("words", [["nowhere.mp4"], ["97"]])
def test_the_only_input_cannot_be_opened(
    untrained_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert segment(untrained_weights, *words, INSTRUCTION) == 2
    assert words[0] in capsys.readouterr().err


def test_an_instruction_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [write_image(tmp_path / name) for name in ("a.png", "b.png")]
    assert main(["segment", *map(str, files)]) == 2
    assert "b.png', a file, expected a sentence" in capsys.readouterr().err


def test_a_camera_offers_its_newest_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread reads on while nobody asks; OpenCV reads a file here, which is faster than any camera."""
    path, opened = write_video(tmp_path / "camera.mp4"), cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: opened(str(path)))
    camera = videos.Camera(0)
    camera._thread.join(timeout=60)
    shots = list(camera.shots())
    camera.close()
    assert [shot.number for shot in shots] == [FRAMES - 1]
    assert abs(int(shots[0].image.mean()) - (30 * (FRAMES - 1) + 20)) < 5
    empty = write_image(tmp_path / "empty.png")
    monkeypatch.setattr(videos, "_open", lambda *_: opened(str(empty.with_name("gone.mp4"))))
    camera = videos.Camera(1)
    with pytest.raises(ImageError, match="camera 1 gives no images"):
        list(camera.shots())


def test_the_video_of_a_camera_plays_as_fast_as_the_camera_saw(tmp_path: Path) -> None:
    with videos.OverlayVideo(tmp_path / "a.mp4", 10.0) as film:
        for seconds in (0.0, 0.01, 0.5, 0.6):
            film.add(np.zeros((60, 80, 3), dtype=np.uint8), seconds)
    assert frames_of(tmp_path / "a.mp4") == (7, 10.0)


def test_a_video_that_cannot_be_written(tmp_path: Path) -> None:
    with (
        pytest.raises(ImageError, match="cannot be written"),
        videos.OverlayVideo(tmp_path / "no" / "a.mp4", 10) as film,
    ):
        film.add(np.zeros((60, 80, 3), dtype=np.uint8), 0.0)
