from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rosbags.rosbag2 import StoragePlugin, Writer

from mdsm_ros.demo import BUNDLED_BAG
from mdsm_ros.demo.bag_writer import (
    DEPTH_TOPIC,
    IMAGE_TOPIC,
    INSTRUCTION_TOPIC,
    STORE,
    Shot,
    write_recording,
)
from mdsm_ros.demo.report import write_report
from mdsm_ros.demo.score import score_replay
from mdsm_ros.demo.video import VideoSource
from mdsm_ros.errors import BagError, DemoError
from mdsm_ros.geometry import Camera
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.exchange import Frame, MaskMessage, Outgoing, Replay, Status
from mdsm_ros.recordings.images.colors import image_to_rgb
from mdsm_ros.recordings.playback import INSTRUCTION_TYPE, TRUTH_TOPIC, RecordingSource

CUP, RADIO = "get the red cup", "turn the radio on the shelf off"
START = 1_700_000_000 * 10**9
HALF = np.zeros((48, 64), bool)
HALF[:, :32] = True
NOTHING = np.zeros_like(HALF)


def shots() -> list[Shot]:
    """Four frames of the cup, then four in which the radio is not in view."""
    rng = np.random.default_rng(0)
    camera = Camera(fx=50.0, fy=50.0, cx=31.5, cy=23.5)
    picture = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(8)]
    return [Shot(rgb, HALF if i < 4 else NOTHING, camera, CUP if i < 4 else RADIO) for i, rgb in enumerate(picture)]


@pytest.fixture
def recording(tmp_path: Path) -> RecordingSource:
    write_recording(tmp_path / "bag", shots(), rate=4.0, start=START)
    return RecordingSource(tmp_path / "bag")


def test_a_recording_comes_back_as_it_was_written(recording: RecordingSource) -> None:
    assert recording.image_topic == IMAGE_TOPIC
    assert recording.instructions == [CUP, RADIO]
    messages = list(recording.messages(0))
    frames = [message.frame for message in messages if message.frame is not None]
    assert [frame.stamp for frame in frames] == [START + i * 250_000_000 for i in range(8)]
    assert [frame.instruction for frame in frames] == [0] * 4 + [1] * 4
    assert [message.due for message in messages] == sorted(message.due for message in messages)
    assert {message.topic for message in messages} == set(recording.topics)
    assert TRUTH_TOPIC not in recording.topics
    for frame, shot in zip(frames, shots(), strict=True):
        truth = recording.truth(frame)
        assert truth is not None
        np.testing.assert_array_equal(truth, shot.truth)


def test_depth_is_sent_but_is_not_the_camera(tmp_path: Path) -> None:
    metres = np.full((48, 64), 1.5, np.float32)
    write_recording(
        tmp_path / "bag", (dataclasses.replace(shot, depth=metres) for shot in shots()), rate=4.0, start=START
    )
    source = RecordingSource(tmp_path / "bag")
    assert source.image_topic == IMAGE_TOPIC
    assert sum(message.topic == DEPTH_TOPIC for message in source.messages(0)) == 8


def test_each_instruction_goes_out_before_its_first_image(recording: RecordingSource) -> None:
    said = -1
    for message in recording.messages(0):
        said += message.topic == INSTRUCTION_TOPIC
        if message.frame is not None:
            assert message.frame.instruction == said


def test_a_bag_without_images(tmp_path: Path) -> None:
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/instruction", INSTRUCTION_TYPE, typestore=STORE)
        message = STORE.types[INSTRUCTION_TYPE](data=CUP)
        writer.write(connection, START, STORE.serialize_cdr(message, INSTRUCTION_TYPE))
    with pytest.raises(BagError, match=r"no topic of type sensor_msgs/msg/Image or sensor_msgs/msg/CompressedImage"):
        RecordingSource(tmp_path / "bag")


