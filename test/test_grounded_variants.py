"""Variants of Grounded Diffusion: other features, whole sentences, and a UNet that learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from boxes import write_boxes
from diffusion_stand_ins import CLIP_TOKENIZER, TOY, write_pipeline
from safetensors.torch import load_file
from test_grounded_diffusion import FIELDS

from mdsm_ros.dataset.format import ANNOTATIONS_FILE
from mdsm_ros.errors import ConfigError
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig
from mdsm_ros.models.grounded_diffusion.grounding import unet_channels
from mdsm_ros.models.grounded_diffusion.network import GroundedDiffusion, feature_blocks
from training.drawn.drawing import Artist, pipeline_of
from training.drawn.prompt_plan import Prompt, Sampling
from training.evaluation import ablate, grounded
from training.train.command import main as train
from training.train.config import read_config

pytestmark = pytest.mark.slow

SHORT = {"steps": 2, "images": 2, "learning_rate": 1e-3}


def build(**fields: Any) -> GroundedDiffusion:
    torch.manual_seed(0)
    return GroundedDiffusion(GroundedDiffusionConfig(**{**FIELDS, **fields}), CLIP_TOKENIZER).eval()


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_features_of_one_way_are_those_of_all_blocks_without_the_other(image: torch.Tensor) -> None:
    model = build()
    down, up = (feature_blocks(model.backbone.unet, name) for name in ("down", "up"))
    assert [*down, *up] == feature_blocks(model.backbone.unet, "all")
    sums = [a + b for a, b in zip(unet_channels(TOY["unet"], "down"), unet_channels(TOY["unet"], "up"), strict=True)]
    assert sums == unet_channels(TOY["unet"])
    for name in ("down", "up"):
        part = build(feature_blocks=name)
        with torch.inference_mode():
            features = part.image_features(image, part.encode_text(["a photograph of a cup"]))
        assert [f.shape[1] for f in features] == [2 * total for total in unet_channels(TOY["unet"], name)]


@torch.inference_mode()
def test_at_a_higher_timestep_the_unet_looks_at_noise(image: torch.Tensor) -> None:
    first, noisy = build(), build(feature_timestep=500)
    text = first.encode_text(["a photograph of a cup"])
    plain, changed = first.image_features(image, text), noisy.image_features(image, text)
    assert all(torch.equal(a, b) for a, b in zip(changed, noisy.image_features(image, text), strict=True))
    assert (plain[-1] - changed[-1]).abs().max() > 0.1


def test_drawn_features_are_those_of_the_nearest_step() -> None:
    model = build(feature_timestep=500)
    artist = Artist(pipeline_of(model.backbone), Sampling(steps=4), features=model.config)
    seen: list[int] = []
    handle = model.backbone.unet.register_forward_hook(lambda _, inputs, __: seen.append(int(inputs[1])))
    try:
        drawing = artist.draw([Prompt(("cup",), 1)])
    finally:
        handle.remove()
    nearest = min(range(4), key=lambda i: abs(seen[i] - 500))
    assert artist._feature_step == nearest < 3
    last = Artist(pipeline_of(model.backbone), Sampling(steps=4), features=build().config).draw([Prompt(("cup",), 1)])
    assert drawing.features is not None
    assert last.features is not None
    assert (drawing.features[0] - last.features[0]).abs().max() > 1e-3


@torch.inference_mode()
def test_a_sentence_is_read_beyond_its_noun(image: torch.Tensor) -> None:
    """With the category alone, what stands beside the noun changes nothing; with the sentence it does."""
    left, right = "get the cup by the hat", "get the cup by the pen"
    kind, sentence = build(), build(query="sentence")
    for model, same in ((kind, True), (sentence, False)):
        a, b = (model.initial(image, model.encode_text([text])).logits for text in (left, right))
        assert torch.equal(a, b) == same
    together = sentence.initial(image.expand(2, -1, -1, -1), sentence.encode_text([left, "get the cup"])).logits
    torch.testing.assert_close(together[0], sentence.initial(image, sentence.encode_text([left])).logits[0])
    text = sentence.encode_text([left])
    assert text.words is not None
    assert text.kind.sum() == len("cup")  # letters are tokens here
    features = sentence.image_features(image, text)
    without = sentence.grounding(features, text.queries)
    assert (sentence.find(features, text) - without).abs().max() > 1e-4


def test_the_unet_learns_only_if_it_is_asked_to(image: torch.Tensor) -> None:
    for frozen in (True, False):
        model = build(freeze_unet=frozen).train()
        text = model.encode_text(["a photograph of a cup"])
        model.initial(image, text).logits.sum().backward()  # type: ignore[no-untyped-call]
        assert (model.backbone.unet.conv_in.weight.grad is None) == frozen
        assert all(
            p.grad is None for p in (*model.backbone.vae.parameters(), *model.backbone.text_encoder.parameters())
        )


def test_the_unet_keeps_its_own_task(image: torch.Tensor) -> None:
    model = build(freeze_unet=False).train()
    optimizer = torch.optim.Adam(model.backbone.unet.parameters(), lr=3e-3)

    def loss() -> torch.Tensor:
        torch.manual_seed(1)
        return model.denoising_loss(image, ["a photograph of a cup"] * 8, torch.zeros(8, dtype=torch.long))

    first = float(loss().detach())
    for _ in range(15):
        optimizer.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert float(loss().detach()) < 0.9 * first


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("feature_blocks", "middle", "feature_blocks is 'middle', expected 'all', 'down' or 'up'"),
        ("feature_timestep", 0, "feature_timestep is 0, expected .*1 to"),
        ("query", "word", "query is 'word', expected 'kind' or 'sentence'"),
    ],
)
def test_other_values_are_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GroundedDiffusionConfig(**{**FIELDS, field: value})


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("grounded")
    write_boxes(root / "train", "train", 4)
    write_boxes(root / "test", "seen", 2)
    instructions = json.loads((root / "test" / ANNOTATIONS_FILE).read_text())
    for instruction in instructions["instructions"][2:]:
        instruction["split"] = "unseen"
    (root / "test" / ANNOTATIONS_FILE).write_text(json.dumps(instructions))
    write_pipeline(root / "pipeline")
    model = {**FIELDS, "checkpoint": str(root / "pipeline"), "grounding_channels": [8, 8, 8, 8]}
    sizes = yaml.safe_load(yaml.safe_dump({part: dict(values) for part, values in _lists(TOY).items()}))
    config = {"preset": "grounded-diffusion-tiny", "model": {**model, "sizes": sizes}, "stage1": SHORT}
    (root / "config.yaml").write_text(yaml.safe_dump(config))
    return root


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.training
def test_co_training_changes_the_unet(workplace: Path) -> None:
    config = yaml.safe_load((workplace / "config.yaml").read_text())
    config["denoising_weight"] = 1.0
    config["model"]["freeze_unet"] = False
    (workplace / "both.yaml").write_text(yaml.safe_dump(config))
    options = ["--data", str(workplace / "train"), "--out", str(workplace / "both"), "--device", "cpu"]
    assert train(["--config", str(workplace / "both.yaml"), *options]) == 0
    trained = load_file(workplace / "both/model/model.safetensors")["backbone.unet.conv_in.weight"].float()
    start = load_file(workplace / "pipeline/unet/diffusion_pytorch_model.safetensors")["conv_in.weight"].float()
    assert 1e-4 < float((trained - start).abs().max()) < 0.1


@pytest.mark.training
def test_the_ablation_has_variants_of_grounded_diffusion(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {"config": "config.yaml", "data": "train", "test-data": "test", "out": "out"}
    options = [f"--{name}={workplace / path}" for name, path in paths.items()]
    variants = ["grounded", "grounded-sentence"]
    options += ["--device=cpu", "--split", "seen", "unseen", "--seeds", "0", "--limit", "2", "--variants"]
    assert ablate.main([*options, *variants]) == 0
    printed = capsys.readouterr().out
    rows = [row for name in variants for row in grounded.VARIANTS[name].rows]
    assert all(f"| {row}, {split} | 1 |" in printed for row in rows for split in ("seen", "unseen", "harmonic mean"))
    results = json.loads((workplace / "out/results.json").read_text())
    seen, unseen, both = (results[f"{rows[0]}, {s}"]["0"]["mIoU"] for s in ("seen", "unseen", "harmonic mean"))
    assert both == pytest.approx(2 * seen * unseen / (seen + unseen) if seen and unseen else 0)
    assert ablate.main([*options, "mdsm"]) == 2
    assert "variants names 'mdsm', expected some of grounded, " in capsys.readouterr().err


def test_every_variant_is_a_valid_configuration(workplace: Path) -> None:
    config = read_config(workplace / "config.yaml")
    made = {name: variant.change(config) for name, variant in grounded.VARIANTS.items()}
    assert made["grounded"] == config
    assert len({str(changed) for changed in made.values()}) == len(made)
