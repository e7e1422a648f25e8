"""Augmentation changes pictures, masks and sentences together, and never loses the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from boxes import CONFIG, write_boxes

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import ConfigError
from training.augment.appearance import change_appearance
from training.augment.batches import Augmenter
from training.augment.options import Augmentation
from training.augment.windows import LEAST_PIXELS, Keep, Window, choose_window, cut, cut_masks
from training.cli import main as data_main
from training.datasets.dataset import InstructionDataset
from training.train.command import main
from training.train.config import LoopConfig, StageConfig, read_config
from training.train.loop import _batches
from training.train.sources import FolderSource

OFF = {"flip": 0.0, "crop": 0.0, "shrink": 0.0, "color": 0.0, "blur": 0.0, "noise": 0.0, "resolution": 1.0}
SIDE = 64


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One image: three chairs in a row and a lamp, all far from the border."""
    root = tmp_path_factory.mktemp("augment")
    with DatasetWriter(root, ["chair", "lamp"]) as writer:
        picture = rng().integers(90, 110, (96, 96, 3), dtype=np.uint8)
        boxes = {"chair": [(40, 12), (40, 40), (40, 70)], "lamp": [(20, 42)]}
        placed = []
        for kind, places in boxes.items():
            for number, (top, left) in enumerate(places):
                mask = np.zeros((96, 96), dtype=bool)
                mask[top : top + 14, left : left + 12] = True
                picture[mask] = (230, 40 * number, 20) if kind == "chair" else (20, 20, 230)
                placed.append((kind, mask))
        image_id = writer.add_image(picture)
        ids = [writer.add_annotation(image_id, kind, mask, {"color": "red"}) for kind, mask in placed]
        for text, targets in (
            ("get the leftmost chair", [ids[0]]),
            ("get the chair under the lamp", [ids[1]]),
            ("get the lamp", [ids[3]]),
            ("get the stool left on the table", []),
            ("get the chair on the right", [ids[2]]),
            ("get the chair near the stove", [ids[2]]),
        ):
            writer.add_instruction(image_id, targets, text, split="train", source="test", expressions=1, distractors=0)
    return root


def augmenter(root: Path, **options: float) -> Augmenter:
    data = InstructionDataset(Dataset(root), "train", SIDE, cache=True)
    return Augmenter(data, Augmentation(**(OFF | options)), seed=0)


def test_a_flip_mirrors_picture_masks_grids_and_words(boxes: Path) -> None:
    ours = augmenter(boxes, flip=1.0)
    plain, flipped = ours.data.collate([0, 1, 2]), ours.collate([(0, 0), (0, 1), (0, 2)])
    assert flipped.texts == ["get the rightmost chair", "get the chair under the lamp", "get the lamp"]
    for name in ("images", "masks", "categories", "colors"):
        before, after = getattr(plain, name), getattr(flipped, name)
        assert torch.equal(after, before.flip(-1)), name
        assert not torch.equal(after, before), name
    assert flipped.positions == plain.positions
    assert torch.equal(flipped.present, plain.present)


def test_a_sentence_that_cannot_be_mirrored_keeps_its_picture(boxes: Path) -> None:
    ours = augmenter(boxes, flip=1.0)
    assert torch.equal(ours.collate([(0, 3), (0, 2)]).images, ours.data.collate([3, 2]).images)


def test_flips_come_as_often_as_asked(boxes: Path) -> None:
    ours = augmenter(boxes, flip=0.5)
    flips = [ours.collate([(step, 0)]).texts == ["get the rightmost chair"] for step in range(60)]
    assert 15 < sum(flips) < 45


