"""The ring buffer of frames that a node was unsure of, or that a person corrected."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mdsm_ros.errors import StorageError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.recordings import hard_frames
from mdsm_ros.recordings.hard_frames import Correction, HardFrames
from mdsm_ros.recordings.notes import Note, read_note

SECOND = 10**9
IMAGE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def answer(score: float, columns: int = 8) -> Segmentation:
    mask = np.zeros((24, 32), bool)
    mask[:, :columns] = score >= 0.5
    return Segmentation(mask, mask.astype(np.float32), None, score, bool(mask.any()), "refined", {"total": 0.1})


def offer(kept: HardFrames, seconds: float, found: Segmentation, text: str = "get the cup") -> list[str]:
    return kept.offer(round(seconds * SECOND), lambda: IMAGE, text, found, 0.5)


def test_unsure_and_flipped_frames_are_kept(tmp_path: Path) -> None:
    kept = HardFrames(tmp_path / "hard", 1)
    assert offer(kept, 1, answer(0.9)) == []
    assert offer(kept, 2, answer(0.55)) == ["unsure"]
    assert offer(kept, 3, answer(0.9)) == []
    assert offer(kept, 4, answer(0.9, columns=31)) == ["flipped"]
    assert offer(kept, 4.5, answer(0.55, columns=31)) == []  # too close to the one before
    assert offer(kept, 6, answer(0.1)) == ["flipped"]  # not in view any more
    assert offer(kept, 8, answer(0.9), "get the radio") == []  # another instruction
    names = sorted(path.name for path in (tmp_path / "hard").iterdir())
    stamps = (2 * SECOND, 4 * SECOND, 6 * SECOND)
    assert names == sorted(f"{stamp}{ending}" for stamp in stamps for ending in (".jpg", ".json"))
    note = json.loads((tmp_path / f"hard/{2 * SECOND}.json").read_text())
    assert note == {"instruction": "get the cup", "score": 0.55, "present": True, "why": ["unsure"]}
    assert read_note(tmp_path / f"hard/{2 * SECOND}.json") == Note("get the cup", ("unsure",))


def test_the_oldest_frames_make_room_also_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = HardFrames(tmp_path, 1)
    offer(kept, 0, answer(0.5))
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    monkeypatch.setattr(hard_frames, "MEGABYTE", 2 * size + 10)
    kept = HardFrames(tmp_path, 1)  # what was there counts
    for seconds in (2, 4, 6):
        offer(kept, seconds, answer(0.5))
    assert sorted(int(path.stem) // SECOND for path in tmp_path.glob("*.jpg")) == [4, 6]
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"keep_hard_frames is '~nobody-of-that-name/x', which cannot be used"):
        HardFrames(Path("~nobody-of-that-name/x"), 1)
    with pytest.raises(StorageError, match=r"keep_hard_frames is .*file.*, which cannot be used"):
        HardFrames(tmp_path / "file", 1)
    kept = HardFrames(tmp_path / "hard", 1)
    (tmp_path / "hard").rmdir()
    with pytest.raises(StorageError, match="frame 0 cannot be kept in"):
        offer(kept, 0, answer(0.5))


def correction(seconds: float, mask: np.ndarray | None, text: str = "get the cup") -> Correction:
    return Correction(round(seconds * SECOND), IMAGE, text, 0.9, mask)


def note_at(folder: Path, seconds: float) -> Note:
    return read_note(folder / f"{round(seconds * SECOND)}.json")


def test_corrected_frames_are_kept_beside_others_of_the_same_second(tmp_path: Path) -> None:
    kept = HardFrames(tmp_path, 1)
    mask = answer(0.9).mask
    assert offer(kept, 2, answer(0.55)) == ["unsure"]
    kept.correct(correction(2.1, mask))
    kept.correct(correction(2.2, None))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{stamp}00000000{ending}" for stamp in (20, 21, 22) for ending in (".jpg", ".json")
    ]
    content = json.loads((tmp_path / "2100000000.json").read_text())
    assert content.pop("mask")["size"] == [24, 32]
    assert content == {"instruction": "get the cup", "score": 0.9, "present": True, "why": ["corrected"]}
    chosen = note_at(tmp_path, 2.1).chosen("get the cup", (24, 32))
    np.testing.assert_array_equal(chosen, mask)
    none_of_them = note_at(tmp_path, 2.2)
    assert none_of_them == Note("get the cup", ("corrected",))
    np.testing.assert_array_equal(none_of_them.chosen("get the cup", (24, 32)), np.zeros_like(mask))
    assert offer(kept, 2.9, answer(0.55)) == []  # the limit of the others stays


def test_the_note_of_a_frame_says_what_a_person_said_last(tmp_path: Path) -> None:
    kept = HardFrames(tmp_path, 1)
    assert offer(kept, 2, answer(0.55)) == ["unsure"]
    kept.correct(correction(2, answer(0.9).mask))
    assert note_at(tmp_path, 2).why == ("unsure", "corrected")
    assert offer(kept, 2, answer(0.5)) == []  # the answer to the reply does not replace it
    kept.correct(correction(2, None, "get the radio"))
    assert note_at(tmp_path, 2) == Note("get the radio", ("corrected",))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_mask_that_a_reply_changed_has_not_flipped(tmp_path: Path) -> None:
    kept = HardFrames(tmp_path, 1)
    assert offer(kept, 1, answer(0.9, columns=31)) == []
    kept.forget_answer()
    assert offer(kept, 3, answer(0.9)) == []
    assert offer(kept, 5, answer(0.9, columns=31)) == ["flipped"]


def test_corrected_frames_make_room_and_failures_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = HardFrames(tmp_path, 1)
    kept.correct(correction(0, None))
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    monkeypatch.setattr(hard_frames, "MEGABYTE", 2 * size + 10)
    kept = HardFrames(tmp_path, 1)
    for seconds in (4, 2, 3):  # 0 and 4 were kept first
        kept.correct(correction(seconds, None))
    assert sorted(int(path.stem) // SECOND for path in tmp_path.glob("*.jpg")) == [2, 3]

    def is_full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(hard_frames, "write_bytes", is_full)
    with pytest.raises(StorageError, match=r"frame 5000000000 cannot be kept in .*No space left"):
        kept.correct(correction(5, None))
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    "mask",
    [
        3,
        {},
        {"size": [24, 32]},
        {"size": [48, 64], "counts": "0"},
        {"size": 3, "counts": "0"},
        {"size": [24, 32], "counts": 5},
        {"size": [24, 32], "counts": "é"},
    ],
)
def test_a_damaged_mask_is_none(tmp_path: Path, mask: object) -> None:
    (tmp_path / "1.json").write_text(json.dumps({"instruction": "get the cup", "why": ["corrected"], "mask": mask}))
    note = read_note(tmp_path / "1.json")
    assert note.instruction == "get the cup"
    assert note.chosen("get the cup", (24, 32)) is None
    assert note.chosen("get the radio", (24, 32)) is None


@pytest.mark.parametrize("content", ["", "[]", '{"instruction": 3}', '{"instruction": " "}', "x" * 2_000_000])
def test_notes_that_say_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "1.json").write_text(content)
    assert read_note(tmp_path / "1.json") == Note()
    assert read_note(tmp_path / "absent.json") == Note()
