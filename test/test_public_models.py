"""Public models, loaded by the code that loads the real ones, from tiny random checkpoints of the same layout.

Their answers are compared with those of transformers' own preprocessing and post-processing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import load_file, save_file

from mdsm_ros.checkpoints.pretrained import load_model
from mdsm_ros.errors import ConfigError, WeightsError
from mdsm_ros.inference.asking.finder import NounFinder
from mdsm_ros.inference.preprocess import input_size, to_model_input
from mdsm_ros.language.several import find_wanted
from mdsm_ros.models.common.candidates import choose
from mdsm_ros.models.families import published
from mdsm_ros.models.grounded_sam2 import GroundedSAM2Config
from mdsm_ros.models.grounded_sam2.network import GroundedSAM2
from mdsm_ros.segmenter import Segmenter

NAMES = list(published())
LONG = "Go to the living room and get the pillow nearest to the radio"
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("public_models")]


@pytest.fixture
def snapshot(public_models: Path) -> Callable[[str], Path]:
    """The folder of a repository in the cache."""
    return lambda repository: next(public_models.glob(f"models--{repository.replace('/', '--')}/snapshots/*"))


@pytest.fixture(scope="module")
def loaded(public_cache: Path) -> dict[str, Segmenter]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", str(public_cache))
        patch.setattr(constants, "HF_HUB_OFFLINE", True)
        return {name: Segmenter.from_pretrained(name, device="cpu") for name in NAMES}


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(480, 640), (301, 37), (1, 900)])
def test_any_image_is_answered_on_its_own_grid(loaded: dict[str, Segmenter], name: str, size: tuple[int, int]) -> None:
    answer = loaded[name].segment(noise(*size), LONG)
    assert answer.mask.shape == answer.probability.shape == size
    assert np.isfinite(answer.probability).all()
    assert 0 <= answer.score <= 1
    assert answer.stage == "initial"
    assert answer.present == (answer.score >= loaded[name].defaults.present_threshold)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_answers_depend_on_image_and_target_and_on_nothing_else(loaded: dict[str, Segmenter], name: str) -> None:
    image = noise(120, 160)
    answer = loaded[name].segment(image, LONG)
    loaded[name].segment(image, "take the cup")
    again = loaded[name].segment(image, "bring me the pillow nearest to the radio")  # the same target
    np.testing.assert_array_equal(answer.probability, again.probability)
    assert answer.score == again.score
    assert loaded[name].segment(image, "take the red cup").score != answer.score
    assert loaded[name].segment(255 - image, LONG).score != answer.score


@pytest.mark.parametrize("name", NAMES)
def test_any_text_is_answered(loaded: dict[str, Segmenter], name: str) -> None:
    for text in ("赤いカップを取って", "get the 🏆", "Gehe in die Küche. Hol den Becher.", "go there. " * 99):
        assert np.isfinite(loaded[name].segment(noise(8, 32), text).probability).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_answers_like_its_members(loaded: dict[str, Segmenter], name: str) -> None:
    model: Any = loaded[name]._model
    images = torch.rand(2, 3, *input_size(1, 2, model.config.image_size, keep_aspect=model.config.keep_aspect))
    texts = ["take the red cup", LONG]
    with torch.inference_mode():
        both = model.initial(images, model.encode_text(texts))
        for i, text in enumerate(texts):
            one = model.initial(images[i : i + 1], model.encode_text([text]))
            torch.testing.assert_close(one.logits[0], both.logits[i], atol=1e-3, rtol=1e-3)
            torch.testing.assert_close(one.present_logits[0], both.present_logits[i], atol=1e-3, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_answers_nearly_the_same(name: str) -> None:
    segmenter = Segmenter.from_pretrained(name, device="cpu", acceleration="half")
    assert (segmenter.acceleration, segmenter.acceleration_error) == ("half", None)


def test_an_absent_target_has_an_empty_mask_whatever_the_model(loaded: dict[str, Segmenter]) -> None:
    for segmenter in loaded.values():
        answer = segmenter.segment(noise(60, 80), LONG, present_threshold=1.0)
        assert not answer.present
        assert not answer.mask.any()


def test_clipseg_answers_as_transformers_does(loaded: dict[str, Segmenter], snapshot: Callable[[str], Path]) -> None:
    folder, image = snapshot("CIDAS/clipseg-rd64-refined"), noise(352, 352)
    processor = transformers.CLIPSegProcessor.from_pretrained(folder)
    network = transformers.CLIPSegForImageSegmentation.from_pretrained(folder)
    inputs = processor(text=["the pillow nearest to the radio"], images=[Image.fromarray(image)], return_tensors="pt")
    with torch.inference_mode():
        expected = network(**inputs).logits.sigmoid().squeeze()
    answer = loaded["clipseg"].segment(image, LONG)
    np.testing.assert_allclose(answer.probability, expected, atol=1e-4)
    assert answer.score == pytest.approx(float(expected.max()), abs=1e-4)


@pytest.mark.slow
def test_grounding_dino_and_sam2_answer_as_transformers_does(
    loaded: dict[str, Segmenter], snapshot: Callable[[str], Path]
) -> None:
    image = noise(800, 1067)
    folders = snapshot("IDEA-Research/grounding-dino-tiny"), snapshot("facebook/sam2.1-hiera-small")
    processor = transformers.GroundingDinoProcessor(
        transformers.GroundingDinoImageProcessor.from_pretrained(folders[0]),
        transformers.AutoTokenizer.from_pretrained(folders[0]),
    )
    detector = transformers.GroundingDinoForObjectDetection.from_pretrained(folders[0])
    inputs = processor(images=Image.fromarray(image), text="the pillow nearest to the radio.", return_tensors="pt")
    assert processor.tokenizer.convert_ids_to_tokens(inputs.input_ids[0].tolist())[2] == "pillow"
    with torch.inference_mode():
        outputs = detector(**inputs)
    (found,) = processor.post_process_grounded_object_detection(outputs, threshold=0.0, target_sizes=[(800, 1067)])
    score, best = outputs.logits[0, :, 2].sigmoid().max(dim=0)
    masks = transformers.Sam2Processor(transformers.Sam2ImageProcessor.from_pretrained(folders[1]))
    prompt = masks(images=image, input_boxes=[[found["boxes"][best].tolist()]], return_tensors="pt")
    with torch.inference_mode():
        answered = transformers.Sam2Model.from_pretrained(folders[1])(**prompt, multimask_output=False)
    (expected,) = masks.post_process_masks(answered.pred_masks, prompt["original_sizes"], binarize=False)
    answer = loaded["grounded-sam2"].segment(image, LONG)
    assert answer.score == pytest.approx(float(score), abs=1e-3)
    np.testing.assert_allclose(answer.probability, expected.sigmoid().squeeze(), atol=0.05)  # resized in 8 bits there


def test_sam3_answers_as_transformers_does(loaded: dict[str, Segmenter], snapshot: Callable[[str], Path]) -> None:
    folder, image = snapshot("facebook/sam3"), noise(112, 112)
    processor = transformers.Sam3Processor(
        transformers.Sam3ImageProcessor.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(folder)
    )
    inputs = processor(images=Image.fromarray(image), text="pillow", return_tensors="pt")
    with torch.inference_mode():
        outputs = transformers.Sam3Model.from_pretrained(folder)(
            **{name: inputs[name] for name in ("pixel_values", "input_ids", "attention_mask")}
        )
    (found,) = processor.image_processor.post_process_instance_segmentation(outputs, threshold=0.0)
    best = int(found["scores"].argmax())
    model: Any = loaded["sam3"]._model
    with torch.inference_mode():
        answer = model.initial(to_model_input(image, 112), model.encode_text([LONG]))
    assert float(answer.present_logits.sigmoid()) == pytest.approx(float(found["scores"][best]), rel=1e-3)
    assert torch.equal(answer.logits[0, 0] > 0, found["masks"][best].bool())


def test_only_the_words_that_name_the_target_choose_the_box(loaded: dict[str, Segmenter]) -> None:
    model = loaded["grounded-sam2"]._model
    assert isinstance(model, GroundedSAM2)
    caption = model.encode_text([LONG, "take the red cup", "get the 🏆", "get the cup, the pillow and the radio"])
    words = [model.tokenizer.convert_ids_to_tokens(ids) for ids in caption.tokens.input_ids.tolist()]
    chosen = [[[row[i] for i in of.nonzero()] for of in names] for row, names in zip(words, caption.names, strict=True)]
    assert words[0][:8] == ["[CLS]", "the", "pillow", "nearest", "to", "the", "radio", "."]
    assert chosen[:2] == [[["pillow"]], [["red", "cup"]]]
    assert chosen[2][0]  # no noun is recognised: all words choose
    assert chosen[3] == [["cup"], ["pillow"], ["radio"]]


DETECTORS = ("grounded-sam2", "sam3")


@pytest.mark.parametrize("name", DETECTORS)
def test_all_likely_objects_are_marked_where_the_instruction_asks_for_several(
    loaded: dict[str, Segmenter], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter, image = loaded[name], noise(120, 160)
    one = segmenter.segment(image, "get the pillow", present_threshold=0)
    assert one.found is None
    assert len(one.instances) == 1
    monkeypatch.setattr(segmenter.model, "config", replace(segmenter.model.config, present_threshold=0.0))
    several = segmenter.segment(image, "get the cup and all the pillows", present_threshold=0)
    assert several.found is not None
    assert {instance.name for instance in several.found} == {"cup", "pillows"}
    assert len([instance for instance in several.found if instance.name == "cup"]) == 1
    assert len([instance for instance in several.found if instance.name == "pillows"]) > 1
    assert all(0 <= instance.score <= 1 for instance in several.found)
    np.testing.assert_array_equal(several.mask, np.any([instance.mask for instance in several.found], axis=0))
    two = segmenter.segment(image, "get both pillows", present_threshold=0)
    assert two.found is not None
    assert len(two.found) == 2


def test_the_likely_ones_are_chosen() -> None:
    scores = torch.tensor([[0.9, 0.5, 0.2, 0.6], [0.1, 0.3, 0.2, 0.1]])
    cup, cups, plate = (find_wanted(text)[0] for text in ("get the cup", "get the cups", "get the plate"))
    assert choose(scores[:1], [cup], 0.4) == [(0, 0)]
    assert choose(scores[:1], [cup], 0.95) == [(0, 0)]  # whether it is in view is for others to say
    assert choose(scores[:1], [cups], 0.4) == [(0, 0), (0, 3), (0, 1)]
    assert choose(scores[:1], [replace(cups, number=2)], 0.4) == [(0, 0), (0, 3)]
    assert choose(scores, [cup, plate], 0.25) == [(0, 0), (1, 1)]
    assert choose(scores, [cups, plate], 0.4) == [(0, 0), (0, 3), (0, 1)]
    assert choose(scores, [cups, plate], 0.95) == [(0, 0)]


# -- loading -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, snapshot: Callable[[str], Path]) -> Path:
    return Path(shutil.copytree(snapshot("CIDAS/clipseg-rd64-refined"), tmp_path / "clipseg"))


def test_a_folder_in_the_layout_of_transformers(loaded: dict[str, Segmenter], folder: Path) -> None:
    image = noise(60, 80)
    answer = Segmenter.from_pretrained(folder, device="cpu").segment(image, LONG)
    np.testing.assert_array_equal(answer.probability, loaded["clipseg"].segment(image, LONG).probability)


def test_a_hub_id(loaded: dict[str, Segmenter]) -> None:
    answer = Segmenter.from_pretrained("facebook/sam3", device="cpu").segment(noise(60, 80), LONG)
    assert answer.score == loaded["sam3"].segment(noise(60, 80), LONG).score


def test_a_folder_that_names_detector_and_segmenter(tmp_path: Path, snapshot: Callable[[str], Path]) -> None:
    shutil.copytree(snapshot("IDEA-Research/grounding-dino-tiny"), tmp_path / "detector")
    values = {"model_type": "grounded_sam2", "detector": "detector", "image_size": 256, "present_threshold": 0.4}
    (tmp_path / "config.json").write_text(json.dumps(values))
    segmenter = Segmenter.from_pretrained(tmp_path, device="cpu")  # SAM 2 from the cache
    assert segmenter.defaults.present_threshold == 0.4
    assert segmenter.segment(noise(60, 80), LONG).mask.shape == (60, 80)
    (tmp_path / "config.json").write_text(json.dumps(values | {"detecter": "x"}))
    with pytest.raises(WeightsError, match="unknown field 'detecter'"):
        load_model(tmp_path)


def test_what_is_not_in_the_cache_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=r"CIDAS/clipseg-rd64-refined.* HF_HUB_OFFLINE is set; .* copy the cache"):
        load_model("clipseg")


def test_missing_weights_are_not_made_up(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights.pop("decoder.film_mul.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks 1 weights of CLIPSeg.*decoder\.film_mul\.weight"):
        load_model(folder)


def test_damaged_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="not a readable checkpoint of CLIPSeg"):
        load_model(folder)


def test_a_pickle_is_not_read(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="not a readable checkpoint of CLIPSeg"):
        load_model(folder)


@pytest.mark.parametrize(
    ("files", "message"),
    [(("vocab.json", "merges.txt"), "has no tokenizer"), (("preprocessor_config.json",), "no image_mean")],
)
def test_missing_files(folder: Path, files: tuple[str, ...], message: str) -> None:
    for name in files:
        (folder / name).unlink()
    with pytest.raises(WeightsError, match=message):
        load_model(folder)


def test_a_version_of_transformers_without_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdsm_ros.checkpoints.public_weights.transformers.Sam3Model", None)
    with pytest.raises(WeightsError, match=r"Sam3Model is not in transformers .*; install a newer one"):
        load_model("sam3")


def test_one_stage_has_no_refinement_steps() -> None:
    with pytest.raises(ConfigError, match="num_inference_steps is 4, expected 0"):
        GroundedSAM2Config(num_inference_steps=4)


@pytest.mark.parametrize("name", NAMES)
def test_detectors_find_every_object_of_a_noun_for_relations(
    loaded: dict[str, Segmenter], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter, image = loaded[name], noise(120, 160)
    assert segmenter.finds_objects == (name in DETECTORS)
    monkeypatch.setattr(segmenter.model, "config", replace(segmenter.model.config, present_threshold=0.0))
    found = NounFinder(segmenter, image, segmenter.defaults.updated(present_threshold=0.0))("side table")
    if name in DETECTORS:
        assert len(found) > 1
        assert {instance.name for instance in found} == {"side table"}