@pytest.mark.parametrize("position", range(6))
def test_a_crop_never_loses_the_answer(boxes: Path, position: int) -> None:
    ours = augmenter(boxes, crop=1.0, smallest_crop=0.4, resolution=1.5)
    whole, data = ours.data.picture(1, SIDE), ours.data
    chairs, lamp = [whole.mask(i) for i in (1, 2, 3)], whole.mask(4)
    cropped = 0
    for step in range(40):
        batch = ours.collate([(step, position)])
        cropped += not torch.equal(batch.images, ours.collate([(step, 5)]).images)
        mask = batch.masks[0, 0].numpy()
        instruction = data.instructions[position]
        assert bool(instruction.annotation_ids) == bool(batch.present[0]) == mask.any()
        if mask.any():
            # a crop enlarges what it leaves: so no less than the larger part of what was there
            assert mask.sum() > 0.6 * whole.mask(instruction.annotation_ids[0]).sum()
        kinds = batch.categories[0]
        if position in (0, 1, 4):  # leftmost, under the lamp, on the right: the other chairs and the lamp stay
            assert (kinds == 1).any()
        if position == 1:
            assert (kinds == 2).any()
    assert chairs[0].any()
    assert lamp.any()


def test_crops_are_made_where_they_may_be(boxes: Path) -> None:
    ours = augmenter(boxes, crop=1.0, smallest_crop=0.5)
    same = ours.data.collate([0]).images
    changed = {
        position: sum(not torch.equal(ours.collate([(step, position)]).images, same) for step in range(30))
        for position in range(6)
    }
    assert changed[5] == 0  # a stove that nobody annotated
    assert changed[3] == 30  # absent: anything goes
    assert changed[2] > 15


def window_for(keep: Keep, seed: int, **options: float) -> Window:
    return choose_window(SIDE, SIDE, [keep], Augmentation(**(OFF | options)), rng(seed))


def square(top: int, left: int, size: int = 10) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[top : top + size, left : left + size] = True
    return mask


def test_windows_keep_what_they_must() -> None:
    target, other = square(10, 6), square(40, 44)
    small = {"crop": 1.0, "smallest_crop": 0.4}
    partly = 0
    for seed in range(60):
        rows, columns = window_for(Keep([target], [target], False, False, False), seed, **small).visible(SIDE)
        left = target[rows, columns].sum() / target.sum()
        assert left >= 0.7
        partly += left < 1
        window = window_for(Keep([target], [target, other], True, False, False), seed, **small)
        rows, columns = window.visible(SIDE)
        assert target[rows, columns].sum() + other[rows, columns].sum() == 200
        assert window_for(Keep([target], [target], False, False, True), seed, **small) == Window.all_of(SIDE)
        placed = window_for(Keep([target], [target], False, True, False), seed, **small)
        assert (15 - placed.top) / placed.height < 1 / 3
        assert (11 - placed.left) / placed.width < 1 / 3
    assert partly > 3


def test_a_smaller_picture_keeps_its_target_visible() -> None:
    tiny, larger = square(30, 30, 3), square(20, 20, 12)
    shrinks = {"shrink": 1.0, "smallest_shrink": 0.5}
    sizes = []
    for seed in range(30):
        assert window_for(Keep([tiny], [tiny], False, False, False), seed, **shrinks) == Window.all_of(SIDE)
        window = window_for(Keep([larger], [larger], False, False, True), seed, **shrinks)
        masks, image = (
            cut_masks({1: larger}, window, SIDE),
            cut(np.full((SIDE, SIDE, 3), 7, dtype=np.uint8), window, SIDE),
        )
        assert masks[1].sum() >= LEAST_PIXELS - 4
        assert (image == 7).all()  # the border has the picture's mean colour
        sizes.append(masks[1].sum())
    assert min(sizes) < 0.5 * larger.sum()


def test_picture_and_masks_are_cut_alike() -> None:
    mask = square(20, 24, 20)
    image = np.repeat(mask[..., np.newaxis], 3, axis=2).astype(np.uint8) * 255
    for window in (Window(10, 8, 40, 44), Window(-20, -8, 96, 90), Window(0, 0, SIDE, SIDE)):
        ours, theirs = cut_masks({1: mask}, window, SIDE)[1], cut(image, window, SIDE)[..., 0]
        weights = np.maximum(theirs - 50.0, 0)  # without the border, which has the mean colour
        weights /= weights.sum()
        for axis in (0, 1):
            middle = float((weights.sum(axis=1 - axis) * np.arange(SIDE)).sum())
            assert np.nonzero(ours)[axis].mean() == pytest.approx(middle, abs=0.5)
        assert ours.sum() == pytest.approx(400 * SIDE**2 / (window.width * window.height), rel=0.12)


