"""The ONNX graphs of the embedded model: the same answers as PyTorch's, from the same weights, and without PyTorch."""

from __future__ import annotations

import argparse
import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import BertTokenizerFast

from mdsm_ros.checkpoints.export import run
from mdsm_ros.checkpoints.pretrained import EMBEDDED_WEIGHTS, load_graphs
from mdsm_ros.commands.export import command as export_command
from mdsm_ros.commands.export import int8
from mdsm_ros.commands.main import main
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.demo import BUNDLED_PHOTOGRAPHS
from mdsm_ros.errors import AccelerationError, DatasetError, MissingPackageError, WeightsError
from mdsm_ros.hub.graphs import MANIFEST_FILE, has_graphs, read_manifest
from mdsm_ros.inference import acceleration
from mdsm_ros.inference.backends import schedule
from mdsm_ros.inference.backends.graph_model import GraphModel
from mdsm_ros.inference.backends.noise import NoiseGenerator
from mdsm_ros.inference.backends.numpy_backend import NumpyBackend, resize_maps
from mdsm_ros.inference.backends.sessions import open_session
from mdsm_ros.inference.backends.words import read_words
from mdsm_ros.models.common import diffusion
from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.layers.ddim import DDIM
from mdsm_ros.models.mdsm import MDSM_TINY
from mdsm_ros.models.mdsm.network import MDSM
from mdsm_ros.segmenter import Segmenter
from training.train.embed import embed

ROOT = Path(__file__).resolve().parent.parent
FOLDER = EMBEDDED_WEIGHTS / "mdsm-small"
PHOTO = BUNDLED_PHOTOGRAPHS / "kitchen.jpg"
TEXTS = ("get the red cup on the table", "Go to the kitchen, then bring me the LARGEST bowl left of the oven; thanks")
CLOSE = 1e-3  # of probabilities
WITHOUT_TORCH = """
import json, sys
import without_extras
without_extras.hide(kept=["onnx"])
from mdsm_ros.commands.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]))
"""

SIGNALLED = """
import faulthandler, gc, os, signal
import numpy as np
faulthandler.enable()  # installs a stack for signals, as pytest does
from mdsm_ros.segmenter import Segmenter
from training.train.embed import embed
models = [Segmenter.from_pretrained("mdsm-small", device="cpu", acceleration="openvino") for _ in range(2)]
for model in models:
    model.segment(np.zeros((48, 64, 3), dtype=np.uint8), "get the red cup")
del model
while models:
    models.pop(0).close()
    gc.collect()
signal.signal(signal.SIGUSR1, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGUSR1)
"""


def photo() -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(PHOTO).convert("RGB"))


@pytest.fixture(scope="module")
def plain() -> Segmenter:
    return Segmenter.from_pretrained(FOLDER, device="cpu")


@pytest.fixture(scope="module", params=["onnx", "openvino"])
def accelerated(request: pytest.FixtureRequest) -> Segmenter:
    pytest.importorskip(acceleration.RUNTIMES[request.param], reason=f"needs the extra [{request.param}]")
    segmenter = Segmenter.from_pretrained(FOLDER, device="cpu", acceleration=request.param)
    assert (segmenter.acceleration, segmenter.acceleration_error) == (request.param, None)
    return segmenter


def test_graphs_answer_as_pytorch_does(plain: Segmenter, accelerated: Segmenter) -> None:
    for text in TEXTS:
        for one, other in zip(plain.stream(photo(), text), accelerated.stream(photo(), text), strict=True):
            assert other.stage == one.stage
            np.testing.assert_allclose(other.probability, one.probability, atol=CLOSE)
            assert other.probability.dtype == np.float32
            assert other.score == pytest.approx(one.score, abs=CLOSE)
            assert (other.mask != one.mask).mean() < 1e-4


