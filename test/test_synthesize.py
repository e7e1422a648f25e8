"""Pictures drawn by a toy latent diffusion model: its masks mean nothing, but where they come from does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from boxes import MODEL
from diffusion_stand_ins import CLIP_TOKENIZER, write_pipeline
from safetensors.torch import save_file
from test_grounded_diffusion import FIELDS
from test_zoom import Bright, disc
from torchvision.models.detection import maskrcnn_resnet50_fpn

from mdsm_ros.checkpoints.diffusion_checkpoint import load_pipeline
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import DatasetError, WeightsError
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig
from mdsm_ros.models.grounded_diffusion.network import GroundedDiffusion
from mdsm_ros.segmenter import Segmenter
from training.cli import main
from training.drawn.category_splits import SPLITS, read_split
from training.drawn.detector import PUBLISHED, DetectorMasks
from training.drawn.drawing import Artist, Drawing, pipeline_of
from training.drawn.grounding_eval import harmonic_mean, measure, plan_groups
from training.drawn.mask_sources import DaamMasks, GroundingMasks, Mask, Request, SegmenterMasks, requests_of
from training.drawn.prompt_plan import Prompt, Sampling, plan_prompts
from training.drawn.synthesize import batches
from training.train import command as train

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SAMPLING = Sampling(steps=2, guidance=5.0)
PROMPTS = [Prompt(("cup",), 1), Prompt(("hat",), 2)]
SYNTHESIZE = ["--train", "5", "--unseen", "2", "--batch", "2", "--steps", "2", "--prompts", "one", "--device", "cpu"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Stable Diffusion checkpoint, a Grounded Diffusion model on it, and categories."""
    root = tmp_path_factory.mktemp("synthesize")
    parts = write_pipeline(root / "sd")
    torch.manual_seed(0)
    model = GroundedDiffusion(GroundedDiffusionConfig(**FIELDS), CLIP_TOKENIZER)
    model.backbone.load_state_dict(parts.state_dict())
    model.save_pretrained(root / "grounded")
    (root / "kinds.yaml").write_text(yaml.safe_dump({"seen": ["cup", "box"], "unseen": ["hat", "pen"]}))
    return root


@pytest.fixture(scope="module")
def model(workplace: Path) -> GroundedDiffusion:
    return GroundedDiffusion.from_pretrained(workplace / "grounded")


@pytest.fixture(scope="module")
def drawing(model: GroundedDiffusion) -> Drawing:
    return Artist(pipeline_of(model.backbone), SAMPLING, features=model.config, attention=True).draw(PROMPTS)


def test_a_mask_has_all_things_of_a_kind() -> None:
    image, first = disc(96, 128)
    both = first | first[::-1, ::-1]
    image[both] = image[first][0]
    drawing = Drawing([Prompt(("disc",), 1)], image[None], None, None)
    (mask,) = SegmenterMasks(Segmenter(Bright(), "bright", "cpu")).masks(drawing, [(0, "disc")])
    assert (mask & first).any()
    assert (mask & both & ~first).any()


def synthesize(root: Path, out: str, masks: str, model: str = "grounded", *options: str) -> Dataset:
    paths = ["--model", str(root / model), "--categories", str(root / "kinds.yaml"), "--out", str(root / out)]
    assert main(["synthesize", *paths, "--masks", masks, *SYNTHESIZE, *options]) == 0
    return Dataset(root / out)


def test_a_picture_depends_on_its_prompt_and_seed_alone(model: GroundedDiffusion, drawing: Drawing) -> None:
    artist = Artist(pipeline_of(model.backbone), SAMPLING)
    alone = artist.draw(PROMPTS[1:])
    assert np.abs(alone.images[0].astype(int) - drawing.images[1]).max() <= 1  # batches round differently
    assert (artist.draw([Prompt(("hat",), 3)]).images[0] != alone.images[0]).any()
    assert alone.features is None
    assert alone.attention is None


def test_a_model_draws_as_the_checkpoint_does_that_it_started_from(workplace: Path, drawing: Drawing) -> None:
    original = Artist(load_pipeline(str(workplace / "sd")), SAMPLING).draw(PROMPTS)
    difference = np.abs(original.images.astype(int) - drawing.images)
    assert difference.mean() < 2  # of 255: its weights were saved in half precision
    assert original.images.std() > 10