def test_a_bag_without_instructions(tmp_path: Path) -> None:
    kind = "sensor_msgs/msg/Image"
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection("/camera/image", kind, typestore=STORE)
    with pytest.raises(BagError, match=r"no topic of type std_msgs/msg/String; it holds /camera/image"):
        RecordingSource(tmp_path / "bag")


def status(frame: Frame, instruction: str, stage: str, *, present: bool, **changes: object) -> Status:
    values = Status(frame.stamp, frame.frame_id, instruction, stage, present, 0.2, 0.25, 0.05, None)
    return dataclasses.replace(values, **changes)  # type: ignore[arg-type]


def perfect_replay(source: RecordingSource) -> Replay:
    """What a node would do that is always right, but whose initial masks miss half of the target."""
    frames = [message.frame for message in source.messages(0) if message.frame is not None]
    replay = Replay({frame.stamp: frame for frame in frames}, [], {"initial": [], "final": []}, {})
    quarter = HALF.copy()
    quarter[24:] = False
    for frame in frames:
        truth = source.truth(frame)
        assert truth is not None
        for stage, mask in (("initial", truth & quarter), ("refined", truth)):
            replay.masks["initial" if stage == "initial" else "final"].append(
                MaskMessage(frame.stamp, frame.frame_id, mask)
            )
            text = source.instructions[frame.instruction]
            replay.statuses.append(status(frame, text, stage, present=bool(truth.any())))
        replay.overlays[frame.stamp] = np.full((48, 64, 3), 40 * frame.instruction, np.uint8)
    return replay


def test_a_replay_is_scored_against_its_truth(recording: RecordingSource) -> None:
    score = score_replay(recording, perfect_replay(recording))
    assert score.faults == []
    assert (score.answered, score.frames, score.answered_frames) == (2, 8, 8)
    cup, radio = score.rows
    assert (cup.frames, cup.answers, cup.present, cup.in_view, cup.judged) == (4, 4, 4, 4, 4)
    assert (cup.masks, cup.found, cup.false_masks) == (4, 4, 0)
    assert (cup.mean_iou("initial"), cup.mean_iou("refined")) == (0.5, 1.0)
    assert (radio.answers, radio.present, radio.in_view) == (4, 0, 0)
    assert (radio.masks, radio.found, radio.false_masks) == (0, 0, 0)
    assert radio.mean_iou("refined") is None
    assert score.age == pytest.approx(0.05)


@pytest.mark.parametrize(("rows", "found"), [(48, 4), (24, 4), (23, 0), (0, 0)])
def test_found_is_a_statement_about_the_mask(recording: RecordingSource, rows: int, found: int) -> None:
    replay = perfect_replay(recording)
    cup = {frame.stamp for frame in replay.frames.values() if frame.instruction == 0}
    for i, mask in enumerate(replay.masks["final"]):
        part = mask.mask.copy()
        part[rows:] = False
        replay.masks["final"][i] = dataclasses.replace(mask, mask=part if mask.stamp in cup else ~NOTHING)
    row, other = score_replay(recording, replay).rows
    assert (row.present, row.found, row.masks) == (4, found, 4 if rows else 0)  # whatever the answers say of it
    assert (other.present, other.found, other.false_masks) == (0, 0, 4)


def test_answers_to_the_previous_instruction_are_not_scored(recording: RecordingSource) -> None:
    replay = perfect_replay(recording)
    late = replay.frames[START + 4 * 250_000_000]
    for i, answer in enumerate(replay.statuses):
        if answer.stamp == late.stamp:
            replay.statuses[i] = dataclasses.replace(answer, instruction=CUP)
    score = score_replay(recording, replay)
    assert score.faults == []
    assert [row.answers for row in score.rows] == [4, 3]


