"""Evaluation on recordings: real bags that the tests write, good and bad, and the page in a real browser."""

from __future__ import annotations

import base64
import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recordings import (
    CUP,
    IMAGE,
    RADIO,
    SAID,
    SECOND,
    SHAPE,
    TRUTH,
    Recorder,
    Reds,
    good_bag,
    mask,
    picture,
    replay,
)
from rosbags.rosbag2 import CompressionMode, StoragePlugin

from mdsm_ros.commands.main import main
from mdsm_ros.demo.bag_writer import STORE
from mdsm_ros.errors import BagError, ReplayError, StorageError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.pictures.page import Page, Picture, write_page
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.rle import encode
from mdsm_ros.replay.answers import FrameAnswer, read_answers
from mdsm_ros.replay.comparison import run_comparison
from mdsm_ros.replay.differences import Pair, difference
from mdsm_ros.replay.frames import LATE, FrameReader, ReplayFrame, choose_topics
from mdsm_ros.replay.options import ReplayOptions
from mdsm_ros.replay.overview import Overview
from mdsm_ros.replay.run import ANSWERS
from mdsm_ros.replay.stability import stability_table


def read(path: Path, **names: Any) -> tuple[list[ReplayFrame], dict[str, int]]:
    with Bag(path) as bag:
        reader = FrameReader(bag, choose_topics(bag, **names))
        return list(reader.frames()), dict(reader.faults)


# -- frames ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "compression"),
    [
        (StoragePlugin.MCAP, None),
        (StoragePlugin.MCAP, CompressionMode.STORAGE),
        (StoragePlugin.SQLITE3, None),
        (StoragePlugin.SQLITE3, CompressionMode.FILE),
        (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    ],
)
def test_frames_come_with_instruction_and_truth(
    tmp_path: Path, storage: StoragePlugin, compression: CompressionMode | None
) -> None:
    frames, faults = read(good_bag(tmp_path / "bag", storage, compression))
    assert faults == {}
    assert [frame.instruction for frame in frames] == ["", CUP, CUP, CUP, RADIO, RADIO]
    assert [frame.stamp for frame in frames] == [round((i + 1.0) * SECOND) for i in range(6)]
    assert frames[0].truth is None
    for number in (1, 2, 3):
        np.testing.assert_array_equal(frames[number].image, picture(number))
        np.testing.assert_array_equal(frames[number].truth, mask(number))
    for frame in frames[4:]:
        assert frame.truth is not None
        assert not frame.truth.any()