def test_drawn_features_are_those_of_the_last_step(model: GroundedDiffusion, monkeypatch: pytest.MonkeyPatch) -> None:
    """A given image whose latents are what the last step begins with is seen in the same way."""
    text = model.encode_text([p.text for p in PROMPTS])
    seen: list[tuple[torch.Tensor, int]] = []
    unet = model.backbone.unet
    handle = unet.register_forward_hook(lambda _, inputs, __: seen.append((inputs[0], int(inputs[1]))))
    again = Artist(pipeline_of(model.backbone), SAMPLING, features=model.config).draw(PROMPTS)
    handle.remove()
    last, timestep = seen[-1]
    assert (len(seen), timestep) == (SAMPLING.steps, 1)
    monkeypatch.setattr(model.backbone, "latents", lambda _: last[:2])  # guidance has them twice
    with torch.inference_mode():
        features = model.image_features(torch.zeros(2, 3, 64, 64), text)
    assert again.features is not None
    for ours, theirs in zip(features, again.features, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_attention_gathers_where_the_tokens_are(drawing: Drawing) -> None:
    assert drawing.attention is not None
    heat = torch.zeros_like(drawing.attention)
    cup = slice(17, 20)  # behind the start and 16 letters of "a photograph of a"
    heat[0, cup, 2:4, 4:8] = 1.0
    heat[0, 3, 6:8, 0:2] = 9.0  # another word's
    left, right = DaamMasks(CLIP_TOKENIZER).masks(
        Drawing(drawing.prompts, drawing.images, None, heat), [(0, "cup"), (1, "hat")]
    )
    assert left.shape == (64, 64)
    assert left[24, 48]
    assert not left[60, 8]
    assert not left[8, 8]
    assert 0.1 < left.mean() < 0.2
    assert not right.any()


def test_attention_is_summed_over_the_steps(model: GroundedDiffusion, drawing: Drawing) -> None:
    assert drawing.attention is not None
    sizes = 3  # levels with cross-attention
    total = drawing.attention.sum(dim=1)
    torch.testing.assert_close(total, torch.full_like(total, float(sizes * SAMPLING.steps)))


def test_all_that_is_written_was_found(workplace: Path, model: GroundedDiffusion) -> None:
    data = synthesize(workplace, "grounding", "grounding")
    assert {i.split for i in data.instructions} <= {"train", "unseen"}
    for instruction in data.instructions:
        (target,) = instruction.annotation_ids
        kind = data.categories[data.annotations[target].category_id]
        assert instruction.text == f"a photograph of a {kind}" == instruction.origin
        assert (kind in ("hat", "pen")) == (instruction.split == "unseen")
        assert data.mask(instruction).any()
    plan = plan_prompts(("cup", "box"), "one", [0, 1], key=(0, 0))
    drawn = Artist(pipeline_of(model.backbone), SAMPLING, features=model.config).draw(plan)
    masks = GroundingMasks(model).masks(drawn, requests_of(drawn))
    firsts = {record.scene: record.id for record in data.images.values()}
    for number, mask in enumerate(masks):
        assert (f"train-{number}" in firsts) == mask.any()
        if mask.any():
            (instruction,) = [i for i in data.instructions if i.image_id == firsts[f"train-{number}"]]
            assert (data.mask(instruction) == mask).mean() > 0.99


def test_goes_on_after_an_interruption_with_the_same_result(workplace: Path, tmp_path: Path) -> None:
    whole = synthesize(workplace, "whole", "daam", "sd")
    broken = workplace / "broken"
    shutil.copytree(workplace / "whole", broken)
    content = json.loads((broken / "annotations.json").read_text())
    (broken / "annotations.json").unlink()
    (broken / "parts").mkdir()
    (broken / "parts/recipe.json").write_text(json.dumps(content["info"]))
    assert synthesize(workplace, "broken", "daam", "sd").instructions == whole.instructions
    assert (broken / "annotations.json").read_bytes() == (workplace / "whole/annotations.json").read_bytes()
    for name in ("train-000000_0001.jpg", "unseen-000000_0002.jpg"):
        assert (broken / "images" / name).read_bytes() == (workplace / "whole/images" / name).read_bytes()


def test_training_consumes_it_like_any_other(workplace: Path) -> None:
    synthesize(workplace, "to_train", "daam", "sd")
    fields = {k: v for k, v in MODEL.items() if not k.startswith(("clip", "refiner", "num_inference"))}
    config = {
        "preset": "lavt-tiny",
        "model": {**fields, "decoder_channels": 16},
        "stage1": {"steps": 2, "images": 2, "learning_rate": 1e-3},
    }
    (workplace / "lavt.yaml").write_text(yaml.safe_dump(config))
    arguments = ["--config", workplace / "lavt.yaml", "--data", workplace / "to_train", "--out", workplace / "lavt"]
    assert train.main([*map(str, arguments), "--device", "cpu"]) == 0
    assert main(["check", str(workplace / "to_train")]) == 0


@pytest.mark.parametrize(("threshold", "pictures"), [(0.0, 7), (1.0, 0)])
def test_any_model_can_be_the_oracle(
    workplace: Path, tmp_path: Path, capsys: Any, threshold: float, pictures: int
) -> None:
    oracle = Path(shutil.copytree(workplace / "grounded", tmp_path / "oracle"))
    config = json.loads((oracle / "config.json").read_text())
    thresholds = {"mask_threshold": threshold, "present_threshold": threshold}
    (oracle / "config.json").write_text(json.dumps(config | thresholds))
    options = ["--model", workplace / "sd", "--categories", workplace / "kinds.yaml", "--oracle", oracle]
    status = main(["synthesize", *map(str, options), "--out", str(tmp_path / "out"), *SYNTHESIZE])
    if pictures:
        data = Dataset(tmp_path / "out")
        assert len(data.images) == pictures
        assert all(data.mask(instruction).all() for instruction in data.instructions)
    else:
        assert status == 2
        assert "nothing was built" in capsys.readouterr().err


def test_mask_rcnn_finds_the_kinds_of_coco(tmp_path: Path, drawing: Drawing) -> None:
    torch.manual_seed(0)
    detector = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    with torch.no_grad():
        detector.roi_heads.box_predictor.cls_score.bias[18] = 50.0  # dog
        detector.roi_heads.mask_predictor.mask_fcn_logits.bias.fill_(50.0)
    save_file(detector.state_dict(), tmp_path / "detector.safetensors")
    oracle = DetectorMasks("cpu", tmp_path / "detector.safetensors")
    oracle._model.transform.min_size = (160,)  # pixels; the picture is enlarged to 800 else
    oracle._model.roi_heads.detections_per_img = 5  # of 100
    pictures = Drawing(PROMPTS[:1], drawing.images[:1], None, None)
    dog, cat = oracle.masks(pictures, [(0, "dog"), (0, "cat")])
    assert dog.shape == cat.shape == (64, 64)
    assert dog.any()
    assert not cat.any()
    with pytest.raises(DatasetError, match="does not know 'lantern'"):
        oracle.masks(pictures, [(0, "lantern")])


def test_weights_that_mask_rcnn_cannot_use(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="does not hold the weights of maskrcnn_resnet50_fpn"):
        DetectorMasks("cpu", tmp_path / "other.safetensors")
    (tmp_path / "evil.pth").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(WeightsError, match=r"evil\.pth cannot be read as weights"):
        DetectorMasks("cpu", tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match=r"absent\.pth cannot be read as weights"):
        DetectorMasks("cpu", tmp_path / "absent.pth")


class Found:
    """Finds what it is told to, the left half of each picture."""

    def __init__(self, kinds: Sequence[str], left: int = 32) -> None:
        self.kinds, self.left = kinds, left

    def masks(self, drawing: Drawing, requests: Sequence[Request]) -> list[Mask]:
        masks = np.zeros((len(requests), 64, 64), dtype=bool)
        for mask, (_, kind) in zip(masks, requests, strict=True):
            mask[:, : self.left if kind in self.kinds else 0] = True
        return list(masks)


def test_seen_and_unseen_kinds_are_measured_apart(workplace: Path) -> None:
    categories = read_split(str(workplace / "kinds.yaml"))
    artist = Artist(load_pipeline(str(workplace / "sd")), Sampling(1))
    groups = {name: prompts for name, prompts in plan_groups(categories, 2, 0).items() if name.startswith("one")}
    methods = {"all": Found(["cup", "box", "hat", "pen"]), "half": Found(["cup", "box"], 16)}
    result = measure(artist, Found(["cup", "box", "hat"]), methods, groups, categories.unseen, batch=2)
    hats = sum(prompt.kinds == ("hat",) for prompt in groups["one unseen"])
    assert result["masks"] == {"one seen": 2, "one unseen": hats, "seen": 2, "unseen": hats}
    assert hats, "choose another seed"
    assert result["all"]["harmonic mean"] == 1
    assert (result["half"]["seen"], result["half"]["unseen"]) == (0.5, 0)
    assert result["half"]["harmonic mean"] == 0
    assert harmonic_mean(0.4, 0.6) == pytest.approx(0.48)


def test_grounded_diffusion_and_daam_are_measured_side_by_side(workplace: Path, capsys: Any) -> None:
    options = ["--model", workplace / "grounded", "--categories", workplace / "kinds.yaml", "--number", "1"]
    options += ["--oracle", workplace / "grounded", "--steps", "2", "--device", "cpu", "--out", workplace / "m.json"]
    assert main(["grounding", *map(str, options)]) == 0
    assert "| Grounded Diffusion, finished picture |" in capsys.readouterr().out
    figures = json.loads((workplace / "m.json").read_text())
    assert set(figures) == {"DAAM", "Grounded Diffusion", "Grounded Diffusion, finished picture", "masks"}
    itself = figures["Grounded Diffusion, finished picture"]  # was the oracle, too
    assert all(value == 1 for value in itself.values())


def test_prompts_are_planned_by_number() -> None:
    kinds = read_split("homes").seen
    plan = plan_prompts(kinds, "mixture", range(40), key=(0,))
    assert plan[7:9] == plan_prompts(kinds, "mixture", [7, 8], key=(0,))
    assert {len(prompt.kinds) for prompt in plan} == {1, 2}
    assert len({prompt.seed for prompt in plan}) == 40
    both = plan_prompts(("cup",), "one", [0], key=(0,), also=["hat"])
    assert both[0].text == "a photograph of a cup and a hat"
    with pytest.raises(DatasetError, match="there are 1 kinds to draw, expected at least 2"):
        plan_prompts(("cup",), "two", [0], key=(0,))
    assert [batch.name for batch in batches({"train": 3, "seen": 0, "unseen": 1}, 2)] == [
        "train-000000",
        "train-000002",
        "unseen-000000",
    ]


def test_no_kind_is_both_seen_and_unseen(tmp_path: Path) -> None:
    splits = {name: read_split(name) for name in SPLITS}  # which sees to it
    assert {"homes", "pascal-homes"} < set(splits)
    for i in (1, 2, 3):
        assert [len(splits[f"pascal-{i}"].seen), len(splits[f"pascal-{i}"].unseen)] == [15, 5]
        coco = splits[f"coco-{i}"]
        assert [len(coco.seen), len(coco.unseen)] == [65, 15]
        assert {*coco.seen, *coco.unseen} == {n for n in PUBLISHED.meta["categories"][1:] if n != "N/A"}
    few = splits["pascal-1"].first_seen(5)
    assert (few.seen, few.unseen) == (splits["pascal-1"].seen[:5], splits["pascal-1"].unseen)
    with pytest.raises(DatasetError, match="seen is 16, expected 1 to the split's 15 seen categories"):
        splits["pascal-1"].first_seen(16)
    (tmp_path / "both.yaml").write_text("seen: [cup, hat]\nunseen: [hat]\n")
    with pytest.raises(DatasetError, match="'hat' is both seen and unseen"):
        read_split(str(tmp_path / "both.yaml"))
    with pytest.raises(DatasetError, match="expected one of coco-1"):
        read_split("nothing")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--masks", "grounding", "--model", "SD"], "expected the folder of a Grounded Diffusion model"),
        (["--masks", "daam", "--model", "SD", "--guidance", "1"], "guidance is 1.0, expected more than 1"),
        (["--masks", "daam", "--model", "SD", "--oracle", "x"], "--oracle is x, expected none with --masks daam"),
        (
            ["--oracle-weights", "w", "--oracle", "x", "--model", "SD"],
            "--oracle-weights is w, expected none",
        ),
        (["--masks", "daam", "--model", "./nothing"], "Stable Diffusion checkpoint './nothing' cannot be loaded"),
        (["--masks", "oracle", "--oracle", "./nothing", "--model", "SD"], "weights folder './nothing' is not a folder"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_line(
    workplace: Path, tmp_path: Path, capsys: Any, options: list[str], message: str
) -> None:
    options = [str(workplace / "sd") if option == "SD" else option for option in options]
    assert main(["synthesize", "--train", "2", "--out", str(tmp_path / "out"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