def test_samples_warm_starts_and_budgets_are_those_of_pytorch(plain: Segmenter, accelerated: Segmenter) -> None:
    options: dict[str, Any] = {"num_samples": 2, "seed": 7, "warm_start": True, "num_inference_steps": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mdsm_ros.inference.refinement.warm_start.WARM_SECONDS", 1e9)  # a busy machine is slow
        answers = [[s.segment(photo(), TEXTS[0], **options) for _ in range(2)] for s in (plain, accelerated)]
    for one, other in zip(*answers, strict=True):
        assert one.uncertainty is not None
        assert other.uncertainty is not None
        for mine, theirs in ((other.probability, one.probability), (other.uncertainty, one.uncertainty)):
            np.testing.assert_allclose(mine, theirs, atol=0.05)  # at an edge; the steps amplify what is rounded
            assert np.abs(mine - theirs).mean() < CLOSE
    wanted = iter([True, False])
    stages = [a.stage for a in accelerated.stream(photo(), TEXTS[0], keep_on=lambda: next(wanted, False))]
    assert stages == ["initial"]


def test_signals_arrive_after_models_of_openvino_are_gone() -> None:
    """A process whose models went in the order in which they came was ended by its next signal, such as Ctrl-C."""
    pytest.importorskip("openvino", reason="needs the extra [openvino]")
    ended = subprocess.run([sys.executable, "-c", SIGNALLED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "heard\n"), ended.stderr


def test_a_text_in_another_language_is_not_answered(accelerated: Segmenter) -> None:
    assert accelerated.segment(photo(), "bring mir die rote tasse vom tisch").score == 0.0


def test_the_graphs_hold_no_weights_and_no_paths() -> None:
    manifest = read_manifest(FOLDER)
    files = [FOLDER / name for name in manifest.graphs.values()]
    assert sum(file.stat().st_size for file in files) < 2**20
    for file in files:
        content = file.read_bytes()
        assert b".safetensors" in content or file.stem.endswith("condition")
        assert b"site-packages" not in content
        assert str(ROOT).encode() not in content


def test_noise_is_that_of_pytorch() -> None:
    for seed in (0, 7, 2**40 + 5):
        expected = torch.randn((1, 1, 24, 24), generator=torch.Generator().manual_seed(seed)).numpy()
        np.testing.assert_allclose(NoiseGenerator(seed).normal((1, 1, 24, 24)), expected, atol=1e-5)
    with pytest.raises(ValueError, match="multiple of 16"):
        NoiseGenerator(0).normal((3, 5))


@pytest.mark.parametrize(("steps", "start"), [(1, 600), (2, 600), (4, 300), (50, 999), (5, 3)])
def test_denoising_steps_are_those_of_pytorch(steps: int, start: int) -> None:
    scheduler = DDIM(1000, "squaredcos_cap_v2")
    begin, noise = (np.random.default_rng(seed).normal(size=(2, 1, 4, 4)).astype(np.float32) for seed in (1, 2))
    ours = schedule.refine(
        lambda noisy, step: noisy * 2 + step / 500,
        scheduler.alphas_cumprod.tolist(),
        begin,
        noise,
        start,
        steps,
        lambda: True,
    )
    theirs = diffusion.refine(
        lambda noisy, step: noisy * 2 + step.view(-1, 1, 1, 1) / 500,
        scheduler,
        torch.from_numpy(begin),
        torch.from_numpy(noise),
        start,
        steps,
    )
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)


def test_tokens_are_those_of_transformers(plain: Segmenter) -> None:
    pytest.importorskip("tokenizers")
    model: Any = plain.model
    words = read_words(FOLDER, model.config)
    texts = (*TEXTS, "", "Café ÅNGSTRÖM", "杯子 拿着", "get the 🏆!", "x" * 300, "the cup " * 90)
    for text in texts:
        expected = model.tokenizer(
            [text], padding="max_length", truncation=True, max_length=model.config.max_tokens, return_tensors="np"
        )
        ids, mask = words(text)
        np.testing.assert_array_equal(ids, expected["input_ids"])
        np.testing.assert_array_equal(mask, expected["attention_mask"])
        assert words.understands(text) == model.understands(text)
    assert words.vocabulary == model.language.vocabulary


@pytest.mark.parametrize("size", [(480, 640), (7, 90), (20, 20)])
def test_masks_return_to_the_image_as_with_pytorch(size: tuple[int, int]) -> None:
    maps = np.random.default_rng(0).normal(size=(2, 1, 40, 40)).astype(np.float32) * 5
    expected = torch.nn.functional.interpolate(torch.from_numpy(maps), size=size, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(resize_maps(maps[:, 0], *size), expected[:, 0].numpy(), atol=1e-4)
    backend = NumpyBackend("cpu")
    np.testing.assert_allclose(backend.probabilities(maps, *size), expected[:, 0].sigmoid().numpy(), atol=1e-4)
    assert backend.scores(np.array([-1e4, 0.0], np.float32)) == [0.0, 0.5]
    assert np.isnan(backend.scores(np.array([np.nan], np.float32))).all()


def test_a_model_without_graphs_runs_on_pytorch_and_says_why(untrained_weights: Path) -> None:
    segmenter = Segmenter.from_pretrained(untrained_weights, device="cpu", acceleration="onnx")
    assert segmenter.acceleration == "none"
    assert "has no ONNX graphs, expected an MDSM model in a folder that mdsm export" in str(
        segmenter.acceleration_error
    )


def test_tensorrt_that_is_not_installed_is_left_out() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    if "TensorrtExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("it is installed")
    for device in ("cpu", "cuda:0"):
        with pytest.raises(AccelerationError, match=r"no TensorrtExecutionProvider, only .*install onnxruntime-gpu"):
            open_session(FOLDER / "mdsm_text.onnx", "tensorrt", device, 1)


def test_the_example_runs_the_graphs_without_this_package(plain: Segmenter) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
    example = runpy.run_path(str(ROOT / "examples" / "run_graphs.py"), run_name="example")
    probability, score = example["segment"](example["Graphs"](FOLDER), Image.fromarray(photo()), TEXTS[0])
    expected = plain.segment(photo(), TEXTS[0])
    assert score == pytest.approx(expected.score, abs=CLOSE)
    assert np.abs(probability - expected.probability).mean() < 0.02  # it draws other noise
    table = Image.open(BUNDLED_PHOTOGRAPHS / "table.jpg").convert("RGB")
    probability, _ = example["segment"](example["Graphs"](FOLDER), table, "get the chair")
    first, refined = plain.stream(np.asarray(table), "get the chair", present_threshold=0.0)
    assert refined.zoom is not None
    ours, theirs = probability >= 0.5, refined.mask
    assert (ours & theirs).sum() > 0.9 * (ours | theirs).sum()
    assert (first.mask & theirs).sum() < 0.8 * (first.mask | theirs).sum()  # the second look changed much


@pytest.mark.slow
def test_export_of_another_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module, reason="needs the extras [export] and [onnx]")
    sizes: dict[str, Any] = {"swin_depths": (1, 1, 1, 1), "bert_num_layers": 1, "refiner_channels": (32, 32)}
    config = replace(MDSM_TINY, **sizes, use_clip=False, refiner_residual=True, max_tokens=8)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "get", "the", "red", "cup"]
    MDSM(config, BertTokenizerFast(vocab={word: i for i, word in enumerate(words)})).save_pretrained(tmp_path / "a")
    out = tmp_path / "out"
    assert main(["export", str(tmp_path / "a"), "--out", str(out)]) == 0
    assert "mdsm_step.onnx: " in capsys.readouterr().out
    one, other = (Segmenter.from_pretrained(out, device="cpu", acceleration=name) for name in ("none", "onnx"))
    assert (other.acceleration, other.acceleration_error) == ("onnx", None)
    for text in ("get the red cup", "get the red cup " * 9):
        for mine, theirs in zip(other.stream(photo(), text), one.stream(photo(), text), strict=True):
            np.testing.assert_allclose(mine.probability, theirs.probability, atol=CLOSE)
    _become_integers(out, tmp_path / "boxes", one, capsys)
    one.model.save_pretrained(out)  # type: ignore[attr-defined]
    assert not list(out.glob("*.onnx"))  # saved weights leave no graphs of others behind


