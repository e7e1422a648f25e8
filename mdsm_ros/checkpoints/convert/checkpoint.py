"""Reading foreign checkpoints, and loading one into a model with no tensor left over on either side."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mdsm_ros.checkpoints.tensor_files import load_content
from mdsm_ros.errors import WeightsError
from mdsm_ros.foreign import shown


@dataclass(frozen=True)
class Source:
    """A tensor of a foreign checkpoint, prepared for a model.

    Attributes:
        key: Name of the tensor in the checkpoint.
        value: Tensor in the model's layout.
    """

    key: str
    value: torch.Tensor


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a ``.pth`` file: tensors, plain values and an ``argparse.Namespace``; nothing in it can run code.

    Raises:
        WeightsError: The file is missing or damaged, or contains anything else.
    """
    content = load_content(path)
    if not isinstance(content, dict):
        raise WeightsError(f"checkpoint {path} holds {type(content).__name__}, expected a dictionary")
    return content


def tensors(content: Mapping[str, Any], name: str) -> dict[str, torch.Tensor]:
    """The state dictionary stored under a name.

    Raises:
        WeightsError: There is no state dictionary of that name.
    """
    state = content.get(name)
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        found = ", ".join(shown(key) for key in list(content)[:10])
        raise WeightsError(f"checkpoint has no state dictionary {name!r}, found {found}")
    return state


def option(content: Mapping[str, Any], name: str, default: Any) -> Any:
    """An option of the training script that wrote the checkpoint, if it was stored."""
    return getattr(content.get("args"), name, default)


def translate(
    state: Mapping[str, torch.Tensor],
    rules: Sequence[tuple[str, str]],
    convert: Callable[[str, torch.Tensor], torch.Tensor],
) -> dict[str, Source]:
    """Renames tensors to the names in this package.

    Args:
        state: Tensors by foreign name.
        rules: Pattern of the whole foreign name, and the name in this package.
        convert: Function that converts a tensor to this package's layout.

    Raises:
        WeightsError: No rule matches a name.
    """
    found: dict[str, Source] = {}
    for key, value in state.items():
        match = next(((m, ours) for theirs, ours in rules if (m := re.fullmatch(theirs, key))), None)
        if match is None:
            raise WeightsError(f"{key} of the checkpoint has no place in the model")
        found[match[0].expand(match[1])] = Source(key, convert(key, value))
    return found


def fill(model: nn.Module, sources: Mapping[str, Source], ours: tuple[str, ...]) -> None:
    """Loads the tensors of a checkpoint, given by the model's names.

    Buffers that the model computes and the checkpoint also stores must agree.

    Args:
        model: Model to fill.
        sources: Tensors by name in the model.
        ours: Prefixes of names that the checkpoint does not have; these tensors are not changed.

    Raises:
        WeightsError: A tensor is missing, has no counterpart in the model, or has another shape.
    """
    wanted = {name: value for name, value in model.state_dict().items() if not name.startswith(ours)}
    computed = {name: value for name, value in model.named_buffers() if name not in wanted}
    for name, source in sources.items():
        expected = wanted.get(name, computed.get(name))
        if expected is None:
            raise WeightsError(f"{source.key} {_shape(source.value)} of the checkpoint has no place in the model")
        if source.value.shape != expected.shape:
            raise WeightsError(f"{source.key} is {_shape(source.value)}, expected {_shape(expected)} as {name}")
        if name in computed and not torch.equal(source.value, expected):
            raise WeightsError(f"{source.key} differs from the computed buffer {name}, expected the same values")
    absent = sorted(set(wanted) - set(sources))
    if absent:
        raise WeightsError(f"the checkpoint has no tensor for {absent[0]} {_shape(wanted[absent[0]])}")
    model.load_state_dict({name: sources[name].value for name in wanted}, strict=False)


def _shape(tensor: torch.Tensor) -> str:
    return f"({', '.join(map(str, tensor.shape))})"
