"""The generated parts of the documentation are those that ``make docs`` writes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from mdsm_ros.ros.interface.topics import TOPICS
from scripts.write_docs import COMMAND, FILES, PARTS, ROOT, filled, stale


def test_no_generated_part_is_stale() -> None:
    found = [str(path.relative_to(ROOT)) for path, _ in stale()]
    assert found == [], f"run `{COMMAND}`, which writes {', '.join(found)}"


def test_a_stale_part_is_found_and_written_anew(tmp_path: Path) -> None:
    for name in (*FILES, *PARTS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    page = tmp_path / "docs" / "node.md"
    right = page.read_text(encoding="utf-8")
    page.write_text(right.replace("| `~/mask` |", "| `~/musk` |"), encoding="utf-8")
    assert list(stale(tmp_path)) == [(page, right)]


def test_a_part_without_markers_is_an_error() -> None:
    text = "<!-- generated: a -->\nold\n<!-- end of a -->\n"
    assert filled(text, {"a": lambda: "new\n"}) == "<!-- generated: a -->\nnew\n<!-- end of a -->\n"
    with pytest.raises(ValueError, match=r"markers are those of \['a'\], expected \['a', 'b'\]"):
        filled(text, {"a": lambda: "new\n", "b": lambda: "new\n"})


def test_the_security_policy_allows_every_topic_of_the_node() -> None:
    policy = ElementTree.parse(ROOT / "config" / "sros2_policy.xml")
    for direction, attribute in (("in", "subscribe"), ("out", "publish")):
        allowed = {topic.text for topic in policy.findall(f".//topics[@{attribute}='ALLOW']/topic")}
        names = {
            topic.name if topic.name[0] in "~/" else f"/{topic.name}"
            for topic in TOPICS
            if topic.direction == direction
        }
        assert names - allowed == set()