def _become_integers(folder: Path, boxes: Path, exact: Segmenter, capsys: pytest.CaptureFixture[str]) -> None:
    """Too inaccurate graphs are not kept; others replace those in float32, and answer nearly the same."""
    with DatasetWriter(boxes, ["box"]) as writer:
        told: dict[str, Any] = {"source": "boxes", "expressions": 1, "distractors": 0}
        for split in ("train", "val"):
            image = writer.add_image(photo())
            target = writer.add_annotation(image, "box", np.tri(*photo().shape[:2]) > 0, {})
            writer.add_instruction(image, [target], "get the red cup", split=split, **told)
    floats = read_manifest(folder).graphs
    arguments = argparse.Namespace(model=str(folder), out=folder, int8=boxes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "export", lambda *_: read_manifest(folder))
        patch.setattr(int8, "LARGEST_LOSS", -1.0)
        assert export_command.run(arguments) == export_command.NOT_KEPT
        assert "The folder keeps its float32 graphs" in capsys.readouterr().err
        assert read_manifest(folder).graphs == floats
        patch.setattr(int8, "LARGEST_LOSS", 1.0)
        assert export_command.run(arguments) == 0
    graphs = read_manifest(folder).graphs
    assert graphs == dict(floats) | {name: f"mdsm_{name}.int8.onnx" for name in ("initial", "condition", "step")}
    assert {path.name for path in folder.glob("*.onnx")} == set(graphs.values())
    assert b"DequantizeLinear" in (folder / graphs["initial"]).read_bytes()
    integers = Segmenter.from_pretrained(folder, device="cpu", acceleration="onnx")
    assert (integers.acceleration, integers.acceleration_error) == ("onnx", None)
    mine, theirs = (s.segment(photo(), "get the red cup").probability for s in (integers, exact))
    assert 0 < np.abs(mine - theirs).mean() < 0.05
    with pytest.raises(DatasetError, match="no target in view in its split 'train'"):
        int8.quantize(folder, Dataset(BUNDLED_PHOTOGRAPHS))