def test_appearance_does_what_it_says() -> None:
    image = rng().integers(60, 200, (SIDE, SIDE, 3), dtype=np.uint8)
    image[..., 0] //= 2

    def changed(**options: float) -> np.ndarray:
        return change_appearance(image, Augmentation(**(OFF | options)), rng(3), keep_colors=False)

    def hue(pixels: np.ndarray) -> np.ndarray:
        difference: np.ndarray = pixels[..., 2].astype(int) - pixels[..., 1]
        return difference

    np.testing.assert_array_equal(changed(), image)
    assert (
        np.diff(changed(blur=1.0, largest_blur=3.0).astype(int), axis=0).std()
        < 0.8 * np.diff(image.astype(int), axis=0).std()
    )
    assert 1 < np.abs(changed(noise=1.0, largest_noise=0.1).astype(int) - image).mean() < 20
    only_hue = {"color": 1.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.3}
    assert np.abs(hue(changed(**only_hue)) - hue(image)).mean() > 10
    kept = change_appearance(image, Augmentation(**(OFF | only_hue)), rng(3), keep_colors=True)
    np.testing.assert_array_equal(kept, image)
    light = changed(color=1.0, saturation=0.0, hue=0.0, brightness=0.4, contrast=0.0)
    assert abs(float(light.mean()) - image.mean()) > 5


def test_a_sentence_that_names_a_colour_keeps_it(tmp_path: Path) -> None:
    write_boxes(tmp_path, "train", 1)  # "bring me the red wide box"
    options = {"color": 1.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.5}
    ours = augmenter(tmp_path, **options)
    for step in range(5):
        assert torch.equal(ours.collate([(step, 0)]).images, ours.data.collate([0]).images)


# -- in the training ---------------------------------------------------------------------------------------------------

STRONG = Augmentation(flip=0.5, crop=0.7, shrink=0.5, color=1.0, blur=0.5, noise=0.5)
LOOP = LoopConfig(instructions_per_image=2, augmentation=STRONG)
OPTIONS = StageConfig(steps=6, images=4, learning_rate=1e-3)
STAGE = {"steps": 6, "images": 4, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("augmented")
    write_boxes(root / "train", "train", 12)
    write_boxes(root / "val", "val", 4)
    return root


def test_a_step_depends_on_seed_and_step_alone(workplace: Path) -> None:
    data = InstructionDataset(Dataset(workplace / "train"), "train", SIDE, cache=True)
    whole = [part.batch for part in _batches(FolderSource(data), OPTIONS, LOOP, 0)]
    later = [part.batch for part in _batches(FolderSource(data), OPTIONS, LOOP, 4)]
    assert len(whole) == 6
    for ours, theirs in zip(later, whole[4:], strict=True):
        assert ours.texts == theirs.texts
        assert torch.equal(ours.images, theirs.images)
        assert torch.equal(ours.masks, theirs.masks)
    split = LoopConfig(instructions_per_image=2, augmentation=STRONG, gradient_accumulation=2)
    halves = [part.batch for part in _batches(FolderSource(data), OPTIONS, split, 0)]
    assert {len(batch.images) for batch in halves} == {2}
    ours_by_text = {(p, i.sum().item()) for b in halves[:2] for p, i in zip(b.positions, b.masks, strict=True)}
    assert ours_by_text == {(p, i.sum().item()) for p, i in zip(whole[0].positions, whole[0].masks, strict=True)}


def test_another_seed_and_another_step_change_it_otherwise(boxes: Path) -> None:
    data = InstructionDataset(Dataset(boxes), "train", SIDE, cache=True)
    images = [
        Augmenter(data, STRONG, seed).collate([(step, 2)]).images for seed, step in ((0, 0), (0, 1), (1, 0), (0, 0))
    ]
    assert not torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
    assert torch.equal(images[0], images[3])


@pytest.mark.training
@pytest.mark.usefixtures("one_thread")
def test_resume_with_augmentation_is_exact_and_validation_sees_plain_pictures(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "config.yaml").write_text(
        yaml.safe_dump(CONFIG | {"augmentation": {"crop": 0.7, "noise": 0.5}, "stage1": STAGE, "stage2": None})
    )
    seen: list[tuple[int, ...]] = []
    plain = InstructionDataset.collate

    def collate(self: InstructionDataset, indices: list[int]) -> object:
        seen.append(tuple(indices))
        return plain(self, indices)

    monkeypatch.setattr(InstructionDataset, "collate", collate)
    options = ["--config", workplace / "config.yaml", "--data", workplace / "train", "--val-data", workplace / "val"]

    def train(out: str, *more: str) -> dict[str, torch.Tensor]:
        assert main([*map(str, options), "--out", str(workplace / out), "--device", "cpu", *more]) == 0
        saved = torch.load(workplace / out / "stage1.pt", weights_only=True)
        return {"step": torch.tensor(saved["step"]), **saved["stage"]}

    whole = train("whole")
    instructions = len(Dataset(workplace / "val").instructions)
    assert set(seen) == {tuple(range(instructions))}  # the validation alone, all of it
    assert 0 < int(train("resumed", "--max-seconds", "0.01")["step"]) < STAGE["steps"]
    resumed = train("resumed", "--resume")
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert torch.equal(resumed[name], value), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flip": 1.5}, r"augmentation\.flip is 1\.5, expected 0 to 1"),
        ({"smallest_crop": 0}, r"augmentation\.smallest_crop is 0"),
        ({"blur": "often"}, "blur is 'often', expected a value of the type float"),
        ({"mirror": 1.0}, "mirror"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, options: dict[str, object], message: str) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"augmentation": options}))
    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "config.yaml")


