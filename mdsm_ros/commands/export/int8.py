"""Graphs whose convolutions compute with 8-bit integers: calibrated on images, and kept if they are as accurate."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mdsm_ros.checkpoints.pretrained import load_graphs
from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.dataset.metrics import iou
from mdsm_ros.errors import DatasetError, StorageError
from mdsm_ros.hub.graphs import CONDITION, INITIAL, STEP, read_manifest, write_manifest
from mdsm_ros.segmenter import Segmenter

CALIBRATED = 48  # instructions, each about another image
CHECKED = 300  # instructions
LARGEST_LOSS = 0.01  # of mIoU
QUANTIZED = (INITIAL, CONDITION, STEP)
FLOAT_CONVOLUTIONS = 4  # at the beginning of each graph; as integers they alone cost 3.5 points (docs/export.md)

Inputs = dict[str, NDArray[Any]]


def quantize(folder: Path, data: Dataset) -> tuple[float, float, int]:
    """Replaces graphs of a model folder by ones in integers, unless mIoU falls by :data:`LARGEST_LOSS` or more.

    ONNX Runtime's static quantization: 8-bit activations with one scale each, 8-bit weights with a scale per channel.

    Args:
        folder: Model folder with graphs in float32.
        data: Dataset; its split "train" calibrates the scales, "val" measures mIoU.

    Returns:
        Refined mIoU in float32 and in integers, and the number of instructions.

    Raises:
        DatasetError: A split has no instruction whose target is in view.
        WeightsError: The folder has no graphs that fit its weights.
        StorageError: The disk is full, or the folder cannot be written.
    """
    calibrating, checking = (_some(data, split, number) for split, number in (("train", CALIBRATED), ("val", CHECKED)))
    before = _miou(_open(folder), data, checking, "float32")
    recorded = _record(folder, data, calibrating)
    manifest = read_manifest(folder)
    integers = {name: f"mdsm_{name}.int8.onnx" for name in QUANTIZED}
    try:
        with tempfile.TemporaryDirectory() as name:
            trial = Path(name) / "int8"
            shutil.copytree(folder, trial)
            for graph, file in integers.items():
                _write(trial / manifest.graphs[graph], trial / file, recorded[graph])
            write_manifest(trial, replace(manifest, graphs={**manifest.graphs, **integers}))
            after = _miou(_open(trial), data, checking, "int8")
            if before - after < LARGEST_LOSS:
                for file in integers.values():
                    shutil.copyfile(trial / file, folder / file)
                write_manifest(folder, replace(manifest, graphs={**manifest.graphs, **integers}))
                for graph in integers:  # last, so that a folder whose export is killed is whole
                    (folder / manifest.graphs[graph]).unlink()
    except OSError as error:
        raise StorageError(f"model folder {folder} cannot be written: {error}") from error
    return before, after, len(checking)


def _some(data: Dataset, split: str, number: int) -> list[Instruction]:
    """Instructions whose targets are in view, each about another image, evenly spaced."""
    found = {i.image_id: i for i in data.instructions if i.split == split and i.annotation_ids}
    if not found:
        raise DatasetError(f"{data.root} has no target in view in its split {split!r}, expected some")
    step = -(-len(found) // number)
    return list(found.values())[::step]


def _open(folder: Path) -> Segmenter:
    return Segmenter(load_graphs(folder, "onnx", "cpu", local_files_only=True), str(folder), "cpu")


def _miou(segmenter: Segmenter, data: Dataset, instructions: Sequence[Instruction], name: str) -> float:
    with closing(segmenter):
        answers = (segmenter.segment(data.image(i.image_id), i.text, present_threshold=0.0) for i in instructions)
        shown = tqdm(answers, desc=name, total=len(instructions), unit="instruction", disable=None)
        pairs = zip(shown, instructions, strict=True)
        return float(np.mean([iou(answer.mask, data.mask(instruction)) for answer, instruction in pairs]))


def _record(folder: Path, data: Dataset, instructions: Sequence[Instruction]) -> dict[str, list[Inputs]]:
    """The inputs that each graph gets while the model answers."""
    recorded: dict[str, list[Inputs]] = defaultdict(list)

    def observe(graph: str, inputs: Inputs) -> None:
        recorded[graph].append({name: value.copy() for name, value in inputs.items()})

    model = load_graphs(folder, "onnx", "cpu", local_files_only=True)
    model.observer = observe  # type: ignore[attr-defined]
    with closing(Segmenter(model, str(folder), "cpu")) as segmenter:
        for instruction in tqdm(instructions, desc="calibrating", unit="instruction", disable=None):
            segmenter.segment(data.image(instruction.image_id), instruction.text, present_threshold=0.0)
    return recorded


def _write(source: Path, target: Path, inputs: Sequence[Inputs]) -> None:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._rest: Iterator[Inputs] = iter(inputs)

        def get_next(self) -> Inputs | None:
            return next(self._rest, None)

    folded = target.with_suffix(".folded")
    quant_pre_process(str(source), str(folded), skip_symbolic_shape=True)
    convolutions = [node.name for node in onnx.load(str(folded)).graph.node if node.op_type == "Conv"]
    quantize_static(
        str(folded),
        str(target),
        Reader(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=convolutions[:FLOAT_CONVOLUTIONS],
    )
    folded.unlink()