def test_a_frame_that_is_answered_for_two_instructions_keeps_its_masks_apart(recording: RecordingSource) -> None:
    replay = perfect_replay(recording)
    last = replay.frames[START + 3 * 250_000_000]
    replay.statuses.append(status(last, RADIO, "refined", present=False))
    replay.masks["final"].append(MaskMessage(last.stamp, last.frame_id, NOTHING))
    score = score_replay(recording, replay)
    assert score.faults == []
    assert score.rows[0].mean_iou("refined") == 1.0


def test_a_node_that_does_not_refine_is_scored_by_its_initial_masks(recording: RecordingSource) -> None:
    replay = perfect_replay(recording)
    replay.statuses[:] = [status for status in replay.statuses if status.stage == "initial"]
    replay.masks["final"][:] = replay.masks["initial"]
    score = score_replay(recording, replay)
    assert score.faults == []
    assert [row.answers for row in score.rows] == [4, 4]
    assert (score.rows[0].mean_iou("initial"), score.rows[0].mean_iou("refined")) == (0.5, None)


def test_foreign_stamps_and_frames_are_faults(recording: RecordingSource) -> None:
    replay = perfect_replay(recording)
    good = replay.masks["final"][0]
    replay.masks["final"][0] = dataclasses.replace(good, frame_id="map")
    replay.masks["final"][1] = dataclasses.replace(replay.masks["final"][1], stamp=5)
    faults = "\n".join(score_replay(recording, replay).faults)
    assert "has frame_id 'map', its image 'camera_color_optical_frame'" in faults
    assert "the final mask of stamp 5 belongs to no image that was sent" in faults


def test_an_unanswered_instruction_is_a_fault(recording: RecordingSource) -> None:
    replay = perfect_replay(recording)
    silent = dataclasses.replace(
        replay,
        statuses=[s for s in replay.statuses if s.instruction == CUP],
        masks={k: [m for m in v if replay.frames[m.stamp].instruction == 0] for k, v in replay.masks.items()},
    )
    assert score_replay(recording, silent).faults == ["only 1 of 2 instructions were answered"]


def test_an_error_of_the_node_is_a_fault(recording: RecordingSource) -> None:
    replay = perfect_replay(recording)
    frame = replay.frames[START]
    replay.statuses.append(status(frame, CUP, "", present=False, error="out of memory"))
    assert score_replay(recording, replay).faults == ["the node reports an error: out of memory"]


def test_the_report_holds_a_picture_per_instruction_and_the_table(recording: RecordingSource, tmp_path: Path) -> None:
    replay = perfect_replay(recording)
    table = write_report(tmp_path, recording, replay, score_replay(recording, replay))
    assert f"| 1 | {CUP} | 4 | 4 | 4/4 | 4/4 | 0/0 | 0.50 | 1.00 | 0.25 |" in table
    assert f"| 2 | {RADIO} | 4 | 4 | 0/4 | 0/0 | 0/4 | – | – | 0.25 |" in table
    assert (tmp_path / "table.md").read_text(encoding="utf-8").strip() == table
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["rows"][0]["answers"] == 4
    for number, value in ((1, 0), (2, 40)):
        assert np.asarray(Image.open(tmp_path / f"overlay_{number:02d}.png")).max() == value
    assert Image.open(tmp_path / "contact_sheet.png").width == 2 * 480


