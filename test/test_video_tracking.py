"""Masks carried by video models of transformers, with tiny checkpoints: SAM 2 and EdgeTAM."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from recordings import CUP, Recorder, replay
from test_tracking import HEIGHT, PERIOD, TRACKED_ROW, WIDTH, Seer, answer, passing, scene
from video_checkpoints import WRITERS, write_sam2_video

from mdsm_ros.checkpoints.video_models import load_video_model
from mdsm_ros.commands import replay as command
from mdsm_ros.dataset.metrics import iou
from mdsm_ros.errors import CommandError, DeviceError, NotHereError, ParameterError, WeightsError
from mdsm_ros.inference.tracking.choice import make_tracker
from mdsm_ros.inference.tracking.sam2_video import Sam2Video
from mdsm_ros.inference.tracking.tracker import Tracker
from mdsm_ros.inference.tracking.video_carrier import KEPT, VideoCarrier
from mdsm_ros.ros.interface.idle_parameters import idle_parameters
from mdsm_ros.ros.interface.parameters import Parameters

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def red(x: int) -> tuple[Pixels, Mask]:
    """An image with a red target at x, and its true mask."""
    image, mask = scene(x)
    image[mask] = 255, 0, 0
    image[~mask, 0] = 0
    return image, mask


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A random checkpoint of each class, one that sees what is red, and one that also says that it sees nothing."""
    at = tmp_path_factory.mktemp("video")
    written = {name: write(at / name) for name, write in WRITERS.items()}
    written["red"] = write_sam2_video(at / "red", sees_red=True)
    return written | {"blind": write_sam2_video(at / "blind", sees_red=True, in_view=False)}


@pytest.fixture(scope="module")
def sees_red(folders: dict[str, Path]) -> Sam2Video:
    return load_video_model(str(folders["red"]), device="cpu")


# -- the networks ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", list(WRITERS))
def test_masks_are_those_of_a_session_of_transformers_that_forgets_nothing(folders: dict[str, Path], name: str) -> None:
    import transformers

    folder = str(folders[name])
    network = getattr(transformers, name).from_pretrained(folder).eval()
    model = load_video_model(folder, device="cpu")
    session = model.processor.init_video_session()
    first, prompt = red(40)
    ours, other = model.begin(first, prompt), model.begin(first, ~prompt)
    shown = set()
    with torch.inference_mode():
        model.processor.add_inputs_to_inference_session(session, frame_idx=0, obj_ids=1, input_masks=prompt)
        for number in range(model.horizon + 4):
            image = red(40 + 5 * number)[0]
            pixels = model.processor(images=image, return_tensors="pt").pixel_values
            logits = network(inference_session=session, frame=pixels).pred_masks
            expected = model.processor.post_process_masks([logits], [[HEIGHT, WIDTH]])[0][0, 0].numpy()
            if number:
                np.testing.assert_array_equal(ours.step(image), expected)
                assert torch.equal(ours._session.get_output(0, number, "pred_masks", False), logits)
                shown.add(int(expected.sum()))
            if number == 1:
                assert not torch.equal(other._show(image).pred_masks, logits)  # the answer's mask matters
    assert len(shown) > 4


