"""Files and folders appear whole or not at all, and JSON is JSON."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from mdsm_ros.files import (
    content_mark,
    link_or_copy,
    public_name,
    to_json,
    whole_file,
    whole_folder,
    write_bytes,
    write_json,
    write_text,
)


def test_numbers_that_json_does_not_have_are_null(tmp_path: Path) -> None:
    content = {"a": float("nan"), "b": [1.5, float("-inf")], "c": {"d": (float("inf"), True, None, "x")}}
    expected = {"a": None, "b": [1.5, None], "c": {"d": [None, True, None, "x"]}}
    assert json.loads(to_json(content)) == expected
    write_json(tmp_path / "x.json", content, indent=2)
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == expected


def write_half(path: Path) -> None:
    with whole_file(path) as partial:
        partial.write_text("ha")
        raise OSError("full")


def write_half_a_folder(folder: Path) -> None:
    with whole_folder(folder) as partial:
        (partial / "config.json").write_text("three")
        raise RuntimeError


def test_a_file_that_fails_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(OSError, match="full"):
        write_half(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_writing_does_not_change_a_file_that_is_linked(tmp_path: Path) -> None:
    mine = tmp_path / "mine.jpg"
    mine.write_bytes(b"precious")
    link_or_copy(mine, tmp_path / "copy.jpg")
    write_bytes(tmp_path / "copy.jpg", b"new")
    assert mine.read_bytes() == b"precious"
    assert (tmp_path / "copy.jpg").read_bytes() == b"new"


def test_linking_again_leaves_one_name(tmp_path: Path) -> None:
    """A merge that was killed and runs again finds its links there; renaming one onto the other does nothing."""
    (tmp_path / "mine.jpg").write_bytes(b"precious")
    for _ in range(2):
        link_or_copy(tmp_path / "mine.jpg", tmp_path / "link.jpg")
    assert sorted(os.listdir(tmp_path)) == ["link.jpg", "mine.jpg"]
    assert (tmp_path / "link.jpg").read_bytes() == b"precious"


def fill(folder: Path, text: str, *, kill: bool = False) -> None:
    with whole_folder(folder) as partial:
        (partial / "config.json").write_text(text)
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
        (partial / "weights").write_text(text)


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    fill(folder, "one")
    fill(folder, "two")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"config.json": "two", "weights": "two"}
    with pytest.raises(RuntimeError):
        write_half_a_folder(folder)
    assert (folder / "config.json").read_text() == "two"
    assert os.listdir(tmp_path) == ["model"]


def test_what_a_kill_leaves_blocks_and_fools_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    child = os.fork()
    if child == 0:
        fill(folder, "killed", kill=True)
    os.waitpid(child, 0)
    assert list(folder.iterdir()) == []
    assert (tmp_path / "model.partial").exists()
    fill(folder, "one")
    assert sorted(os.listdir(tmp_path)) == ["model"]
    folder.rename(tmp_path / "model.old")  # as a kill between the two renames leaves it
    fill(folder, "two")
    assert (folder / "weights").read_text() == "two"
    assert sorted(os.listdir(tmp_path)) == ["model"]


def test_a_failure_leaves_no_new_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write_half_a_folder(tmp_path / "a" / "model")
    assert not (tmp_path / "a" / "model").exists()


def test_results_do_not_say_where_things_lie() -> None:
    assert public_name("/home/alice/secret/bag") == "bag"
    assert public_name("../../alice/bag") == "bag"
    assert public_name("~/bag") == "bag"
    assert public_name("runs/x/model") == "runs/x/model"
    assert public_name("CIDAS/clipseg-rd64-refined") == "CIDAS/clipseg-rd64-refined"


def test_names_of_files_that_are_no_utf_8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"b\xffg.mcap")
    write_text(path, f"of {path.name}")
    assert path.read_text() == "of b\\udcffg.mcap"
    assert len(content_mark(path)) == 12
    assert content_mark(path) != content_mark(path.rename(tmp_path / os.fsdecode(b"b\xfeg.mcap")))