def test_the_caption_is_about_the_answer_in_the_picture(
    recording: RecordingSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = perfect_replay(recording)
    captions: list[str] = []

    def tile(overlay: np.ndarray, instruction: str, verdict: str) -> Image.Image:
        captions.append(verdict)
        return Image.new("RGB", (4, 4))

    monkeypatch.setattr("mdsm_ros.demo.report._tile", tile)
    write_report(tmp_path, recording, replay, score_replay(recording, replay))
    assert captions == ["answer: in view, IoU 1.00", "answer: not in view; it is not in view"]
    shown = sorted(stamp for stamp in replay.overlays if replay.frames[stamp].instruction == 0)
    worse = {
        kind: [
            dataclasses.replace(m, mask=np.zeros_like(m.mask)) if m.stamp == shown[len(shown) // 2] else m for m in v
        ]
        for kind, v in replay.masks.items()
    }
    captions.clear()  # the others are still perfect
    write_report(tmp_path, recording, dataclasses.replace(replay, masks=worse), score_replay(recording, replay))
    assert captions[0] == "answer: not in view, IoU 0.00"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds of 1080p at 10 Hz."""
    av = pytest.importorskip("av")
    path = tmp_path / "video.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((1080, 1920, 3), 10 * i, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_video_becomes_720p_images_at_its_own_rate(video: Path) -> None:
    source = VideoSource(video, [CUP, RADIO])

    def images() -> Iterator[Outgoing]:
        return (message for message in source.messages(START) if message.frame is not None)

    frames = [message.frame for message in images() if message.frame is not None]
    assert [frame.stamp for frame in frames] == [START + i * 100_000_000 for i in range(20)]
    assert [frame.instruction for frame in frames] == [0] * 10 + [1] * 10
    first = STORE.deserialize_cdr(next(images()).data, "sensor_msgs/msg/Image")
    assert (first.height, first.width, first.encoding, first.step) == (720, 1280, "rgb8", 3840)  # type: ignore[attr-defined]


RED_LEFT = np.zeros((64, 128, 3), np.uint8)
RED_LEFT[:, :64, 0] = 220
RED_LEFT[:32, 64:, 2] = 220  # blue in the upper right corner


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((1, 0, 0, 1), RED_LEFT),
        ((0, 1, -1, 0), np.rot90(RED_LEFT, -1)),
        ((0, -1, 1, 0), np.rot90(RED_LEFT)),
        ((-1, 0, 0, -1), RED_LEFT[::-1, ::-1]),
        ((-1, 0, 0, 1), RED_LEFT[:, ::-1]),
        ((0, 1, 1, 0), RED_LEFT.swapaxes(0, 1)),
    ],
    ids=["as it is", "clockwise", "counterclockwise", "upside down", "mirrored", "on its side and mirrored"],
)
def test_a_video_is_turned_as_its_file_says(
    tmp_path: Path, matrix: tuple[int, int, int, int], expected: np.ndarray
) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(RED_LEFT, format="rgb24")))
        container.mux(stream.encode())
    content = bytearray(path.read_bytes())
    at = content.find(b"tkhd") + 8  # after version and flags come times, numbers, volume
    at += 36 if content[at - 4] == 0 else 48
    a, b, c, d = (65536 * value for value in matrix)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    message = next(m for m in VideoSource(path, [CUP]).messages(START) if m.frame is not None)
    image = STORE.deserialize_cdr(message.data, "sensor_msgs/msg/Image")
    pixels = image_to_rgb(image)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 12


def test_a_video_that_is_too_large(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdsm_ros.demo.video.MAX_PIXELS", 1920 * 1080 - 1)
    with pytest.raises(DemoError, match="is 1920x1080 pixels, expected at most 2073599 in all"):
        VideoSource(video, [CUP])


@pytest.mark.parametrize("name", ["missing.mp4", "text.mp4"])
def test_a_video_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    pytest.importorskip("av")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(DemoError, match=rf"video .*{name}' cannot be read"):
        VideoSource(tmp_path / name, [CUP])


def test_the_bundled_bag_is_complete_and_small() -> None:
    source = RecordingSource(BUNDLED_BAG)
    frames = [message.frame for message in source.messages(0) if message.frame is not None]
    assert 10 <= len(source.instructions) <= 12
    assert all(source.truth(frame) is not None for frame in frames)
    assert {frame.instruction for frame in frames} == set(range(len(source.instructions)))
    assert sum(file.stat().st_size for file in BUNDLED_BAG.iterdir()) <= 15e6
    with Bag(BUNDLED_BAG) as bag:
        assert bag.duration <= 90
