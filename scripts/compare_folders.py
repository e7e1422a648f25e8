"""Compares the folders that two runs of a command have written; see kill_again.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TIMES = ("seconds", "latency", "latencies")  # ends of JSON's keys


def content(path: Path) -> Any:
    """What has to be equal of a file."""
    if path.suffix == ".html" or path.name.startswith("events.out.tfevents"):
        return None
    if path.suffix == ".pt":
        return plain(_checkpoint(path))
    if path.suffix == ".json":
        return without_times(json.loads(path.read_bytes()))
    if path.suffix == ".jsonl":
        return [without_times(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return path.read_bytes()


def _checkpoint(path: Path) -> Any:
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


def plain(value: Any) -> Any:
    """A checkpoint in which tensors are type, shape and bytes, so that == compares every bit."""
    import torch

    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.contiguous().flatten().view(torch.uint8).numpy().tobytes()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def without_times(value: Any) -> Any:
    """JSON without the keys that give times."""
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if not str(key).endswith(TIMES)}
    if isinstance(value, list):
        return [without_times(inner) for inner in value]
    return value


def names(folder: Path) -> set[str]:
    """Files and folders below a folder; TensorBoard's events, whose names hold times and process ids, are one."""
    found = (path.relative_to(folder) for path in folder.rglob("*"))
    return {str(path.with_name("events") if path.name.startswith("events.out.tfevents") else path) for path in found}


def differences(whole: Path, place: Path) -> list[str]:
    """What is in one folder alone, or is not the same in both."""
    expected, found = names(whole), names(place)
    different = [f"{name} is missing" for name in sorted(expected - found)]
    different += [f"{name} is left over" for name in sorted(found - expected)]
    for name in sorted(expected & found):
        if (whole / name).is_file() and content(whole / name) != content(place / name):
            different.append(f"{name} differs")
    return different
