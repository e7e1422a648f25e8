"""The Hugging Face Space in ``examples/space``."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from mdsm_ros.extras import BASE, EXTRAS

SPACE = Path(__file__).resolve().parent.parent / "examples" / "space"


def test_the_space_names_what_the_package_needs_and_no_more() -> None:
    lines = (SPACE / "requirements.txt").read_text().splitlines()
    wanted = {needed for extra in (BASE, "torch", "web") for needed in EXTRAS[extra].values()}
    assert {line for line in lines if not line.startswith("--")} == wanted


def test_its_header_is_one_that_hugging_face_reads() -> None:
    yaml = pytest.importorskip("yaml", reason="needs pyyaml")
    _, head, text = (SPACE / "README.md").read_text().split("---\n", 2)
    header = yaml.safe_load(head)
    assert header["sdk"] == "gradio"
    assert (SPACE / header["app_file"]).is_file()
    assert len(header["short_description"]) <= 60  # longer ones are refused
    assert text.strip()


@pytest.mark.slow
def test_the_app_builds_its_page_without_loading_a_model() -> None:
    pytest.importorskip("gradio", reason="needs the extra [web]")
    made = runpy.run_path(str(SPACE / "app.py"), run_name="space")
    labels = [block.label for block in made["demo"].blocks.values() if hasattr(block, "label")]
    assert "instruction" in labels
    assert "Label" not in labels