def test_a_truth_that_never_comes_holds_nothing_up(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    recorder.tell(mask(3), 0.6, 0.6)  # of no image
    for number in range(2 * LATE):
        recorder.show(picture(number % 5), 1.0 + number)
    frames, _ = read(recorder.close())
    assert [frame.number for frame in frames] == list(range(2 * LATE))
    assert {frame.truth is None for frame in frames} == {True}


def test_what_is_bad_is_counted_and_the_rest_read(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    recorder.say("  ", 0.6)
    recorder.show(picture(0), 1.0)
    recorder.show(picture(1), 2.0, encoding="nonsense")
    recorder.show(picture(2), 3.0, stamp=1.5)
    recorder.show(picture(3), 4.0)
    recorder.tell(np.ones((5, 5), bool), 4.0, 4.0)
    frames, faults = read(recorder.close())
    assert [frame.image is None for frame in frames] == [False, True, False, False]
    assert frames[1].fault is not None
    assert "nonsense" in frames[1].fault
    assert {frame.instruction for frame in frames} == {CUP}
    assert faults == {"bad instructions": 1, "stamps that go backwards": 1, "truth of another size than its image": 1}


def test_damage_in_the_middle_ends_the_recording_there(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    for number in range(2000):
        recorder.show(np.random.default_rng(number).integers(0, 256, (*SHAPE, 3), dtype=np.uint8), 1.0 + number)
    (file,) = recorder.close().glob("*.mcap")
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 5000] = bytes([255]) * 5000
    file.write_bytes(bytes(content))
    frames, faults = read(tmp_path / "bag")
    assert 50 < len(frames) < 2000
    assert all(frame.image is not None for frame in frames)
    assert any("the rest of the bag after image" in fault or "images that are no message" in fault for fault in faults)


@pytest.mark.slow
@pytest.mark.parametrize("metadata", [True, False])
def test_a_recording_that_was_cut_short_is_evaluated_as_far_as_it_goes(tmp_path: Path, metadata: bool) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    rng = np.random.default_rng(0)
    for number in range(2000):
        recorder.tell(mask(number % 9), number + 1.0, number + 1.0)
        recorder.show(rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8), number + 1.0)
    (file,) = recorder.close().glob("*.mcap")
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    if not metadata:
        (tmp_path / "bag" / "metadata.yaml").unlink()
    with pytest.raises(BagError):
        Bag(tmp_path / "bag")
    metrics = replay(tmp_path / "bag", tmp_path / "out")
    assert 500 < metrics["all"]["answered"] < 1300
    assert any(fault.startswith("read as far as it goes: bag ") for fault in metrics["faults"])
    with Bag(tmp_path / "out" / "bag") as bag:
        assert bag.count("/mdsm/mask/compressed") == metrics["all"]["answered"] == bag.count(IMAGE)


def test_corrupt_images_are_told_and_the_others_answered(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    rng = np.random.default_rng(0)
    for number in range(60):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)).save(buffer, "jpeg")
        data = buffer.getvalue()
        cut = number % 10 == 7
        recorder.tell(mask(1), number + 1.0, number + 1.0)
        recorder.show_jpeg(data[: len(data) // 2] if cut else data, number + 1.0)
    metrics = replay(recorder.close(), tmp_path / "out")
    assert metrics["faults"] == {"images unanswered: image data cannot be used": 6}
    assert (metrics["all"]["frames"], metrics["all"]["answered"]) == (60, 54)
    assert "mIoU" in metrics["stages"]["refined"]
    faults = [answer.fault for answer in read_answers(tmp_path / "out" / ANSWERS)]
    assert [number for number, fault in enumerate(faults) if fault] == [7, 17, 27, 37, 47, 57]
    assert faults[7] is not None
    assert faults[7].startswith("image data is ")


def test_a_clock_that_goes_backwards_loses_no_image(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    for number in range(6):
        stamp = number + 1.0 - (2.5 if number >= 3 else 0.0)  # as where a simulation is started again
        recorder.tell(mask(number), number + 1.0, stamp)
        recorder.show(picture(number), number + 1.0, stamp)
    metrics = replay(recorder.close(), tmp_path / "out")
    assert metrics["faults"] == {"stamps that go backwards": 1}
    assert metrics["all"]["answered"] == 6
    assert metrics["stages"]["initial"]["mIoU"] == 1.0


@pytest.mark.parametrize("images", ["no topic", "no message"])
def test_a_recording_without_images_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], images: str
) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    if images == "no message":
        recorder.connections[IMAGE] = recorder.writer.add_connection(IMAGE, "sensor_msgs/msg/Image", typestore=STORE)
    assert main(["replay", str(recorder.close()), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert line.startswith("mdsm: error: bag ")
    assert "no topic of type sensor_msgs/msg/Image" in line or f"has no message on {IMAGE}, expected images" in line


def test_nothing_can_be_read_of_a_beginning(tmp_path: Path) -> None:
    (file,) = good_bag(tmp_path / "bag").glob("*.mcap")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(BagError, match=r"damaged .*; not one message can be read"):
        Bag(tmp_path / "bag", salvage=True)


def test_no_images_and_wrong_types_are_named(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    with Bag(recorder.close()) as bag, pytest.raises(BagError, match="no topic of type sensor_msgs/msg/Image or"):
        choose_topics(bag)
    with Bag(good_bag(tmp_path / "good")) as bag:
        with pytest.raises(BagError, match=f"topic {SAID} of bag .* is std_msgs/msg/String, expected sensor_msgs"):
            choose_topics(bag, image=SAID)
        with pytest.raises(BagError, match="no topic /wrist, expected"):
            choose_topics(bag, truth="/wrist")
    recorder = Recorder(tmp_path / "empty")
    recorder.connections[IMAGE] = recorder.writer.add_connection(IMAGE, "sensor_msgs/msg/Image", typestore=STORE)
    recorder.say(CUP, 0.5)
    with pytest.raises(ReplayError, match=f"has no message on {IMAGE}, expected images"):
        read(recorder.close())


# -- figures -----------------------------------------------------------------------------------------------------------


def test_figures_of_a_recording(tmp_path: Path) -> None:
    metrics = replay(good_bag(tmp_path / "bag"), tmp_path / "out")
    assert metrics["all"]["frames"] == 6
    assert metrics["all"]["answered"] == 5
    assert metrics["faults"] == {"images unanswered: no instruction yet": 1}
    assert metrics["stages"]["initial"]["mIoU"] == 1.0
    assert metrics["stages"]["refined"]["mIoU"] == pytest.approx(1 - 1 / SHAPE[0])
    assert metrics["stages"]["refined"]["p50 seconds"] == 0.3
    assert metrics["all"]["target accuracy"] == 1.0
    assert metrics["all"]["no-target accuracy"] == 0.0
    steady = [2 / 3, 3 / 4, 5 / 6]  # never across instructions
    assert metrics["all"]["IoU from frame to frame"] == pytest.approx(np.mean(steady))
    assert list(metrics["instructions"]) == [CUP, RADIO]
    assert metrics["settings"]["truth"] == TRUTH


def test_without_truth_there_are_presence_steadiness_and_latency() -> None:
    answers = [
        FrameAnswer(i, i, i, CUP, masks={"initial": encode(mask(i))}, seconds={"initial": 0.2}, score=0.7, present=True)
        for i in range(3)
    ]
    summary = Overview.of(answers).summary()
    assert summary["all"] == {"frames": 3, "answered": 3, "said to be in view": 1.0}
    assert summary["stages"] == {"initial": {"p50 seconds": 0.2, "p95 seconds": 0.2}}


@pytest.mark.parametrize("answered", [0, 1, 3])
@pytest.mark.parametrize("half_a_line", [False, True])
def test_a_run_that_was_ended_goes_on_to_the_same_figures(tmp_path: Path, answered: int, half_a_line: bool) -> None:
    bag = good_bag(tmp_path / "bag")
    whole = replay(bag, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        replay(bag, tmp_path / "parts", Reds(patience=answered))
    if half_a_line:
        with (tmp_path / "parts" / ANSWERS).open("a") as file:
            file.write('{"number": 3, "stamp"')
    assert replay(bag, tmp_path / "parts") == whole
    lines = [(tmp_path / name / ANSWERS).read_text() for name in ("whole", "parts")]
    assert lines[0] == lines[1]


def test_steadiness_with_and_without_a_warm_start(tmp_path: Path) -> None:
    class Flicker(Reds):
        # finds nothing in every other frame, if it does not start from the one before
        frames = 0

        def stream(self, image: np.ndarray, instruction: str, settings: InferenceSettings) -> Iterator[Segmentation]:
            self.frames += 1
            shown = image if settings.warm_start or self.frames % 2 else np.zeros_like(image)
            return super().stream(shown, instruction, settings)

    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    for number in range(4):
        recorder.tell(mask(5), number + 1.0, number + 1.0)
        recorder.show(picture(5), number + 1.0)
    model: Any = Flicker()
    rows = stability_table(model, recorder.close()).splitlines()[-2:]
    refined = 1 - 1 / SHAPE[0]
    assert rows[0] == f"| the initial mask | 4 | 0.000 | {refined / 2:.3f} | 300 |"
    assert rows[1] == f"| the mask of the frame before | 4 | 1.000 | {refined:.3f} | 300 |"


def test_the_stability_is_that_of_the_steps_that_are_asked_for(tmp_path: Path) -> None:
    asked: list[int] = []

    class Asked(Reds):
        def stream(self, image: np.ndarray, instruction: str, settings: InferenceSettings) -> Iterator[Segmentation]:
            asked.append(settings.num_inference_steps)
            return super().stream(image, instruction, settings)

    model: Any = Asked()
    bag = good_bag(tmp_path / "bag")
    stability_table(model, bag, 7)
    assert set(asked) == {7}
    (row,) = stability_table(model, bag, 0).splitlines()[4:]
    assert row.startswith("| nothing is refined |")


def test_another_model_does_not_go_on_in_the_same_folder(tmp_path: Path) -> None:
    bag = good_bag(tmp_path / "bag")
    replay(bag, tmp_path / "out")
    other: Any = Reds()
    other.name = "blues"
    with pytest.raises(ReplayError, match="contains a replay whose model is 'reds', not 'blues'; choose another --out"):
        replay(bag, tmp_path / "out", other)


def test_the_output_bag_has_masks_beside_what_was_recorded(tmp_path: Path) -> None:
    source = good_bag(tmp_path / "bag")
    replay(source, tmp_path / "out")
    replay(source, tmp_path / "out")  # once more changes nothing
    with Bag(source) as before, Bag(tmp_path / "out" / "bag") as after:
        recorded = [(m.topic, m.type, m.time, bytes(m.data)) for m in before.messages()]
        written = [(m.topic, m.type, m.time, bytes(m.data)) for m in after.messages()]
        ours = ["/mdsm/initial_mask/compressed", "/mdsm/mask/compressed", "/mdsm/status"]
        assert [message for message in written if message[0] not in ours] == recorded
        assert [after.count(topic) for topic in ours] == [5, 5, 6]
    with Bag(tmp_path / "out" / "bag") as bag:
        topics = choose_topics(bag, image="/mdsm/mask/compressed", said=True, truth="/mdsm/initial_mask/compressed")
        masks = {frame.stamp: frame for frame in FrameReader(bag, topics, "x").frames()}
    for number, answer in enumerate(read_answers(tmp_path / "out" / ANSWERS)):
        if answer.fault is None:
            frame = masks[answer.stamp]
            assert frame.image is not None
            np.testing.assert_array_equal(frame.image[..., 0] > 127, answer.mask("refined"))
            np.testing.assert_array_equal(frame.truth, mask(number))


@pytest.mark.slow
def test_a_full_disk_leaves_no_half_bag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bag, out = good_bag(tmp_path / "bag"), tmp_path / "out"

    def fill(folder: Path, *_: object) -> None:
        folder.mkdir()
        (folder / "bag.mcap").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr("mdsm_ros.replay.run.write_output_bag", fill)
        with pytest.raises(StorageError, match=r"out/bag cannot be written: .*No space left on device"):
            replay(bag, out)
    assert not list(out.rglob("*.mcap"))
    replay(bag, out)
    assert list(out.rglob("*.mcap"))


@pytest.mark.slow
def test_the_command_with_the_embedded_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = good_bag(tmp_path / "bag")
    command = ["replay", str(bag), "--out", str(tmp_path / "out"), "--device", "cpu", "--steps", "1"]
    assert main([*command, "--instruction", CUP]) == 0
    assert "| initial |" in capsys.readouterr().out
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["all"]["answered"] == 6
    assert metrics["settings"]["refinement steps"] == 1
    assert main([*command, "--instruction", RADIO]) == 2
    assert "choose another --out" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "nothing"), "--out", str(tmp_path / "x"), "--device", "cpu"]) == 2


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import test_replay as t\n"
        "for bag in sys.argv[2:]:\n"
        "    t.replay(Path(bag), Path(bag + '_out'))\n"
        "    print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    bags = []
    for length in (40, 240):  # the longer one last: the peak is that of the process so far
        recorder = Recorder(tmp_path / f"bag{length}")
        recorder.say(CUP, 0.5)
        rng = np.random.default_rng(0)
        for number in range(length):
            recorder.tell(np.ones((240, 320), bool), number + 1.0, number + 1.0)
            recorder.show(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), number + 1.0)
        bags.append(str(recorder.close()))
    command = [sys.executable, "-c", script, str(Path(__file__).parent), *bags]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    short, long = (int(line.split()[1]) for line in result.stdout.splitlines() if line.startswith("peak "))
    assert long / short < 1.1


def test_two_models_are_compared_frame_by_frame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = good_bag(tmp_path / "bag")
    better: Any = Reds()
    better.name = "better"
    better.stream = lambda *question: list(Reds().stream(*question))[:1]
    models: Any = [Reds(), better]
    assert run_comparison(ReplayOptions(bag, tmp_path / "out"), models) == 0
    rows = json.loads((tmp_path / "out" / "comparison.json").read_text())["rows"]
    assert rows["all"]["difference"] == pytest.approx(1 / SHAPE[0])
    assert (rows["all"]["frames"], list(rows)) == (3, ["all", CUP])
    assert "mIoU of reds (first) and better (second)" in capsys.readouterr().out
    assert (tmp_path / "out" / "a_reds" / "report.html").is_file()
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert page.count("<figure") == 3  # where it gained least, most, and in between
    assert f"{CUP} (image 1, IoU 0.96 and 1.00: +0.04)" in page
    assert "where better is worse first" in page
    assert "Latency" not in page  # nothing is said of what is not known
    first = re.search(r"data:image/jpeg;base64,([^\"]+)", page)
    assert first is not None
    width, height = Image.open(io.BytesIO(base64.b64decode(first[1]))).size
    assert width / height == pytest.approx(2 * SHAPE[1] / SHAPE[0], rel=0.05)


@pytest.mark.slow
def test_public_models_are_compared_by_name(tmp_path: Path, public_models: Path) -> None:
    command = ["replay", str(good_bag(tmp_path / "bag")), "--out", str(tmp_path / "out"), "--device", "cpu", "--no-bag"]
    assert main([*command, "--model", "clipseg", "--compare", "grounded-sam2"]) == 0
    rows = json.loads((tmp_path / "out" / "comparison.json").read_text())["rows"]
    assert rows["all"]["frames"] == 3
    assert (tmp_path / "out" / "b_grounded-sam2" / "report.html").is_file()


def test_the_interval_is_over_instructions_not_frames() -> None:
    def pairs(first: float, second: float) -> list[Pair]:
        return [Pair(number, CUP, first, second) for number in range(100)]

    steady = difference([pairs(0.5, 0.6)] * 10)
    assert (steady["95 % from"], steady["95 % to"]) == pytest.approx((0.1, 0.1))
    swings = difference([pairs(0.5, 0.9), pairs(0.5, 0.3)])  # of two instructions, one better and one worse
    assert (swings["95 % from"], swings["difference"], swings["95 % to"]) == pytest.approx((-0.2, 0.1, 0.4))
    assert "95 % from" not in difference([pairs(0.5, 0.6)])


def test_without_truth_there_is_nothing_to_compare(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    recorder.show(picture(1), 1.0)
    models: Any = [Reds(), Reds()]
    with pytest.raises(ReplayError, match="has no truth for a target in view"):
        run_comparison(ReplayOptions(recorder.close(), tmp_path / "out"), models)


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    replay(good_bag(tmp_path / "bag"), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert CUP in page
    assert "no instruction yet" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "http" not in page
    assert page.count("<figure") == 5  # best, middling and worst of three; both of two


def test_a_long_recording_is_shown_from_end_to_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    for number in range(150):
        recorder.say(f"get cup {number}", number + 0.5)
        recorder.show(picture(3), number + 1.0)
    replay(recorder.close(), tmp_path / "out")
    shown = [int(n) for n in re.findall(r"get cup \d+ \(image (\d+)", (tmp_path / "out" / "report.html").read_text())]
    assert 30 <= len(shown) <= 60
    assert shown[0] < 10
    assert shown[-1] > 140


def test_words_cannot_break_the_page(tmp_path: Path) -> None:
    evil = "<script>alert('$title')</script>"
    picture_ = Picture(picture(3), evil, None, None, 0.5)
    page = Page(evil, {evil: {evil: {evil: 1.0}}}, {evil: 1}, [], {evil: [None, 0.5]}, [picture_], {evil: evil})
    write_page(tmp_path / "report.html", page)
    text = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(&#x27;$title&#x27;)" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", [2, 0, 1, 3]),
        ("iou,1", [1, 0, 2, 3]),  # what has no IoU comes last
        ("iou,-1", [2, 0, 1, 3]),
        ("change,1", [2, 1, 0, 3]),
        ("score,1", [3, 1, 0, 2]),
    ],
)
def test_the_gallery_sorts_in_a_browser(tmp_path: Path, order: str, expected: list[int]) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no Chromium is installed")
    cards = {2: (0.9, -0.3, 0.8), 0: (0.5, 0.1, 0.6), 1: (0.1, 0.0, 0.5), 3: (None, None, 0.4)}
    pictures = [Picture(picture(i), f"card {i}", iou, change, score) for i, (iou, change, score) in cards.items()]
    path = tmp_path / "report.html"
    write_page(path, Page("sorted", {}, {}, [1.0, 2.0], {"score": [0.1, 0.2]}, pictures, {}))
    act = (
        f'<script>const s = document.getElementById("order"); s.value = "{order}"; '
        's.dispatchEvent(new Event("change"));</script></html>'
    )
    path.write_text(path.read_text().replace("</html>", act))
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    result = subprocess.run(
        [browser, *flags, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    found = re.findall(r"<figcaption>card (\d)</figcaption>", result.stdout)
    assert list(map(int, found)) == expected
