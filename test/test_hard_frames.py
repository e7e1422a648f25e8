"""The ring buffer of frames that a node was unsure of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mdsm_ros.dataset.listed import noted_instruction
from mdsm_ros.errors import StorageError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.recordings import hard_frames
from mdsm_ros.recordings.hard_frames import HardFrames

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
    assert noted_instruction(tmp_path / f"hard/{2 * SECOND}.json") == "get the cup"


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


@pytest.mark.parametrize("content", ["", "[]", '{"instruction": 3}', '{"instruction": " "}', "x" * 70_000])
def test_notes_that_say_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "1.json").write_text(content)
    assert noted_instruction(tmp_path / "1.json") == ""
    assert noted_instruction(tmp_path / "absent.json") == ""