@pytest.mark.parametrize(("model", "text"), [("clipseg", "expected an MDSM"), ("nobody", "model is 'nobody'")])
def test_what_cannot_be_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, text: str) -> None:
    pytest.importorskip("onnxscript", reason="needs the extra [export]")
    assert main(["export", model, "--out", str(tmp_path / "out")]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "model"))


def test_graphs_that_do_not_fit_the_weights_are_refused(copy: Path) -> None:
    pytest.importorskip("onnxruntime")
    config = MDSMConfig.from_dict(json.loads((copy / "config.json").read_text()))
    GraphModel(copy, config, "onnx")
    manifest = json.loads((copy / MANIFEST_FILE).read_text())
    name = next(iter(manifest["headers"]))
    changed: Sequence[tuple[dict[str, Any], str]] = (
        ({"headers": {name: "0"}}, "has other tensors than when the graphs were made"),
        ({"headers": {"../x": "0"}}, "leads out of the folder"),
        ({"graphs": manifest["graphs"] | {"text": "gone.onnx"}}, "gone.onnx is missing"),
        ({"graphs": {}}, "graphs has no 'text'"),
        ({"format": 2}, "format is 2, expected 1"),
        ({"config": 3}, "config is 3"),
        ({"alphas_cumprod": "many"}, "alphas_cumprod is 'many'"),
    )
    for change, text in changed:
        (copy / MANIFEST_FILE).write_text(json.dumps(manifest | change))
        with pytest.raises(WeightsError, match=text):
            GraphModel(copy, config, "onnx")
    (copy / MANIFEST_FILE).write_text(json.dumps(manifest))
    (copy / manifest["graphs"]["text"]).write_bytes(b"nothing")
    with pytest.raises(AccelerationError, match="ONNX Runtime cannot load"):
        GraphModel(copy, config, "onnx")


