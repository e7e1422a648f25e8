"""The memory that a model needs for an answer: its weights, and what PyTorch allocates beside them at most."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.segmenter import Segmenter

IMAGE_SIZE = (240, 320)  # (height, width) of the homes
INSTRUCTION = "Go to the living room and get the pillow on the couch nearest to the radio."
MEBIBYTE = 2**20


def peak_bytes(call: Callable[[], Any]) -> int:
    """The largest amount of CPU memory that PyTorch has allocated at once since the begin of a call, in bytes.

    Unlike the memory of the process, it does not depend on what ran before.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # silent; its profiler looks for GPUs and complains about none
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recording:
        call()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        recording.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    changes = sorted((e["ts"], e["args"]["Bytes"]) for e in events if e.get("name") == "[memory]")
    return max(0, int(np.cumsum([0, *(size for _, size in changes)]).max()))


def weight_bytes(module: nn.Module) -> int:
    """The size of a module's parameters and buffers in bytes."""
    return sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))


def answer_memory(segmenter: Segmenter, settings: InferenceSettings) -> float:
    """The peak of memory while a model answers, with its weights, in MiB; on a GPU, of the GPU's memory.

    Args:
        segmenter: Segmenter of the model.
        settings: Settings of the answer.
    """
    frame = np.zeros((*IMAGE_SIZE, 3), dtype=np.uint8)

    def answer() -> None:
        segmenter.segment(frame, INSTRUCTION, settings)

    if segmenter.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(segmenter.device)
        answer()
        return torch.cuda.max_memory_allocated(segmenter.device) / MEBIBYTE
    model: Any = segmenter.model
    return (weight_bytes(model) + peak_bytes(answer)) / MEBIBYTE
