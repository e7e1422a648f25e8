"""The ONNX graphs of a model folder, and the manifest that describes them. Needs neither PyTorch nor a runtime.

The graphs hold the operations and small constants. Their weights are ONNX external data: each weight is a range of
bytes of the folder's own .safetensors files, so the folder has its weights once. New weights of the same sizes need no
new graphs, because the ranges stay the same; a hash of the files' headers says whether they did. The noise schedule
and everything that is traced belong to the graphs, not to config.json: the manifest says what config.json was then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mdsm_ros.errors import WeightsError
from mdsm_ros.files import write_json
from mdsm_ros.foreign import check_fields, check_keys, inside, parse_json, read_json, shown

MANIFEST_FILE = "graphs.json"
FORMAT = 1
TEXT, INITIAL, CONDITION, STEP = "text", "initial", "condition", "step"
GRAPHS = (TEXT, INITIAL, CONDITION, STEP)
LONGEST_HEADER = 100_000_000  # bytes, the limit of safetensors itself


@dataclass(frozen=True)
class Manifest:
    """What a program needs to run the graphs, besides the configuration and the tokenizer.

    Attributes:
        graphs: File of each of the four graphs; empty if the model has no such graph.
        inputs: Names of each graph's inputs, in order, with their shapes.
        outputs: Names of each graph's outputs, in order, with their shapes.
        headers: SHA-256 of the header of each .safetensors file that the graphs read.
        alphas_cumprod: Remaining fraction of the signal's variance at each training timestep.
        config: Fields of the configuration that became part of the graphs.
        format: Version of this format.

    Raises:
        WeightsError: A field has a wrong value.
    """

    graphs: Mapping[str, str]
    inputs: Mapping[str, Mapping[str, tuple[int, ...]]]
    outputs: Mapping[str, Mapping[str, tuple[int, ...]]]
    headers: Mapping[str, str]
    alphas_cumprod: tuple[float, ...]
    config: Mapping[str, Any]
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise WeightsError(f"format is {shown(self.format)}, expected {FORMAT}")
        for name in ("graphs", "inputs", "outputs"):
            check_keys(getattr(self, name), GRAPHS, name, WeightsError)


def has_graphs(folder: Path) -> bool:
    """Whether a model folder holds graphs."""
    return (folder / MANIFEST_FILE).is_file()


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a model folder, and checks that its files are there and fit the weights.

    Raises:
        WeightsError: The manifest or a graph is missing or damaged, or the weights were saved with other sizes since.
    """
    path = folder / MANIFEST_FILE
    values = read_json(path, WeightsError, f"the graphs that mdsm export {folder} --out {folder} writes")
    fields = Manifest.__dataclass_fields__
    try:
        values = check_keys(values, [name for name in fields if name != "format"], str(path), WeightsError)
    except WeightsError as error:
        raise WeightsError(f"{error}; {_anew(folder)}") from error
    known = {name: value for name, value in values.items() if name in fields}
    try:
        check_fields(Manifest, known, WeightsError)
        manifest = Manifest(**known)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    for name in manifest.graphs.values():
        if not inside(folder, name, WeightsError).is_file():
            raise WeightsError(f"{folder / name} is missing, which {MANIFEST_FILE} names")
    for name, expected in manifest.headers.items():
        if header_hash(inside(folder, name, WeightsError)) != expected:
            raise WeightsError(f"{folder / name} has other tensors than when the graphs were made; {_anew(folder)}")
    return manifest


def check_config(folder: Path, manifest: Manifest, config: Mapping[str, Any]) -> None:
    """Checks that a model's configuration is the one of its graphs.

    Args:
        folder: Model folder, for the error.
        manifest: Its manifest.
        config: Fields of its configuration that become part of graphs.

    Raises:
        WeightsError: A field was changed since the graphs were made.
    """
    for name in sorted(config.keys() | manifest.config.keys()):
        value, then = (fields.get(name) for fields in (config, manifest.config))
        if value != then:
            raise WeightsError(
                f"{name} of {folder} is {shown(value)}, but its graphs were made with {shown(then)}; {_anew(folder)}"
            )


def _anew(folder: Path) -> str:
    return f"make new ones with: mdsm export {folder} --out {folder}"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest completely or not at all.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    write_json(folder / MANIFEST_FILE, asdict(manifest), indent=1)


def header_hash(path: Path) -> str:
    """SHA-256 of a .safetensors file's header, which says where each tensor lies.

    Raises:
        WeightsError: The file is missing or is not a safetensors file.
    """
    return hashlib.sha256(_header(path)).hexdigest()


def tensor_places(path: Path) -> dict[str, tuple[str, tuple[int, ...], int, int]]:
    """Type, shape, first byte in the file and number of bytes of each tensor of a .safetensors file.

    Raises:
        WeightsError: The file is missing or is not a safetensors file.
    """
    header = _header(path)
    entries: dict[str, Any] = parse_json(header, path, WeightsError)
    begin = 8 + len(header)
    return {
        name: (entry["dtype"], tuple(entry["shape"]), begin + first, end - first)
        for name, entry in entries.items()
        if name != "__metadata__"
        for first, end in (entry["data_offsets"],)
    }


def _header(path: Path) -> bytes:
    try:
        with path.open("rb") as content:
            length = int.from_bytes(content.read(8), "little")
            if length > LONGEST_HEADER:
                raise WeightsError(f"{path} is not a readable safetensors file")
            return content.read(length)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error
