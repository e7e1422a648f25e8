"""What the pages about installation name is there."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from mdsm_ros.commands.doctor.command import PURPOSES
from mdsm_ros.commands.main import COMMANDS
from mdsm_ros.extras import EXTRAS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "docs" / name for name in ("installation.md", "no-mask.md", "node.md")]


def test_rosdep_skips_what_pip_installs() -> None:
    depends = [element.text or "" for element in ET.parse(ROOT / "package.xml").getroot().iter("exec_depend")]
    skipped = (ROOT / "docker" / "skip_keys.txt").read_text().split()
    assert skipped == [key for key in depends if key.endswith("-pip")]
    assert "skip_keys.txt" in (ROOT / "docs" / "installation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_files_and_links_of_a_page_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for command in re.findall(r"mdsm_ros mdsm ([a-z]+)", text):
        assert command in COMMANDS, command
    for link in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", text):
        assert (page.parent / link).exists(), link
    for file in re.findall(r"\b(?:docker|scripts|test|examples|\.github)/[\w./-]+\.\w+", text):
        assert (ROOT / file).is_file(), file
    for purpose in re.findall(r"doctor --for (\w+)", text):
        assert purpose in PURPOSES
    for extras in re.findall(r'install "?\'?\.\[([\w,]+)\]', text):
        assert set(extras.split(",")) <= EXTRAS.keys()


def test_full_topic_names_are_those_of_the_table_of_relative_ones() -> None:
    text = (ROOT / "docs" / "node.md").read_text(encoding="utf-8")
    relative = {f"/mdsm/{name}" for name in re.findall(r"^\| `~/([\w/]+)`", text, re.MULTILINE)}
    full = set(re.findall(r"`(/mdsm/\w+)`", text))
    assert relative <= full
    assert full <= relative | {"/mdsm/mask"}
