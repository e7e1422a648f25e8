"""Labelling without a browser: frames, sessions, and what the page asks for."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recordings import CUP, RADIO, SECOND, Recorder
from recordings import picture as bag_picture
from web_stand_ins import (
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    RedModel,
    left_mask,
    mask_in,
    mask_url,
    picture,
    picture_folder,
    shelf,
)

from mdsm_ros.commands.web import pictures
from mdsm_ros.commands.web.candidates import candidates
from mdsm_ros.commands.web.command import WebOptions, _build
from mdsm_ros.commands.web.labelling import session as session_module
from mdsm_ros.commands.web.labelling.desk import LabelDesk
from mdsm_ros.commands.web.labelling.frames import BagFrames, FolderFrames, RepeatedFrames
from mdsm_ros.commands.web.labelling.session import Label, LabelSession
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import BagError, CommandError, DatasetError, ImageError, StorageError
from mdsm_ros.files import write_json
from mdsm_ros.recordings.hard_frames import Correction, HardFrames
from mdsm_ros.replay.labels import Labels

SAID = "get the red box"


@pytest.fixture
def frames(tmp_path: Path) -> FolderFrames:
    return FolderFrames(picture_folder(tmp_path), SAID)


def test_a_folder_gives_its_pictures_in_order_and_none_from_elsewhere(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path, 3)
    outside = tmp_path / "secret.png"
    outside.write_bytes((folder / "a.png").read_bytes())
    (folder / "link.png").symlink_to(outside)
    (folder / "notes.txt").write_text("no picture")
    (folder / "b.jpg").write_bytes((folder / "b.png").read_bytes())
    (folder / "deeper").mkdir()
    frames = FolderFrames(folder)
    assert frames.keys == ["a", "b", "b_png", "c"]
    assert frames.image(0).shape == (HEIGHT, WIDTH, 3)
    (folder / "a.png").unlink()
    (folder / "a.png").symlink_to(outside)  # since the folder was read
    with pytest.raises(ImageError, match="leads out"):
        frames.image(0)


def test_a_folder_may_say_what_to_look_for_in_each_picture(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path, 3)
    (folder / "images.csv").write_text(f"image,instruction\na.png,{CUP}\n")
    (folder / "b.json").write_text(json.dumps({"instruction": RADIO}))  # as a node keeps hard frames
    frames = FolderFrames(folder)
    assert [frames.instruction(number) for number in range(3)] == [CUP, RADIO, ""]
    assert FolderFrames(folder, SAID).instruction(0) == SAID
    (folder / "images.csv").write_text("image,instruction\na.png,\0\n")
    with pytest.raises(DatasetError, match=r"images\.csv cannot be used"):
        FolderFrames(folder)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no pictures"):
        FolderFrames(tmp_path)


def test_any_frame_of_a_recording_is_read_and_named_by_its_stamp(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    for number in range(6):
        if number == 3:
            recorder.say(RADIO, 3.5)
        recorder.show(bag_picture(number), number + 1, stamp=number + 0.75)
    recorder.writer.close()
    frames = BagFrames(tmp_path / "bag", every=2)
    assert frames.keys == [str(round((n + 0.75) * SECOND)) for n in (0, 2, 4)]
    assert [frames.instruction(n) for n in range(3)] == [CUP, CUP, RADIO]
    for number in (2, 0, 1):
        assert np.array_equal(frames.image(number), bag_picture(2 * number))
    session = LabelSession(frames, tmp_path / "labels")
    mask = np.zeros(frames.image(1).shape[:2], bool)
    mask[3:9, 4:8] = True
    session.save(1, Label("labelled", CUP, mask))
    session.close()
    truth = Labels(tmp_path / "labels").truth(round(2.75 * SECOND), CUP)  # as mdsm replay reads them
    assert truth is not None
    assert np.array_equal(truth, mask)
    with pytest.raises(BagError):
        BagFrames(tmp_path / "bag", image="/no/such")


def test_labels_are_a_data_set_at_once_and_the_next_session_resumes(frames: FolderFrames, tmp_path: Path) -> None:
    out = tmp_path / "labels"
    first = LabelSession(frames, out, split="val")
    assert (first.first_open(), first.counts()["open"]) == (0, 5)
    first.save(0, Label("labelled", "  get   the red box ", left_mask()))
    first.save(1, Label("absent", "get the lamp"))
    first.save(2, Label("rejected", ""))
    first.save(0, Label("labelled", SAID, ~left_mask()))  # another opinion replaces it
    data = Dataset(out)  # before the session ends
    assert [(i.text, i.split, len(i.annotation_ids)) for i in data.instructions] == [
        (SAID, "val", 1),
        ("get the lamp", "val", 0),
    ]
    assert np.array_equal(data.mask(data.instructions[0]), ~left_mask())
    assert data.image(1).shape == (HEIGHT, WIDTH, 3)
    first._lock.release()  # as if the process had been killed
    again = LabelSession(FolderFrames(tmp_path / "pictures"), out)
    assert again.counts() == {"labelled": 1, "absent": 1, "rejected": 1, "open": 2}
    assert again.first_open() == 3
    label = again.label(0)
    assert label is not None
    assert label.mask is not None
    assert np.array_equal(label.mask, ~left_mask())
    assert again.label(1) == Label("absent", "get the lamp")
    assert again.label(3) is None


def test_a_frame_can_have_several_labels_about_one_image(frames: FolderFrames, tmp_path: Path) -> None:
    out = tmp_path / "labels"
    session = LabelSession(RepeatedFrames(frames, 3), out)
    assert session.frames.keys[:4] == ["a", "a~2", "a~3", "b"]
    desk = LabelDesk(session, shelf(RedModel()))
    assert desk.open_frame({"number": 0})["instruction"] == SAID
    session.save(0, Label("labelled", SAID, left_mask()))
    assert desk.open_frame({"number": None})["number"] == 1
    assert desk.open_frame({"number": 1})["instruction"] == ""
    session.save(1, Label("labelled", "get the lamp", ~left_mask()))
    session.save(2, Label("rejected", ""))
    session.save(3, Label("absent", SAID))
    data = Dataset(out)
    assert [(image.file_name, image.scene) for image in data.images.values()] == [
        ("images/a.jpg", "pictures"),
        ("images/b.jpg", "pictures"),
    ]
    said = [(data.images[i.image_id].file_name[7], i.text) for i in data.instructions]
    assert said == [("a", SAID), ("a", "get the lamp"), ("b", SAID)]
    assert np.array_equal(data.mask(data.instructions[1]), ~left_mask())
    session.save(0, Label("rejected", ""))
    assert (out / "images/a.jpg").exists()  # the lamp is still labelled
    session.save(1, Label("rejected", ""))
    assert not (out / "images/a.jpg").exists()
    session.close()
    again = LabelSession(frames, out)  # with one label for each frame again: nothing is lost
    assert [i.text for i in Dataset(out).instructions] == [SAID]
    again.close()


def test_a_frame_that_is_left_out_leaves_the_data_set(frames: FolderFrames, tmp_path: Path) -> None:
    session = LabelSession(frames, tmp_path / "labels")
    session.save(0, Label("labelled", SAID, left_mask()))
    session.save(0, Label("rejected", ""))
    assert Dataset(tmp_path / "labels").instructions == []
    assert list((tmp_path / "labels" / "images").iterdir()) == []


def test_a_drawing_without_a_verdict_is_kept_outside_the_data_set(frames: FolderFrames, tmp_path: Path) -> None:
    session = LabelSession(frames, tmp_path / "labels")
    session.keep(2, "half a sent", left_mask())
    draft = session.draft(2)
    assert draft is not None
    assert draft.instruction == "half a sent"
    assert draft.mask is not None
    assert np.array_equal(draft.mask, left_mask())
    assert session.verdict(2) is None
    assert not (tmp_path / "labels" / "annotations.json").exists()
    session.save(2, Label("absent", SAID))
    assert session.draft(2) is None


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (Label("labelled", SAID, np.zeros((HEIGHT, WIDTH), bool)), "mask is empty"),
        (Label("labelled", SAID, np.ones((3, 4), bool)), "expected .48, 64."),
        (Label("absent", " "), "expected a sentence"),
    ],
)
def test_a_label_that_says_nothing_is_refused(frames: FolderFrames, tmp_path: Path, label: Label, message: str) -> None:
    session = LabelSession(frames, tmp_path / "labels")
    with pytest.raises(ValueError, match=message):
        session.save(0, label)
    assert session.counts()["open"] == 5


def test_a_label_whose_session_was_killed_in_the_middle_is_in_the_data_set_afterwards(
    frames: FolderFrames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = LabelSession(frames, tmp_path / "labels")
    session.save(0, Label("labelled", SAID, left_mask()))
    with monkeypatch.context() as patch:
        patch.setattr(session, "_publish", lambda: None)  # killed before it
        session.save(1, Label("absent", SAID))
    session.close()
    assert len(Dataset(tmp_path / "labels").instructions) == 1
    LabelSession(frames, tmp_path / "labels").close()
    assert len(Dataset(tmp_path / "labels").instructions) == 2


def test_labels_of_another_folder_with_the_same_names_are_not_taken_over(frames: FolderFrames, tmp_path: Path) -> None:
    session = LabelSession(frames, tmp_path / "labels")
    session.save(1, Label("labelled", SAID, left_mask()))
    session.close()
    (tmp_path / "other").mkdir()
    other = picture_folder(tmp_path / "other")
    LabelSession(FolderFrames(other), tmp_path / "labels").close()  # the same pictures elsewhere
    for rgb in (np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)):
        Image.fromarray(rgb).save(other / "b.png")
        with pytest.raises(CommandError, match="label of another picture 'b' of 'pictures', expected a new folder"):
            LabelSession(FolderFrames(other), tmp_path / "labels")
    (other / "b.png").write_bytes(b"damaged")
    LabelSession(FolderFrames(other), tmp_path / "labels").close()  # it is told when the frame is opened


def test_answers_to_frames_are_not_those_to_images_of_the_data_set(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path, 1)
    (folder / "a.png").rename(folder / "image 1.png")
    model = RedModel()
    models = shelf(model)
    models.answer("image 1", np.zeros((8, 8, 3), np.uint8), SAID)  # as the Browse page asks
    desk = LabelDesk(LabelSession(FolderFrames(folder, SAID), tmp_path / "labels"), models)
    assert desk.ask({"number": 0, "instruction": SAID})["present"] is True
    assert model.asked == [SAID, SAID]


def test_two_windows_can_draw_in_the_same_frame(
    frames: FolderFrames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = LabelSession(frames, tmp_path / "labels")
    writing = threading.Lock()

    def slow(*given: Any) -> None:
        assert writing.acquire(blocking=False), "two threads write the same file"
        time.sleep(0.05)
        write_json(*given)
        writing.release()

    monkeypatch.setattr(session_module, "write_json", slow)
    with ThreadPoolExecutor(4) as pool:
        for drawn in [pool.submit(session.keep, 0, f"window {i}", left_mask()) for i in range(4)]:
            drawn.result()


def test_a_copy_that_a_phone_named_is_no_second_label(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path, 1)
    for copy in ("a~2", "a~2~2"):
        (folder / f"{copy}.png").write_bytes((folder / "a.png").read_bytes())
    frames = RepeatedFrames(FolderFrames(folder), 2)
    assert frames.keys == ["a", "a~~2", "a~2", "a~2~~2", "a~2~2", "a~2~2~2"]


def test_a_frame_that_cannot_be_read_does_not_end_the_session(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path, 3)
    (folder / "a.png").write_bytes(b"damaged")
    session = LabelSession(FolderFrames(folder, SAID), tmp_path / "labels")
    desk = LabelDesk(session, shelf())
    opened = desk.open_frame({"number": None})
    assert (opened["number"], opened["total"], opened["mask"]) == (0, 3, None)
    assert "a.png" in opened["fault"]
    drawn = {"number": 0, "verdict": "labelled", "instruction": SAID, "mask": mask_url(left_mask())}
    assert "cannot be read" in desk.save(drawn)["error"]
    assert desk.save({"number": 0, "verdict": "rejected"})["counts"]["rejected"] == 1
    opened = desk.open_frame({"number": None})
    assert (opened["number"], opened["fault"]) == (1, None)
    session.keep(1, SAID, left_mask())
    (tmp_path / "labels/drafts/b.json").write_text("{")
    assert "b.json is not JSON" in desk.open_frame({"number": 1})["fault"]


@pytest.mark.usefixtures("frames")
def test_the_pictures_are_not_replaced_by_those_of_the_labels(tmp_path: Path) -> None:
    (tmp_path / "pictures").rename(tmp_path / "images")
    (tmp_path / "link").symlink_to(tmp_path)
    for out in (tmp_path, tmp_path / "link"):
        options = WebOptions(label=tmp_path / "images", out=out, live=False)
        with ExitStack() as stack, pytest.raises(CommandError, match="whose images are those of --label"):
            _build(options, stack)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "link"]


def test_a_full_disk_is_told_and_loses_no_earlier_label(
    frames: FolderFrames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = LabelSession(frames, tmp_path / "labels")
    session.save(0, Label("labelled", SAID, left_mask()))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(session_module, "write_json", fail)
    with pytest.raises(StorageError, match="No space left"):
        session.save(1, Label("absent", SAID))
    assert len(Dataset(tmp_path / "labels").instructions) == 1


def test_a_folder_of_something_else_is_refused(frames: FolderFrames, tmp_path: Path) -> None:
    out = tmp_path / "labels"
    session = LabelSession(frames, out)
    with pytest.raises(CommandError, match="used by another session"):
        LabelSession(frames, out)
    session.close()
    (tmp_path / "others").mkdir()
    with pytest.raises(CommandError, match="labels of 'pictures', expected those of 'others'"):
        LabelSession(FolderFrames(_with_a_picture(tmp_path / "others")), out)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "annotations.json").write_text("{}")
    with pytest.raises(CommandError, match="another origin"):
        LabelSession(frames, tmp_path / "data")
    (out / "parts").mkdir()
    (out / "parts" / "a.json").write_text("{")
    with pytest.raises(DatasetError, match=r"a\.json is not JSON"):
        LabelSession(frames, out)


def _with_a_picture(folder: Path) -> Path:
    Image.new("RGB", (8, 8)).save(folder / "x.png")
    return folder


def test_the_desk_shows_a_frame_the_models_mask_and_saves(frames: FolderFrames, tmp_path: Path) -> None:
    model = RedModel()
    desk = LabelDesk(LabelSession(frames, tmp_path / "labels"), shelf(model))
    opened = desk.open_frame({"number": None})
    assert (opened["number"], opened["total"], opened["instruction"], opened["mask"]) == (0, 5, SAID, None)
    assert model.asked == []  # the frame is there before the model is
    answer = desk.ask({"number": 0, "instruction": SAID})
    assert np.array_equal(mask_in(answer["proposed"]) > 0, left_mask() | np.roll(_right(), 0))
    numbers = mask_in(answer["candidates"])
    assert numbers[20, 10] == 1  # the brighter one
    assert numbers[20, 50] == 2
    assert numbers[2, 2] == 0
    desk.ask({"number": 0, "instruction": SAID})
    assert model.asked == [SAID]  # remembered
    assert desk.keep({"number": 1, "instruction": "", "mask": mask_url(left_mask())}) == {}
    assert desk.open_frame({"number": 1})["draft"] is True
    saved = desk.save({"number": 0, "verdict": "labelled", "instruction": SAID, "mask": mask_url(numbers == 2)})
    assert saved["counts"]["labelled"] == 1
    data = Dataset(tmp_path / "labels")
    assert np.array_equal(data.mask(data.instructions[0]), _right())


def test_the_desk_shows_what_a_person_chose_on_the_robot(tmp_path: Path) -> None:
    folder = tmp_path / "hard"
    kept = HardFrames(folder, 1)
    kept.correct(Correction(1, picture(), SAID, 0.8, _right()))
    kept.correct(Correction(2, picture(), SAID, 0.8, None))
    desk = LabelDesk(LabelSession(RepeatedFrames(FolderFrames(folder), 2), tmp_path / "labels"), shelf())
    assert desk.open_frame({"number": None})["instruction"] == SAID
    answer = desk.ask({"number": 0, "instruction": SAID})
    assert answer["chosen"] is True
    assert np.array_equal(mask_in(answer["proposed"]) > 0, _right())
    assert mask_in(answer["candidates"]).max() == 2  # those of the model
    assert not mask_in(desk.ask({"number": 2, "instruction": SAID})["proposed"]).any()  # none of the objects
    other = desk.ask({"number": 1, "instruction": "find the other thing"})
    assert other["chosen"] is False
    assert np.array_equal(mask_in(other["proposed"]) > 0, left_mask() | _right())


def _right() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[8:40, RIGHT] = True
    return mask


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("text", "expected an object"),
        ({"number": 5, "verdict": "absent", "instruction": SAID}, "frame number is 5, expected 0 to 4"),
        ({"number": "../a", "verdict": "absent", "instruction": SAID}, "frame number"),
        ({"number": True, "verdict": "absent", "instruction": SAID}, "frame number"),
        ({"number": 0, "verdict": "../x", "instruction": SAID}, "verdict"),
        ({"number": 0, "verdict": "absent", "instruction": ["x"]}, "expected text"),
        ({"number": 0, "verdict": "absent", "instruction": "a\0b"}, "control character"),
        ({"number": 0, "verdict": "labelled", "instruction": SAID}, "expected a PNG"),
        ({"number": 0, "verdict": "labelled", "instruction": SAID, "mask": "file:///etc/passwd"}, "expected a PNG"),
        ({"number": 0, "verdict": "labelled", "instruction": SAID, "mask": mask_url(np.ones((2, 2), bool))}, "2x2"),
        ({"number": 0, "verdict": "labelled", "instruction": SAID, "mask": "data:image/png;base64,AAAA"}, "damaged"),
    ],
)
def test_what_a_browser_must_not_send_is_refused_and_writes_nothing(
    frames: FolderFrames, tmp_path: Path, request_: object, message: str
) -> None:
    out = tmp_path / "labels"
    desk = LabelDesk(LabelSession(frames, out), shelf())
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert message in desk.save(request_)["error"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_a_large_frame_is_drawn_smaller_and_saved_on_its_own_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures.fitted_size, "__defaults__", (WIDTH // 2,))
    monkeypatch.setattr(pictures.fit, "__defaults__", (WIDTH // 2,))
    desk = LabelDesk(LabelSession(FolderFrames(picture_folder(tmp_path), SAID), tmp_path / "labels"), shelf())
    opened = desk.open_frame({"number": 0})
    assert (opened["width"], opened["height"]) == (WIDTH // 2, HEIGHT // 2)
    small = left_mask()[::2, ::2]
    assert "error" not in desk.save({"number": 0, "verdict": "labelled", "instruction": SAID, "mask": mask_url(small)})
    data = Dataset(tmp_path / "labels")
    assert np.array_equal(data.mask(data.instructions[0]), left_mask())


def test_candidates_are_regions_and_weak_ones_count_too() -> None:
    probability = np.zeros((HEIGHT, WIDTH), np.float32)
    probability[8:40, LEFT] = 0.9
    probability[6:42, 2:22] = np.maximum(probability[6:42, 2:22], 0.2)  # the surroundings of a region are none
    probability[8:40, RIGHT] = 0.2
    probability[0, 63] = 1.0  # too small for an object
    found = candidates(probability, 0.5)
    assert len(found) == 2
    assert np.array_equal(found[0], left_mask())
    assert np.array_equal(found[1], _right())
    assert candidates(np.zeros((HEIGHT, WIDTH), np.float32), 0.5) == []


def test_labels_say_where_they_are_from(frames: FolderFrames, tmp_path: Path) -> None:
    session = LabelSession(frames, tmp_path / "labels")
    session.save(0, Label("labelled", SAID, left_mask()))
    content = json.loads((tmp_path / "labels" / "annotations.json").read_text())
    assert content["info"] == {"source": "web", "frames": "pictures"}  # not where the folder lies
