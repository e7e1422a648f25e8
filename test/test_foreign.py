"""Names, numbers and JSON of foreign files: what is taken, and that nothing else than one error type comes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import check_depth, inside, is_integer, is_number, name_fault, parse_json, shown


@pytest.mark.parametrize("name", ["a.jpg", "images/000001.jpg", "a b/ä.png", "..a/b..", "a/.hidden"])
def test_names_inside_a_folder_are_taken(tmp_path: Path, name: str) -> None:
    assert name_fault(name) is None
    assert inside(tmp_path, name, DatasetError) == tmp_path / name


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x", "a/../../x", "/etc/passwd", "\\\\server\\x", "C:\\x", "c:x", "~/x", "a\0b", "a\nb", "a//b",
     "./a", "a/", "a\\..\\x", "x" * 2000, "\ud800", None, 7, ["a"]],
)  # fmt: skip
def test_names_that_lead_anywhere_else_are_refused(tmp_path: Path, name: object) -> None:
    assert name_fault(name) is not None
    with pytest.raises(DatasetError, match="file name"):
        inside(tmp_path, name, DatasetError)  # type: ignore[arg-type]


def test_links_lead_out_of_no_folder(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    for name in ("link", "up/secret"):
        with pytest.raises(DatasetError, match="leads out"):
            inside(root, name, DatasetError)
    if os.name == "posix":
        (root / "own").symlink_to(root / "real")
        assert inside(root, "own", DatasetError) == root / "own"
    (tmp_path / "alias").symlink_to(root)  # the folder itself may be one
    assert inside(tmp_path / "alias", "a.jpg", DatasetError)


def test_json_nested_without_end_is_one_error() -> None:
    for text in ("[" * 100_000, '{"a":' * 100_000, "9" * 5000, "{", b"\xff"):
        with pytest.raises(DatasetError):
            parse_json(text, "x.json", DatasetError)
    deep = json.loads("[" * 40 + "]" * 40)
    with pytest.raises(DatasetError, match="too deep"):
        check_depth(deep, "x.json", DatasetError)
    check_depth(deep[0][0][0][0][0][0][0][0][0], "x.json", DatasetError)


def test_numbers_are_finite_and_truth_values_are_none() -> None:
    assert is_number(1.5)
    assert is_integer(3, 1, 3)
    for value in (True, None, "1", float("nan"), float("inf"), 10**400):
        assert not is_number(value)
        assert not is_integer(value)


def test_messages_show_long_values_short() -> None:
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    for value in ("x" * 10**6, deep, 10**5000, list(range(10**5))):
        assert len(shown(value)) < 200