def test_it_is_off_by_default(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    assert read_config(tmp_path / "config.yaml").augmentation is None
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"augmentation": {}}))
    assert read_config(tmp_path / "config.yaml").augmentation == Augmentation()


def test_views_are_a_dataset_whose_sentences_stay_true(boxes: Path, tmp_path: Path) -> None:
    arguments = ["augment", "--data", str(boxes), "--out", str(tmp_path / "views"), "--views", "6", "--size", "64"]
    assert data_main([*arguments, "--sentences", "2"]) == 0
    write_boxes(tmp_path / "others", "train", 2)
    assert data_main([*arguments, "--sentences", "2", "--data", str(tmp_path / "others")]) == 2  # not those of boxes
    original, views = Dataset(boxes), Dataset(tmp_path / "views")
    assert len(views.images) == 7 * len(original.images)
    by_image: dict[int, list[str]] = {}
    for instruction in views.split("train"):
        by_image.setdefault(instruction.image_id, []).append(instruction.text)
        for target in instruction.annotation_ids:
            assert views.annotations[target].image_id == instruction.image_id
            assert views.mask_of(target).shape == (64, 64)
            assert views.mask_of(target).any()
    counts = [len(texts) for _, texts in sorted(by_image.items())]
    assert counts[0] == len(original.split("train"))
    assert counts[1:] == [2] * 6
    columns = {}
    for instruction in views.split("train"):
        if "left" in instruction.text and instruction.annotation_ids:
            mask = views.mask_of(instruction.annotation_ids[0])
            columns[instruction.image_id] = float(np.nonzero(mask)[1].mean())
    assert columns
    assert max(columns.values()) < 32  # also in mirrored pictures


def test_views_go_on_after_a_kill_and_are_the_same(boxes: Path, tmp_path: Path) -> None:
    def build(name: str) -> str:
        assert data_main(["augment", "--data", str(boxes), "--out", str(tmp_path / name), "--size", "64"]) == 0
        return (tmp_path / name / "annotations.json").read_text()

    assert build("one") == build("two")
    assert build("one") == build("two")  # finished ones are left alone