def stored(value: Any) -> int:
    """How many numbers are in all tensors that an object holds."""
    if isinstance(value, torch.Tensor):
        return value.numel()
    if isinstance(value, dict):
        return sum(map(stored, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(stored, value))
    return stored(vars(value)) if type(value).__module__.startswith("transformers") else 0


@pytest.mark.slow
def test_a_session_does_not_grow(sees_red: Sam2Video) -> None:
    image, mask = red(100)
    session = sees_red.begin(image, mask)
    sizes, lengths = [], []
    for _ in range(sees_red.horizon + 8):
        session.step(image)
        sizes.append(stored(session._session))
        lengths.append(len(session._session.frames_tracked_per_obj[0]))
    assert sizes[0] < sizes[sees_red.horizon - 1]
    assert len(set(sizes[sees_red.horizon - 1 :])) == 1
    assert max(lengths) == sees_red.horizon


def test_mixed_precision_gives_nearly_the_same_mask(folders: dict[str, Path], sees_red: Sam2Video) -> None:
    half = load_video_model(str(folders["red"]), device="cpu", acceleration="half")
    assert half.half
    assert not sees_red.half
    assert not load_video_model(str(folders["red"]), device="cpu", acceleration="auto").half
    image, mask = red(100)
    one, other = (model.begin(image, mask).step(image) for model in (half, sees_red))
    assert iou(one, other) > 0.95


# -- the tracker -------------------------------------------------------------------------------------------------------


def test_a_mask_follows_its_target_until_it_leaves_the_view(sees_red: Sam2Video) -> None:
    tracker, sees_red_at = make_tracker(sees_red), [200 + 20 * number for number in range(9)]
    assert tracker.least_side == sees_red.side
    image, mask = red(200)
    assert tracker.advance(0, image) is None
    tracker.answer(0, image, answer(mask))
    drops = []
    for number, x in enumerate(sees_red_at[1:], 1):
        image, truth = red(x)
        tracked = tracker.advance(number * PERIOD, image)
        drops.append(tracker.drop)
        assert (tracked is not None) == (x < WIDTH)
        if tracked is not None and x < WIDTH - 40:
            assert iou(tracked.mask, truth) > 0.75
            assert tracked.age == pytest.approx(number / 15, abs=1e-6)
    assert drops == [None] * 5 + ["out of sight"] + [None] * 2  # it is told once
    image, mask = red(100)
    tracker.answer(8 * PERIOD, image, answer(mask))
    assert tracker.advance(9 * PERIOD, image) is not None


def test_a_mask_is_dropped_if_the_score_says_that_the_object_is_gone(folders: dict[str, Path]) -> None:
    tracker = make_tracker(load_video_model(str(folders["blind"]), device="cpu"))
    image, mask = red(100)
    tracker.advance(0, image)
    tracker.answer(0, image, answer(mask))
    assert tracker.advance(PERIOD, image) is None
    assert tracker.drop == "out of sight"


def test_masks_have_the_size_of_the_answer(sees_red: Sam2Video) -> None:
    image, mask = red(100)
    large = np.repeat(np.repeat(mask, 2, axis=0), 2, axis=1)  # a JPEG was decoded at half its size
    tracker = make_tracker(sees_red)
    tracker.advance(0, image)
    tracker.answer(0, image, answer(large))
    tracked = tracker.advance(PERIOD, image)
    assert tracked is not None
    assert iou(tracked.mask, large) > 0.75


# -- what it shows to the model ----------------------------------------------------------------------------------------


class FakeModel:
    """Notes the gray level of what it is shown; the mask has as many rows as the gray level says."""

    side, memory = 32, 3

    def __init__(self) -> None:
        self.sessions: list[list[int]] = []

    def begin(self, image: Pixels, mask: Mask) -> FakeSession:
        assert max(image.shape[:2]) <= self.side
        self.sessions.append([int(image[0, 0, 0])])
        return FakeSession(self.sessions[-1])


class FakeSession:
    def __init__(self, shown: list[int]) -> None:
        self.shown = shown

    def step(self, image: Pixels) -> Mask:
        self.shown.append(int(image[0, 0, 0]))
        return rows(self.shown[-1])


def rows(number: int) -> Mask:
    return np.arange(200)[:, None] < number * np.ones(4, int)


def flat(gray: int) -> Pixels:
    return np.full((200, 4, 3), gray, np.uint8)


def shown(grays: Iterable[int]) -> tuple[FakeModel, Tracker]:
    """A tracker that has seen images of these gray levels, numbered from 0."""
    model = FakeModel()
    tracker = Tracker(VideoCarrier(model))
    for number, gray in enumerate(grays):
        tracker.advance(number, flat(gray))
    return model, tracker


def test_an_answer_begins_anew_and_catches_up_with_few_images() -> None:
    model, tracker = shown(range(10, 18))
    tracker.answer(1, flat(11), answer(rows(11)))
    tracked = tracker.advance(8, flat(18))
    assert tracked is not None
    np.testing.assert_array_equal(tracked.mask, rows(18))
    tracker.advance(9, flat(19))
    assert model.sessions == [[11, 13, 15, 18, 19]]  # evenly spaced, and the newest
    tracker.answer(9, flat(19), answer(rows(19)))
    tracker.advance(10, flat(20))
    assert model.sessions[1:] == [[19, 20]]
    tracker.answer(11, flat(21), answer(rows(21)))
    tracked = tracker.advance(11, flat(21))
    assert tracked is not None
    assert tracked.age == 0
    assert model.sessions[2:] == [[21]]


def test_where_the_model_fails_the_mask_before_does_not_stand_for_the_new_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, tracker = shown([20])
    tracker.answer(0, flat(20), answer(rows(20)))
    assert tracker.advance(1, flat(20)) is not None

    def fail(*_: object) -> FakeSession:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(model, "begin", fail)
    tracker.answer(1, flat(20), answer(rows(30)))
    with pytest.raises(RuntimeError, match="out of memory"):
        tracker.advance(2, flat(20))
    assert tracker.advance(3, flat(20)) is None


def test_only_so_many_images_are_kept_for_answers_to_come() -> None:
    model, tracker = shown([10 + number % 50 for number in range(3 * KEPT)])
    carrier: Any = tracker._carrier
    assert len(carrier._images) == KEPT
    assert all(image.shape == (32, 4, 3) for _, image in carrier._images)
    tracker.answer(0, flat(10), answer(rows(30)))  # long forgotten
    tracker.advance(3 * KEPT, flat(33))
    assert model.sessions[0][0] == 10
    assert len(model.sessions[0]) == 1 + model.memory
    tracker.advance(0, flat(10))  # another stream
    assert len(carrier._images) == 1
    assert carrier._session is None


@pytest.mark.parametrize(
    ("grays", "drop"),
    [([20, 0], "out of sight"), ([20, 3], None), ([20, 1], "out of sight"), ([81, 0], "inconsistent size")],
)
def test_masks_are_dropped_where_they_cannot_be_believed(grays: list[int], drop: str | None) -> None:
    _, tracker = shown([20])
    tracker.answer(0, flat(20), answer(rows(20)))
    for number, gray in enumerate(grays, 1):
        tracked = tracker.advance(number, flat(gray))
        if tracker.drop is not None:
            break
    assert tracker.drop == drop
    assert (tracked is None) == (drop is not None)


# -- names, folders and options ----------------------------------------------------------------------------------------


def test_what_is_no_video_model_is_an_error(folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("edgetam", "a b/c"):
        with pytest.raises(WeightsError, match=f"video model is '{name}', expected a SAM 2 or EdgeTAM checkpoint"):
            load_video_model(name)
        with pytest.raises(ParameterError, match=f"parameter track_model is '{name}', expected .* hub id OWNER/NAME"):
            Parameters(track_model=name)
    with pytest.raises(WeightsError, match="is not a folder"):
        load_video_model(str(tmp_path / "nothing"))
    with pytest.raises(NotHereError, match="model 'nobody/nothing' is not a folder, not in the cache"):
        load_video_model("nobody/nothing", local_files_only=True)
    with pytest.raises(DeviceError, match="device is 'abacus', expected"):
        load_video_model(str(folders["red"]), device="abacus")
    copy = tmp_path / "copy"
    shutil.copytree(folders["red"], copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "edgetam_video"}))
    with pytest.raises(WeightsError, match="EdgeTamVideoModel"):  # the weights are of another network
        load_video_model(str(copy), device="cpu")
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "clipseg"}))
    with pytest.raises(WeightsError, match="model_type is 'clipseg', expected sam2_video or edgetam_video"):
        load_video_model(str(copy), device="cpu")
    (copy / "config.json").write_text(json.dumps(config))
    right = json.loads((copy / "preprocessor_config.json").read_text())
    for values, match in (
        ({}, "has no image_mean and image_std"),
        (right | {"image_processor_type": "Nothing"}, "has no readable preprocessor of SAM 2"),
        (
            right | {"size": {"height": 64, "width": 64}},
            "configuration is 64, expected 128, the image_size",
        ),
    ):
        (copy / "preprocessor_config.json").write_text(json.dumps(values))
        with pytest.raises(WeightsError, match=match):
            load_video_model(str(copy), device="cpu")


