"""Weights of an ONNX graph as byte ranges of .safetensors files, so that they are stored once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdsm_ros.errors import WeightsError
from mdsm_ros.hub.graphs import tensor_places

MOST_INLINE = 1 << 20  # bytes of constants in a graph, such as masks of windows; more would be a weight


@dataclass(frozen=True)
class Place:
    """The place of a tensor in a .safetensors file.

    Attributes:
        file: Name of the file.
        dtype: Type of the numbers in the file, in the words of safetensors.
        shape: Shape of the tensor.
        offset: First byte in the file.
        length: Number of bytes.
    """

    file: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int


def places_in(files: list[Path]) -> dict[str, Place]:
    """The places of all tensors of a model, by name.

    Raises:
        WeightsError: A file is not a safetensors file.
    """
    return {name: Place(file.name, *place) for file in files for name, place in tensor_places(file).items()}


def link(graph: Any, places: Mapping[str, Place]) -> None:
    """Replaces the weights of an ``onnx.GraphProto`` by references to files, converted to float32 by the graph.

    Args:
        graph: Graph, changed in place. Its weights have the names of the model's parameters.
        places: Places of the model's tensors by name.

    Raises:
        WeightsError: A weight is in no file, has another shape there, or the graph holds too many constants of its own.
    """
    import onnx

    types = {
        "F32": onnx.TensorProto.FLOAT,
        "F16": onnx.TensorProto.FLOAT16,
        "BF16": onnx.TensorProto.BFLOAT16,
        "I64": onnx.TensorProto.INT64,
    }
    kept, linked, casts = [], [], []
    for tensor in graph.initializer:
        place = places.get(tensor.name)
        if place is None:
            kept.append(tensor)
            continue
        if tuple(tensor.dims) != place.shape:
            raise WeightsError(f"{tensor.name} is {tuple(tensor.dims)} in the graph, expected {place.shape}")
        stored = types[place.dtype]
        name = tensor.name if stored == tensor.data_type else f"{tensor.name}.stored"
        linked.append(_reference(onnx, name, stored, place))
        if stored != tensor.data_type:
            casts.append(onnx.helper.make_node("Cast", [name], [tensor.name], to=tensor.data_type))
    inline = sum(len(tensor.raw_data) for tensor in kept)
    if inline > MOST_INLINE:
        largest = max(kept, key=lambda tensor: len(tensor.raw_data))
        raise WeightsError(f"{largest.name} is in no file of weights, and a graph holds at most {MOST_INLINE} bytes")
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend([*kept, *linked])
    graph.node.extend(nodes)


def _reference(onnx: Any, name: str, stored: int, place: Place) -> Any:
    tensor = onnx.TensorProto(name=name, data_type=stored, dims=place.shape)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", place.file), ("offset", place.offset), ("length", place.length)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return tensor
