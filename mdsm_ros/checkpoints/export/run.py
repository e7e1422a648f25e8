"""Writes a model folder with its graphs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mdsm_ros.checkpoints.export.linking import Place, link, places_in
from mdsm_ros.checkpoints.export.parts import Part, parts_of
from mdsm_ros.checkpoints.pretrained import load_model, model_folder
from mdsm_ros.errors import StorageError, WeightsError
from mdsm_ros.files import link_or_copy, whole_file
from mdsm_ros.hub.folder import INDEX_FILE, weight_files
from mdsm_ros.hub.graphs import Manifest, header_hash, write_manifest
from mdsm_ros.models.families import published
from mdsm_ros.models.mdsm.network import MDSM

COPIED = ("config.json", INDEX_FILE, "tokenizer.json", "tokenizer_config.json", "*.safetensors", "README.md")
PREFIX = "model."  # of the parameters' names in a traced part


def export(name: str | Path, out: Path, *, local_files_only: bool = False) -> Manifest:
    """Writes a model's folder with ONNX graphs: the same files, the four graphs, and their manifest.

    Args:
        name: Name, folder or hub id of the model.
        out: Folder to write; the model's own folder gets only the graphs.
        local_files_only: Whether to use only local files and download nothing.

    Returns:
        The manifest.

    Raises:
        WeightsError: The model cannot be found or is not an MDSM.
        StorageError: The disk is full, or the folder cannot be written.
    """
    if str(name) in published():
        raise WeightsError(f"model is {str(name)!r}, expected an MDSM; other models are not exported")
    model = load_model(name, local_files_only=local_files_only)
    if not isinstance(model, MDSM):
        raise WeightsError(f"model {str(name)!r} is of the type {model.config.model_type!r}, expected an MDSM")
    folder = model_folder(name, local_files_only=local_files_only)
    try:
        out.mkdir(parents=True, exist_ok=True)
        if out.resolve() != folder.resolve():
            _copy(folder, out)
        return write_graphs(model.eval(), out)
    except OSError as error:
        raise StorageError(f"model folder {out} cannot be written: {error}") from error


def write_graphs(model: MDSM, folder: Path) -> Manifest:
    """Adds the graphs of a model to its folder, which has its weights already.

    Raises:
        WeightsError: The folder has other weights.
        OSError: The disk is full, or the folder cannot be written.
    """
    import onnx

    places = places_in(weight_files(folder))
    graphs, inputs, outputs = {}, {}, {}
    for part in parts_of(model):
        graph = trace(part, places)
        graphs[part.name] = f"mdsm_{part.name}.onnx"
        inputs[part.name] = _shapes(graph.graph.input)
        outputs[part.name] = _shapes(graph.graph.output)
        with whole_file(folder / graphs[part.name]) as partial:
            onnx.save(graph, partial)
    headers = {place.file: "" for place in places.values()}
    headers = {file: header_hash(folder / file) for file in sorted(headers)}
    alphas = tuple(model.scheduler.alphas_cumprod.tolist())
    manifest = Manifest(graphs, inputs, outputs, headers, alphas, model.config.graph_fields())
    write_manifest(folder, manifest)
    return manifest


def trace(part: Part, places: Mapping[str, Place]) -> Any:
    """The ``onnx.ModelProto`` of a part; its weights are references to the model's files."""
    import onnx_ir
    from onnxscript import optimizer

    program = torch.onnx.export(
        part.module.eval(),
        tuple(part.inputs.values()),
        input_names=list(part.inputs),
        output_names=list(part.outputs),
        dynamo=True,
        optimize=False,
        verbose=False,
    )
    assert program is not None
    model = program.model
    initializers = model.graph.initializers
    weights = {name: value for name, value in initializers.items() if name.removeprefix(PREFIX) in places}
    # as inputs, weights are not folded into constants, which would belong to these weights alone
    for name, value in weights.items():
        initializers.pop(name)
        model.graph.inputs.append(value)
    optimizer.optimize(model)
    del model.graph.inputs[len(part.inputs) :]
    for value in weights.values():
        if value.uses():
            model.graph.register_initializer(value)
    proto = onnx_ir.to_proto(model)
    for node in proto.graph.node:
        node.ClearField("metadata_props")  # stack traces with the paths of this machine
        node.ClearField("doc_string")
        for i, input_name in enumerate(node.input):
            node.input[i] = input_name.removeprefix(PREFIX)
    for tensor in proto.graph.initializer:
        tensor.name = tensor.name.removeprefix(PREFIX)
    del proto.graph.value_info[:], proto.graph.metadata_props[:], proto.metadata_props[:]
    link(proto.graph, places)
    return proto


def _shapes(values: Any) -> dict[str, tuple[int, ...]]:
    return {value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in values}


def _copy(folder: Path, out: Path) -> None:
    for pattern in COPIED:
        for path in folder.glob(pattern):
            target = out / path.name
            if path.suffix == ".safetensors":
                link_or_copy(path, target)
            else:
                shutil.copyfile(path, target)
