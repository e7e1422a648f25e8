"""A small two-stage training, from pictures of coloured boxes to a model folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from boxes import CONFIG, PRIMARIES, STEPS, write_boxes
from PIL import Image
from safetensors.torch import load_file
from stand_ins import write_stand_ins
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoTokenizer, BertModel

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import ConfigError, DatasetError, StorageError
from mdsm_ros.homes.shapes.parts import COLORS
from mdsm_ros.hub.folder import write_tokenizer
from mdsm_ros.models.stable_diffusion.config import SD15
from mdsm_ros.models.vpd.config import VPDConfig
from mdsm_ros.segmenter import Segmenter
from training.datasets.dataset import InstructionDataset
from training.drawn.semantic.config import read_semantic_config
from training.evaluation import evaluate
from training.latent.config import read_latent_config
from training.train.command import main
from training.train.config import read_config
from training.train.loop import Pool, StepSampler
from training.train.losses import dice, mask_loss, weighted_cross_entropy
from training.train.public.config import read_any_config
from training.train.run import build_model
from training.train.vocabulary import train_tokenizer

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("one_thread")]

IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with datasets for training and validation and a configuration."""
    root = tmp_path_factory.mktemp("training")
    write_boxes(root / "train", "train", 24)
    write_boxes(root / "val", "val", 8)
    (root / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return root


def _train(root: Path, out: str, *options: str, config: str = "config.yaml") -> int:
    paths = ["--config", root / config, "--data", root / "train", "--val-data", root / "val", "--out", root / out]
    return main([*map(str, paths), "--device", "cpu", *options])


@pytest.fixture(scope="module")
def trained(workplace: Path) -> Path:
    assert _train(workplace, "run") == 0
    return workplace / "run"


def _losses(run: Path, stage: str) -> list[float]:
    events = EventAccumulator(str(run / "tensorboard" / stage))
    events.Reload()
    return [event.value for event in events.Scalars("loss/loss")]


@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_both_stages_lower_their_loss(trained: Path, stage: str) -> None:
    losses = _losses(trained, stage)
    assert losses[-1] < 0.9 * losses[0]


def test_validation_is_logged(trained: Path) -> None:
    events = EventAccumulator(str(trained / "tensorboard" / "stage2"))
    events.Reload()
    assert 0 <= events.Scalars("validation/refined_miou")[0].value <= 1


def test_metrics_after_epochs_of_the_first_instructions(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = Dataset(workplace / "train").split("train")
    images = len({instruction.image_id for instruction in data[:9]})
    stage = {"steps": 2 * images, "images": 1, "learning_rate": 1e-3}
    config = {**CONFIG, "stage1": stage, "evaluate_steps": 1000, "evaluate_epochs": [1, 2], "mixture": {}}
    del config["stage2"]
    (workplace / "epochs.yaml").write_text(yaml.safe_dump(config))
    assert _train(workplace, "epochs", "--limit", "9", "--stage", "1", config="epochs.yaml") == 0
    lines = [json.loads(line) for line in (workplace / "epochs/validation.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["step"], line["epoch"]) for line in lines] == [
        ("stage1", images, 1),
        ("stage1", 2 * images, 2),
    ]
    assert {"initial_miou", "initial_oiou", "initial_p_0.5", "presence_accuracy"} <= lines[0].keys()
    paths = {"config": "epochs.yaml", "data": "train", "out": "unseen"}
    assert main([f"--{name}={workplace / path}" for name, path in paths.items()]) == 2
    assert "evaluate_epochs is [1, 2], expected none without --val-data" in capsys.readouterr().err


def test_parts_of_sizes_that_are_not_named_keep_theirs() -> None:
    config = read_config(Path("config/train/vpd-report.yaml")).model_config()
    assert isinstance(config, VPDConfig)
    assert config.sizes["text_encoder"]["hidden_size"] == 512
    assert config.sizes["unet"] == SD15["unet"]


def test_stage_two_leaves_stage_one_alone(trained: Path) -> None:
    one = torch.load(trained / "stage2.pt", weights_only=True)["stage"]
    model = load_file(trained / "model/model.safetensors")
    frozen = [name for name in model if not name.startswith("refiner.")]
    assert frozen
    for name in frozen:
        torch.testing.assert_close(one[f"model.{name}"].half(), model[name], atol=0, rtol=0)


@pytest.mark.parametrize("stage", ["1", "2"])
def test_resume_gives_the_same_weights_bit_for_bit(trained: Path, workplace: Path, stage: str) -> None:
    out = f"resumed{stage}"
    if stage == "2":  # stage 1 is over; how it resumes is the other case
        shutil.copytree(trained, workplace / out, ignore=shutil.ignore_patterns("stage2.pt"))
    assert _train(workplace, out, "--resume", "--max-seconds", "0.5") == 0
    stopped = torch.load(workplace / out / f"stage{stage}.pt", weights_only=True)["step"]
    assert 0 < stopped < STEPS
    assert _train(workplace, out, "--resume") == 0
    whole = torch.load(trained / f"stage{stage}.pt", weights_only=True)
    resumed = torch.load(workplace / out / f"stage{stage}.pt", weights_only=True)
    assert resumed["step"] == whole["step"] == STEPS
    for name, value in whole["stage"].items():
        assert torch.equal(resumed["stage"][name], value), name


def test_half_a_tokenizer_does_not_stop_the_next_run(trained: Path, workplace: Path) -> None:
    out = workplace / "killed"
    (out / "tokenizer").mkdir(parents=True)
    (out / "tokenizer" / "tokenizer_config.json").write_text("{}")
    assert _train(workplace, "killed", "--resume", "--max-seconds", "0.5") == 0
    name = "tokenizer.json"
    assert (out / "tokenizer" / name).read_bytes() == (trained / "tokenizer" / name).read_bytes()


def test_a_tokenizer_that_the_disk_has_no_room_for(trained: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(trained / "tokenizer")
    (tmp_path / "tokenizer.json").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="No space left"):
        write_tokenizer(tmp_path, tokenizer)


def test_vocabulary_covers_the_texts_and_falls_back_to_characters() -> None:
    tokenizer = train_tokenizer(["Get the red mug!", "get the mug"], 200)
    assert tokenizer.tokenize("get the RED mug!") == ["get", "the", "red", "mug", "!"]
    assert tokenizer.tokenize("gem") == ["g", "##e", "##m"]
    assert len(train_tokenizer(["a word"] * 3, 150)) <= 150


def test_seed_decides(trained: Path, workplace: Path) -> None:
    (workplace / "seed.yaml").write_text(yaml.safe_dump(CONFIG | {"seed": 1}))
    assert _train(workplace, "seed", "--stage", "1", config="seed.yaml") == 0
    ours, theirs = (torch.load(r / "stage1.pt", weights_only=True)["stage"] for r in (trained, workplace / "seed"))
    assert not torch.equal(ours["model.intermediate.head.mask.weight"], theirs["model.intermediate.head.mask.weight"])


def test_evaluation_of_the_trained_model(trained: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, worst, report = (workplace / name for name in ("metrics.json", "worst.png", "report.html"))
    options = ["--model", trained / "model", "--data", workplace / "val", "--split", "val", "--out", out]
    options += ["--worst", worst, "--report", report]
    assert evaluate.main([*map(str, options), "--untrained", "--device", "cpu"]) == 0
    content = json.loads(out.read_text())
    learned, random = content["metrics"].values()
    assert set(learned) == {"initial", "refined", "refinement"}
    assert set(random) == set(learned)
    assert {"mIoU", "oIoU", "P@0.5", "P@0.9", "gIoU", "no-target accuracy", "ECE"} <= set(learned["refined"])
    change = learned["refined"]["mIoU"] - learned["initial"]["mIoU"]
    assert learned["refinement"]["mIoU gain"] == pytest.approx(change, abs=1e-6)
    samples = next(iter(content["samples"].values()))
    instructions = Dataset(workplace / "val").instructions
    assert [sample["id"] for sample in samples] == [instruction.id for instruction in instructions]
    words = content["groups"]["words"]
    assert words["up to 10"]["instructions"] == sum(bool(i.annotation_ids) for i in instructions)
    assert words["up to 10"]["refined mIoU"] == pytest.approx(learned["refined"]["mIoU"])
    shows = content["groups"]["the mask shows"]
    assert sum(share["refined"] for share in shows.values()) == pytest.approx(1)
    assert shows["the target"]["refined"] == pytest.approx(learned["refined"]["P@0.5"])
    printed = capsys.readouterr().out
    assert "masks at 64x48 pixels" in printed
    assert "| model |" in printed
    assert "| mask area |" in printed
    page, seen = report.read_text(), sum(bool(i.annotation_ids) for i in instructions)
    assert page.count("<figure") == seen <= 2 * evaluate.SHOWN
    assert f"<td>{learned['refined']['mIoU']:.3f}</td>" in page
    if learned["refinement"]["losses"]:
        with Image.open(worst) as sheet:
            assert sheet.width >= 2 * 64


def test_several_samples_are_evaluated(trained: Path, workplace: Path) -> None:
    figures = []
    for number in ("1", "4"):
        out = workplace / f"samples{number}.json"
        options = ["--model", trained / "model", "--data", workplace / "val", "--split", "val", "--out", out]
        assert evaluate.main([*map(str, options), "--samples", number, "--steps", "1", "--device", "cpu"]) == 0
        figures.append(next(iter(json.loads(out.read_text())["metrics"].values())))
    assert figures[0]["initial"]["mIoU"] == figures[1]["initial"]["mIoU"]
    assert figures[0]["refined"]["mIoU"] != figures[1]["refined"]["mIoU"]


def test_sampler_depends_on_the_step_alone() -> None:
    groups = [[3 * i, 3 * i + 1, 3 * i + 2] for i in range(7)]
    whole = list(StepSampler([Pool(groups, 2, 5)], 2, 5, 0, 10))
    assert list(StepSampler([Pool(groups, 2, 5)], 2, 5, 6, 10)) == whole[6:]
    assert all(len(batch) == 4 and len({i // 3 for i in batch}) == 2 for batch in whole[:3])
    images = [i // 3 for batch in StepSampler([Pool(groups, 1, 5)], 1, 5, 0, 7) for i in batch]
    assert sorted(images) == list(range(7))  # an epoch shows every image once


def test_losses_by_hand() -> None:
    masks = torch.tensor([[[[True, False]]], [[[False, False]]]])
    sure = torch.where(masks, 20.0, -20.0)
    assert weighted_cross_entropy(sure, masks) < 1e-6
    assert dice(sure, masks) < 1e-6  # the second sample has no target and counts as 0
    wrong = dice(-sure[:1], masks[:1])
    assert wrong == pytest.approx(1 - 1 / 3, abs=1e-4)
    even = torch.zeros(1, 1, 1, 2)
    assert weighted_cross_entropy(even, masks[:1]) == pytest.approx(np.log(2), abs=1e-6)
    assert mask_loss(sure, masks, 0.0) < mask_loss(even.expand(2, 1, 1, 2), masks, 1.0)


def test_batches_carry_masks_colours_and_presence(workplace: Path) -> None:
    data = InstructionDataset(Dataset(workplace / "train"), "train", 64, cache=False)
    batch = data.collate([0, 1, 2])
    assert batch.images.shape == (1, 3, 64, 64)  # all three are about the first image
    assert batch.image_index.tolist() == [0, 0, 0]
    assert batch.present.tolist() == [True, True, False]
    assert not batch.masks[2].any()
    assert set(batch.categories.flatten().tolist()) == {0, 1, 2}
    wide = batch.masks[0, 0]
    color = batch.images[0, :, wide].float().mean(dim=1) / 255
    names = [n for n in PRIMARIES if np.allclose(COLORS[n], color.numpy(), atol=0.12)]
    assert names
    assert names[0] in batch.texts[0]


def test_missing_image_stops_the_training_with_its_name(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_boxes(workplace / "broken" / "train", "train", 4)
    (workplace / "broken/train/images/000002.jpg").unlink()
    code = main(
        [
            "--config",
            str(workplace / "config.yaml"),
            "--data",
            str(workplace / "broken/train"),
            "--out",
            str(workplace / "b"),
        ]
    )
    assert code == 2
    assert "000002.jpg is missing" in capsys.readouterr().err
    with pytest.raises(DatasetError):
        Dataset(workplace / "nothing")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preset": "mdsm-huge"}, "mdsm-huge"),
        ({"colour": 1}, "colour"),
        ({"stage1": {"steps": 0, "images": 1, "learning_rate": 0.1}}, "steps is 0"),
        ({"mixed_precision": "int4"}, "int4"),
        ({"preset": "lavt-tiny", "model": {}}, "stage2 is given, but lavt-tiny has one stage"),
        ({"gradient_accumulation": 0}, "gradient_accumulation is 0"),
    ],
)
def test_bad_configuration(tmp_path: Path, change: dict[str, object], message: str) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG | change))
    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "config.yaml")


@pytest.mark.parametrize("name", ["mdsm-base", "lavt-base"])
def test_the_paper_scale_runs_two_steps_of_each_stage(workplace: Path, name: str) -> None:
    """The shipped configurations with encoders that fit here; checkpoints are loaded by name as they would be."""
    config = yaml.safe_load(Path(f"config/train/{name}.yaml").read_text())
    fields = write_stand_ins(workplace / name)
    if name == "lavt-base":
        fields = {key: value for key, value in fields.items() if not key.startswith("clip_")}
    sizes = {"swin_embed_dim": 32, "swin_num_heads": [2, 4, 8, 16], "bert_num_heads": 4, "decoder_channels": 32}
    sizes |= {"clip_num_heads": 4, "refiner_channels": [64, 64]} if name == "mdsm-base" else {}
    config |= {"model": fields | sizes, "mixed_precision": "no", "num_workers": 0}
    stages = [stage for stage in ("stage1", "stage2") if stage in config]
    assert len(stages) == (2 if name == "mdsm-base" else 1)
    for stage in stages:
        config[stage] |= {"steps": 2, "images": 2, "warmup_steps": 0}
    (workplace / f"{name}.yaml").write_text(yaml.safe_dump(config))
    assert _train(workplace, f"run-{name}", config=f"{name}.yaml") == 0
    run = workplace / f"run-{name}"
    assert [torch.load(run / f"{stage}.pt", weights_only=True)["step"] for stage in stages] == [2] * len(stages)
    trained, start = load_file(run / "model/model.safetensors"), BertModel.from_pretrained(workplace / name / "bert")
    words = "embeddings.word_embeddings.weight"
    torch.testing.assert_close(trained[f"language.bert.{words}"].float(), start.state_dict()[words], atol=2e-3, rtol=0)
    answers = list(Segmenter.from_pretrained(run / "model", device="cpu").stream(IMAGE, "bring me the red box"))
    assert [answer.stage for answer in answers] == ["initial", "refined"][: len(stages)]


@pytest.mark.parametrize("path", sorted(Path("config/train").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path: Path) -> None:
    if path.stem.startswith("ldm"):
        read_latent_config(path)
    elif path.stem.startswith("semantic"):
        read_semantic_config(path)
    else:
        read_any_config(path).model_config()


def test_half_a_tokenizer_of_a_killed_run_is_made_again(workplace: Path, trained: Path, tmp_path: Path) -> None:
    half = tmp_path / "tokenizer"
    half.mkdir()
    (half / "tokenizer_config.json").write_text("{")
    data = InstructionDataset(Dataset(workplace / "train"), "train", 64, cache=False)
    build_model(read_config(workplace / "config.yaml"), tmp_path, data)
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer"]
    for path in (trained / "tokenizer").iterdir():
        assert (half / path.name).read_bytes() == path.read_bytes()
