"""A standard segmentation model on pictures of coloured shapes, from the labels to the table of seen and unseen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import CommandError, ConfigError, DatasetError
from training.cli import main
from training.drawn.category_splits import CategorySplit, read_split
from training.drawn.semantic.command import read_variant, read_variants
from training.drawn.semantic.config import SemanticConfig, read_semantic_config
from training.drawn.semantic.data import (
    BACKGROUND,
    IGNORED,
    LABEL_STRIDE,
    MixedDataset,
    SemanticDataset,
    choose_images,
    labels_of,
)
from training.drawn.semantic.measure import class_iou, confusion, measure, summarize_classes, told_class
from training.drawn.semantic.network import SemanticModel
from training.train.config import StageConfig

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SPLIT = CategorySplit(("cup", "box"), ("hat",), {"cup": ("mug",)}, ("lid",))
COLORS = {"cup": (200, 30, 30), "mug": (200, 30, 30), "box": (30, 200, 30), "hat": (30, 30, 200), "lid": (90, 90, 90)}
SIDE = 64


def write_shapes(root: Path, kinds: list[tuple[str, ...]], split: str) -> Dataset:
    """A picture for each entry, with its objects in squares side by side, and an instruction about the first one."""
    rng = np.random.default_rng(len(kinds))
    with DatasetWriter(root, ["lid", *reversed([k for k in COLORS if k != "lid"])]) as writer:
        for named in kinds:
            picture = rng.integers(100, 140, (SIDE, SIDE, 3), dtype=np.uint8)
            masks = np.zeros((len(named), SIDE, SIDE), bool)
            for number, (kind, mask) in enumerate(zip(named, masks, strict=True)):
                mask[8:40, 32 * number + 2 : 32 * number + 30] = True
                picture[mask] = COLORS[kind]
            image_id = writer.add_image(picture)
            ids = [writer.add_annotation(image_id, kind, mask) for kind, mask in zip(named, masks, strict=True)]
            options = {"split": split, "source": "shapes", "expressions": 1, "distractors": 0}
            writer.add_instruction(image_id, ids[:1], f"get the {named[0]}", **options)  # type: ignore[arg-type]
    return Dataset(root)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("semantic")
    write_shapes(root / "real", [("cup", "box"), ("mug",), ("box", "hat"), ("lid",)] * 2, "train")
    write_shapes(root / "drawn", [("hat",), ("hat", "cup"), ("box",)] * 2, "train")
    write_shapes(root / "test", [("cup", "hat"), ("box", "lid")], "test")
    optimisation = {"steps": 60, "images": 4, "learning_rate": 0.01, "warmup_steps": 5}
    config = {"optimisation": optimisation, "image_size": SIDE, "checkpoint": None, "ema_decay": 0.9}
    (root / "config.yaml").write_text(yaml.safe_dump(config))
    content = {"seen": SPLIT.seen, "unseen": SPLIT.unseen, "aliases": SPLIT.aliases, "ignored": SPLIT.ignored}
    (root / "split.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(content))))
    return root


def test_labels_are_those_of_the_split(workplace: Path) -> None:
    assert read_split(str(workplace / "split.yaml")) == SPLIT
    data = Dataset(workplace / "real")
    images = SemanticDataset(data, "train", SIDE, SPLIT, "all", None)
    first, second, third, *_ = (labels_of(data, image_id, images.ids) for image_id in sorted(data.images))
    assert [first[20, 10], first[20, 40], first[50, 10]] == [1, 2, BACKGROUND]
    assert [second[20, 10], third[20, 40]] == [1, 3]  # a mug is a cup; hats are unseen
    last = labels_of(data, sorted(data.images)[3], images.ids)
    assert last[20, 10] == IGNORED
    batch = images.collate([0, 1])
    assert batch.labels is not None
    assert batch.labels.shape == (2, SIDE // LABEL_STRIDE, SIDE // LABEL_STRIDE)
    assert batch.labels[0, 5, 10] == 2
    assert batch.images.float().std() > 5


def test_images_of_the_other_categories_are_left_out(workplace: Path) -> None:
    data = Dataset(workplace / "real")
    everything = choose_images(data, data.split("train"), SPLIT, "all", None)
    assert len(everything) == 6  # a lid alone says nothing
    seen = choose_images(data, data.split("train"), SPLIT, "seen", None)
    assert {i.text for i in seen} == {"get the cup", "get the mug"}
    assert len(choose_images(data, data.split("train"), SPLIT, "seen", 3)) == 3
    with pytest.raises(DatasetError, match="no image shows unseen categories of the split"):
        choose_images(data, data.split("train"), SPLIT, "unseen", None)  # a box stands beside every hat
    others = CategorySplit(("spoon",), ("fork",))
    with pytest.raises(DatasetError, match="no image shows any category of the split"):
        choose_images(data, data.split("train"), others, "all", None)


def test_two_datasets_are_one(workplace: Path) -> None:
    parts = [SemanticDataset(Dataset(workplace / n), "train", SIDE, SPLIT, "all", None) for n in ("real", "drawn")]
    mixed = MixedDataset(parts)
    assert len(mixed) == sum(map(len, parts)) == len(mixed.by_image)
    batch = mixed.collate([7, 0, 1])
    assert batch.labels is not None
    wanted = parts[0].collate([0, 1]).labels, parts[1].collate([7 - len(parts[0])]).labels
    assert torch.equal(batch.labels, torch.cat([w for w in wanted if w is not None]))
    assert (len(batch.images), len(batch.texts)) == (3, 3)


def test_iou_by_hand() -> None:
    truth = np.array([[1, 1, 0, 0], [1, 1, IGNORED, 3]], np.uint8)
    found = np.array([[1, 1, 1, 0], [0, 1, 2, 0]], np.uint8)
    counts = confusion(truth, found, 4)
    assert counts.sum() == 7
    of_class = class_iou(counts)
    assert of_class[:2].tolist() == [1 / 4, 3 / 5]
    assert np.isnan(of_class[2])  # no box in the image
    assert of_class[3] == 0
    figures = summarize_classes(counts, SPLIT)
    assert figures["mIoU seen"] == pytest.approx(0.6)  # of those that occur
    assert figures["mIoU unseen"] == figures["harmonic mean"] == 0
    assert figures["mIoU"] == pytest.approx((0.25 + 0.6 + 0) / 3)
    assert figures["pixel accuracy"] == pytest.approx(4 / 7)


def test_a_perfect_answer_and_the_one_that_is_told_the_class(workplace: Path) -> None:
    data = SemanticDataset(Dataset(workplace / "test"), "test", SIDE, SPLIT, "all", None)
    figures, of_class = measure(lambda _, truth: truth, data, SPLIT, "perfect")
    assert figures["mIoU"] == figures["harmonic mean"] == 1
    assert set(of_class) == {"cup", "box", "hat"}
    told = told_class(0, np.pad(np.full((4, 4), 2, np.uint8), 3))
    assert (told == 2).sum() == 6 * 6 or (told == 2).sum() == 7 * 7
    assert set(np.unique(told)) == {0, 2}


@pytest.mark.parametrize("head", ["lraspp", "deeplabv3"])
def test_heads_take_the_maps_of_their_strides(head: str) -> None:
    stage = StageConfig(steps=1, images=1, learning_rate=0.1)
    model = SemanticModel(SemanticConfig(optimisation=stage, head=head, checkpoint=None), classes=5).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        maps = model.encoder(images)
        side = 8 if head == "lraspp" else 4
        assert model(images).shape == (2, 5, side, side)
        torch.testing.assert_close(model.of_maps(maps), model(images))
    assert not any(p.requires_grad for p in model.encoder.parameters())


@pytest.mark.training
def test_the_command_trains_measures_and_resumes(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real, both = f"real={workplace}/real:seen", f"both={workplace}/real:seen,{workplace}/drawn"
    paths = {"config": "config.yaml", "categories": "split.yaml", "test-data": "test", "out": "out"}
    options = ["zero-shot", *(f"--{name}={workplace / path}" for name, path in paths.items()), "--device=cpu"]
    options += ["--train", real, both, "--seeds", "0", "1"]
    assert main([*options, "--max-seconds", "0.0"]) == 0
    assert "time limit reached" in capsys.readouterr().err
    assert main(options) == 0
    printed = capsys.readouterr().out
    results = json.loads((workplace / "out/results.json").read_text())
    assert list(results) == ["told the class, centred rectangle", "untrained", "real", "both"]
    assert [len(of_seed) for of_seed in results.values()] == [1, 1, 2, 2]
    seen_only, mixed = (np.mean([m["mIoU unseen"] for m in results[name].values()]) for name in ("real", "both"))
    assert seen_only < 0.05  # it has never seen a hat
    assert mixed > seen_only + 0.05  # with an encoder of random weights
    assert "| both, deviation |" in printed
    assert (workplace / "real/features/semantic-lraspp-train-seen/done.bin").exists()
    first = workplace / "out/real/seed0/metrics.json"
    written = first.stat().st_mtime_ns
    assert set(json.loads(first.read_text())["classes"]) == {"cup", "box", "hat"}
    assert main([*options, "--seeds", "0"]) == 0
    assert first.stat().st_mtime_ns == written
    results = json.loads((workplace / "out/results.json").read_text())
    assert {name: list(of_seed) for name, of_seed in results.items()}["real"] == ["seed0"]
    capsys.readouterr()
    assert main([*options, "--limit", "2"]) == 2
    assert "seed0 was made with limit None, now it is 2: expected the same, or another --out" in capsys.readouterr().err
    assert main([*options, "--test-data", str(workplace / "real")]) == 2
    assert "was made with test-data" in capsys.readouterr().err


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert read_variant("a=x:seen,y") == ("a", [(Path("x"), "seen"), (Path("y"), "all")])
    for text in ("folder", "=x", "a="):
        with pytest.raises(CommandError, match="expected NAME=FOLDER"):
            read_variant(text)
    with pytest.raises(CommandError, match="takes 'some' of 'x', expected one of all, seen, unseen"):
        read_variant("a=x:some")
    with pytest.raises(CommandError, match="--train names 'a' twice"):
        read_variants(["a=x", "b=x", "a=y"])
    stage = "optimisation: {steps: 1, images: 1, learning_rate: 0.1}\n"
    for line, message in (
        ("head: unet", "head is 'unet', expected 'lraspp' or 'deeplabv3'"),
        ("image_size: 100", "image_size is 100, expected a positive multiple of 32"),
        ("evaluate_steps: 10", "evaluate_steps is 10, expected none"),
        ("cache: true", "cache is True, expected none"),
        ("augmentation: {}", "augmentation is given, expected none"),
    ):
        (tmp_path / "config.yaml").write_text(stage + line)
        with pytest.raises(ConfigError, match=message):
            read_semantic_config(tmp_path / "config.yaml")
    (tmp_path / "split.yaml").write_text("seen: [a]\nunseen: [b]\naliases: {c: [d]}\n")
    with pytest.raises(DatasetError, match=r"aliases is .*, expected lists of names by seen and unseen categories"):
        read_split(str(tmp_path / "split.yaml"))