def test_without_tracking_a_video_model_has_no_effect_in_the_node_and_is_an_error_in_a_replay(tmp_path: Path) -> None:
    idle = idle_parameters(Parameters(track_model="./edgetam"), Seer.defaults, refines=True, finds_objects=False)
    assert idle == {"track_model": "parameter track is false"}
    parser = ArgumentParser()
    command.add_arguments(parser)
    with pytest.raises(CommandError, match=r"--track-model is '\./edgetam', expected it only with --track SECONDS"):
        command.run(parser.parse_args([str(tmp_path), "--out", str(tmp_path / "out"), "--track-model", "./edgetam"]))


def test_nothing_heavy_is_imported_before_a_video_model_is_loaded() -> None:
    code = "import sys, mdsm_ros.checkpoints.video_models, mdsm_ros.inference.tracking.choice; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "torchvision", "transformers"} & set(loaded)


@pytest.mark.slow
def test_a_replay_compares_optical_flow_and_a_video_model(folders: dict[str, Path], tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    for number in range(24):
        image, mask = passing(number)
        image[mask] = 255, 0, 0
        image[~mask, 0] = 0
        recorder.tell(mask, 1 + number / 15, 1 + number / 15)
        recorder.show(image, 1 + number / 15)
    model = str(folders["red"])
    metrics = replay(recorder.close(), tmp_path / "out", Seer(), track=0.3, track_model=model, write_bag=False)
    by_model = f"{TRACKED_ROW} by red"
    assert list(metrics["tracking"]) == ["every image answered", TRACKED_ROW, by_model]
    assert metrics["tracking"][by_model]["with a mask after the first answer"] == 1.0
    assert metrics["tracking"][by_model]["mIoU of the masks"] > 0.75
    assert metrics["masks dropped"]["out of sight, by red"] >= 1
    assert by_model in (tmp_path / "out" / "report.html").read_text()
    with pytest.raises(WeightsError, match="is not a folder"):  # before any image is answered
        replay(tmp_path / "bag", tmp_path / "other", Seer(), track=0.3, track_model=f"{model}/nothing")
    assert not (tmp_path / "other" / "frames.jsonl").exists()