@pytest.mark.parametrize(
    ("name", "value"), [("beta_schedule", "linear"), ("num_train_timesteps", 2000), ("prediction", "epsilon")]
)
def test_a_configuration_that_was_changed_after_the_export_is_refused(copy: Path, name: str, value: Any) -> None:
    pytest.importorskip("onnxruntime")
    values = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(values | {name: value}))
    with pytest.raises(
        WeightsError, match=rf"{name} of .* is {value!r}, but its graphs .* make new ones with: mdsm exp"
    ):
        load_graphs(copy, "onnx", "cpu")


def test_a_configuration_whose_changes_are_read_for_each_answer_is_not(copy: Path) -> None:
    pytest.importorskip("onnxruntime")
    values = json.loads((copy / "config.json").read_text())
    changes = {"start_timestep": 300, "present_threshold": 0.1, "num_inference_steps": 1, "freeze_clip": False}
    (copy / "config.json").write_text(json.dumps(values | changes))
    segmenter = Segmenter(load_graphs(copy, "onnx", "cpu"), "changed", "cpu")
    assert segmenter.segment(photo(), "get the red cup").stage == "refined"


def test_graphs_of_another_configuration_are_not_embedded_with_new_weights(copy: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(FOLDER, tmp_path / "trained", ignore=shutil.ignore_patterns("*.onnx", MANIFEST_FILE)))
    embed(model, copy)
    assert has_graphs(copy)
    values = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(values | {"beta_schedule": "linear"}))
    embed(model, copy)
    assert not has_graphs(copy)
    assert not list(copy.glob("*.onnx"))


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_graph_does_not_read_files_outside_of_its_folder(copy: Path, runtime: str) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra [export]")
    pytest.importorskip(acceleration.RUNTIMES[runtime], reason=f"needs the extra [{runtime}]")
    graph = onnx.load(copy / "mdsm_text.onnx", load_external_data=False)
    for tensor in graph.graph.initializer:
        for entry in tensor.external_data:
            entry.value = f"../model/{entry.value}" if entry.key == "location" else entry.value
    (copy.parent / "other").mkdir()
    onnx.save(graph, copy.parent / "other" / "text.onnx")
    with pytest.raises(AccelerationError, match="cannot load"):
        open_session(copy.parent / "other" / "text.onnx", runtime, "cpu", 1)


def test_what_runs_without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdsm_ros.segmenter.is_installed", lambda module: module != "torch")
    for wanted, used, reason in (
        ("none", "onnx", None),
        ("openvino", "openvino", None),
        ("half", "onnx", "acceleration 'half' needs PyTorch"),
        ("tensorrt", "onnx", "TensorrtExecutionProvider"),
    ):
        pytest.importorskip(acceleration.RUNTIMES[used])
        segmenter = Segmenter.from_pretrained("mdsm-small", acceleration=wanted)
        assert segmenter.acceleration == used
        assert (reason or "None") in str(segmenter.acceleration_error)
    with pytest.raises(WeightsError, match="'clipseg' has no ONNX graphs"):
        Segmenter.from_pretrained("clipseg")
    monkeypatch.setattr("mdsm_ros.inference.acceleration.is_installed", lambda module: False)
    with pytest.raises(MissingPackageError, match=r"needs PyTorch, or ONNX Runtime .*neither is installed"):
        Segmenter.from_pretrained("mdsm-small")


@pytest.mark.slow
def test_mdsm_segment_without_pytorch(plain: Segmenter, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
    options = ["--out", str(tmp_path / "overlay.png"), "--mask", str(tmp_path / "mask.png"), "--json"]
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "segment", str(PHOTO), TEXTS[0], *options],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "test")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answer, (code, modules) = (json.loads(line) for line in ended.stdout.splitlines()[-2:])
    assert code == 0, ended.stderr
    assert not {"torch", "transformers", "timm", "diffusers", "scipy"} & set(modules)
    expected = plain.segment(photo(), TEXTS[0])
    mask = np.asarray(Image.open(tmp_path / "mask.png")) > 0
    assert (mask != expected.mask).mean() < 1e-4
    assert answer["score"] == pytest.approx(expected.score, abs=CLOSE)
    assert (answer["present"], answer["device"]) == (expected.present, "cpu")
