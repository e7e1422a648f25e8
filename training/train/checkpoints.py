"""Training checkpoints: written atomically, and never with numbers that are not finite."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from mdsm_ros.errors import StorageError, TrainingError, WeightsError
from mdsm_ros.files import whole_file

SKIPPED_AT_MOST = 3  # steps in a row whose gradient is not finite
SKIPPED_WHILE_SCALING = 20  # the same where a gradient scaler looks for its scale


class Watch:
    """Counts steps skipped because their gradient was not finite, and ends a run of only such steps.

    Args:
        scaling: Whether a gradient scaler is used, which skips steps itself until its scale fits.
    """

    def __init__(self, scaling: bool) -> None:
        self._most = SKIPPED_WHILE_SCALING if scaling else SKIPPED_AT_MOST
        self._skipped = 0

    def note(self, step: int, norm: torch.Tensor, loss: torch.Tensor) -> bool:
        """Whether a step may be taken.

        Args:
            step: Number of the step, from 0.
            norm: Norm of the step's gradient, the same on all processes.
            loss: Loss of the step, for the message.

        Raises:
            TrainingError: Too many steps in a row were skipped.
        """
        if bool(torch.isfinite(norm)):
            self._skipped = 0
            return True
        self._skipped += 1
        if self._skipped >= self._most:
            raise TrainingError(
                f"step {step + 1}: the gradient is {float(norm)} and the loss {float(loss):.4g}, for {self._skipped} "
                "steps in a row, expected finite numbers. A lower learning_rate, more warmup_steps, or mixed_precision "
                "bf16 or no may help"
            )
        return False

    def expect_sound(self, step: int) -> None:
        """Checks the state before a checkpoint.

        Raises:
            TrainingError: The last step was skipped, so the weights may be unusable.
        """
        if self._skipped and self._most == SKIPPED_AT_MOST:
            raise TrainingError(f"step {step}: the gradient is not finite, expected finite numbers before a checkpoint")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a checkpoint of this package.

    Raises:
        WeightsError: The file is damaged.
    """
    try:
        # each takes to its device what it loads
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's readers of damaged files fail in many ways
        raise WeightsError(
            f"checkpoint {path} cannot be read ({type(error).__name__}), expected one that mdsm-train wrote; without "
            f"--resume, training starts from the beginning"
        ) from error
    if not isinstance(content, dict) or "step" not in content:
        raise WeightsError(f"checkpoint {path} holds {type(content).__name__}, expected one that mdsm-train wrote")
    return content


def write_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint atomically: a kill or a full disk leaves either the old or the new one.

    Raises:
        TrainingError: A number in it is not finite.
        StorageError: The disk is full, or the folder cannot be written.
    """
    size = 0
    for name, tensor in _tensors(content, ""):
        size += tensor.numel() * tensor.element_size()
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise TrainingError(f"{name} holds numbers that are not finite, so {path.name} is not written")
    try:
        with whole_file(path) as partial, partial.open("wb") as file:
            torch.save(content, file)
    except (OSError, RuntimeError) as error:  # torch's zip writer knows no better than "unexpected pos"
        kept = f"; the earlier one in {path} is kept, and --resume continues from it" if path.exists() else ""
        raise StorageError(f"checkpoint {path} cannot be written: {_reason(path.parent, size, error)}{kept}") from error


def _reason(folder: Path, size: int, error: BaseException) -> str:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return str(error)
    needed = f"about {size / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are free"
    return f"the disk is full ({needed})" if free < 1.05 * size + 2**20 else f"{error} ({needed})"


def _tensors(content: object, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(content, torch.Tensor):
        yield name, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _tensors(value, f"{name}.{key}" if name else str(key))
    elif isinstance(content, list | tuple):
        for number, value in enumerate(content):
            yield from _tensors(value, f"{name}.{number}")
