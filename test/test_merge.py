"""Two datasets with different categories become one that says the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from training import cli


def write(root: Path, kinds: list[str], split: str, may_share: list[list[str]], *, depth: bool) -> Path:
    """Two pictures of one shade each; the last kind is asked for, then what is not there."""
    with DatasetWriter(root, kinds, info={"source": split, "may_share": may_share}) as writer:
        for number in range(2):
            shade = 40 * len(kinds) + 10 * number
            rgb = np.full((24, 32, 3), shade, dtype=np.uint8)
            image = writer.add_image(rgb, depth=np.full((24, 32), 2.0, np.float32) if depth else None, scene=split)
            ids = []
            for left, kind in enumerate(kinds):
                mask = np.zeros((24, 32), dtype=bool)
                mask[:8, 8 * left : 8 * left + 4 + number] = True
                ids.append(writer.add_annotation(image, kind, mask, {"color": "red"}))
            for target in (ids[-1:], []):
                text = f"get the {kinds[-1] if target else 'moon'}"
                writer.add_instruction(image, target, text, split=split, source="test", expressions=1, distractors=0)
    return root


def renumber(root: Path) -> Path:
    """Gives a dataset ids such as other programs do, not 1, 2, 3."""
    path = root / "annotations.json"
    content = json.loads(path.read_text())
    for key in ("images", "annotations", "instructions"):
        for record in content[key]:
            record["id"] = 700 - 7 * record["id"]
            if key != "images":
                record["image_id"] = 700 - 7 * record["image_id"]
            if key == "instructions":
                record["annotation_ids"] = [700 - 7 * i for i in record["annotation_ids"]]
    path.write_text(json.dumps(content))
    return root


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    return [
        write(tmp_path / "a", ["mug", "sofa"], "train", [["train", "val"]], depth=False),
        renumber(write(tmp_path / "b", ["lamp", "sofa", "mug"], "test", [], depth=True)),
    ]


def merge(parts: list[Path], out: Path) -> int:
    return cli.main(["merge", *map(str, parts), "--out", str(out)])


def test_everything_is_in_the_merged_dataset(
    parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert merge(parts, out) == 0
    assert "4 images, 8 instructions" in capsys.readouterr().out
    merged = Dataset(out)
    assert list(merged.categories.values()) == ["mug", "sofa", "lamp"]
    assert merged.info["may_share"] == [["train", "val"]]
    assert [part["source"] for part in merged.info["recipe"]] == ["train", "test"]
    for part, split in zip(parts, ("train", "test"), strict=True):
        before = Dataset(part)
        for old, new in zip(before.split(split), merged.split(split), strict=True):
            assert (old.text, old.words) == (new.text, new.words)
            np.testing.assert_array_equal(before.image(old.image_id), merged.image(new.image_id))
            np.testing.assert_array_equal(before.mask(old), merged.mask(new))
            assert (before.depth(old.image_id) is None) == (merged.depth(new.image_id) is None)
            kinds = [
                [data.categories[a.category_id] for a in data.annotations_of(instruction.image_id)]
                for data, instruction in ((before, old), (merged, new))
            ]
            assert kinds[0] == kinds[1]
    assert cli.main(["check", str(out)]) == 0


def test_an_interrupted_merge_is_made_again(parts: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert merge(parts, out) == 0
    whole = (out / "annotations.json").read_text()
    (out / "annotations.json").unlink()
    assert merge(parts, out) == 0
    assert (out / "annotations.json").read_text() == whole


def test_refuses_what_it_cannot_merge(parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert merge(parts, parts[0]) == 2
    assert "holds a dataset already" in capsys.readouterr().err
    path = parts[1] / "annotations.json"
    content = json.loads(path.read_text())
    content["annotations"][2]["category_id"] = 9
    path.write_text(json.dumps(content))
    assert merge(parts, tmp_path / "out") == 2
    assert "annotation 679 is of image 693 and category 9" in capsys.readouterr().err
    assert not (tmp_path / "out/annotations.json").exists()
    assert merge([tmp_path / "absent"], tmp_path / "out") == 2
    assert "absent/annotations.json is missing" in capsys.readouterr().err
