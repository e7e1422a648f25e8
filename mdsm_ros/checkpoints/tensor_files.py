"""Safe reading of foreign ``.pth`` files: only tensors and plain values; no code runs, and sizes are checked."""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mdsm_ros.errors import WeightsError

TRUSTED = {"argparse.Namespace"}  # the options of training scripts, a plain record
MAX_PICKLE = 1 << 28  # bytes of the index of the tensors
MAX_DEPTH = 16  # levels of nested dictionaries and lists


def load_content(path: Path) -> Any:
    """The content of a ``.pth`` file; memory-mapped if possible, so that unused tensors are not read.

    Raises:
        WeightsError: The file is missing or damaged, or contains more than tensors, plain values and an
            ``argparse.Namespace``.
    """
    if not path.is_file():
        raise WeightsError(f"checkpoint {path} is missing, expected a .pth file")
    try:
        from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals
    except ImportError as error:  # before, weights_only could be made to run code (CVE-2025-32434)
        raise WeightsError(
            f"checkpoint {path} is not read: PyTorch {torch.__version__}, expected 2.6 or newer"
        ) from error
    try:
        zipped = zipfile.is_zipfile(path)
        if zipped:
            _check_archive(path)
        foreign = sorted(set(get_unsafe_globals_in_checkpoint(path)) - TRUSTED) if zipped else []
        with safe_globals([argparse.Namespace]):
            content = None if foreign else torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except WeightsError:
        raise
    except Exception as error:  # torch raises many types for damaged files
        raise WeightsError(
            f"checkpoint {path} cannot be read: it is damaged, or contains more than tensors and plain values "
            f"({type(error).__name__})"
        ) from error
    if foreign:
        raise WeightsError(f"checkpoint {path} is refused: it calls {foreign[0]}, which is not a tensor or plain value")
    _check_tensors(content, str(path), 0)
    return content


def load_state(path: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a ``.pth`` file that contains nothing else.

    Raises:
        WeightsError: As for :func:`load_content`, or the file contains something else.
    """
    content = load_content(path)
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()
    ):
        raise WeightsError(f"checkpoint {path} holds {type(content).__name__}, expected tensors by name")
    return content


def _check_archive(path: Path) -> None:
    """Refuses compressed entries: PyTorch stores without compression, and they could unpack to any size."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise WeightsError(f"checkpoint {path} is refused: {entry.filename} in it is compressed")
            if entry.filename.endswith(".pkl") and entry.file_size > MAX_PICKLE:
                raise WeightsError(
                    f"checkpoint {path} is refused: {entry.filename} in it has {entry.file_size} bytes, expected at "
                    f"most {MAX_PICKLE}"
                )


def _check_tensors(content: object, where: str, depth: int) -> None:
    """Refuses tensors larger than their stored bytes, which strides of 0 would allow."""
    if isinstance(content, torch.Tensor):
        if content.layout != torch.strided or content.device.type != "cpu":
            raise WeightsError(f"checkpoint {where} holds a tensor that is {content.layout} on {content.device}")
        stored = content.untyped_storage().nbytes()
        if content.numel() * content.element_size() > stored:
            raise WeightsError(f"checkpoint {where} holds a tensor of {tuple(content.shape)} over {stored} bytes")
    elif isinstance(content, Mapping | list | tuple) and depth < MAX_DEPTH:
        for value in content.values() if isinstance(content, Mapping) else content:
            _check_tensors(value, where, depth + 1)
    elif isinstance(content, Mapping | list | tuple):
        raise WeightsError(f"checkpoint {where} nests its values too deep, expected at most {MAX_DEPTH}")
