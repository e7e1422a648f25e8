"""Latency of a Segmenter on this machine."""

from __future__ import annotations

import numpy as np

from mdsm_ros.segmenter import Segmenter

INSTRUCTION = "Go to the living room and get the pillow on the couch nearest to the radio."
IMAGE_SIZE = (480, 640)  # (height, width) of most robot cameras


def latency_table(segmenter: Segmenter, *, runs: int, num_inference_steps: int | None = None) -> str:
    """Answers ``runs`` frames of noise after a warm-up; a Markdown table of milliseconds."""
    frames = np.random.default_rng(0).integers(0, 256, (runs, *IMAGE_SIZE, 3), dtype=np.uint8)
    segmenter.warm_up(IMAGE_SIZE)
    milliseconds: dict[str, list[float]] = {}
    for frame in frames:
        for answer in segmenter.stream(frame, INSTRUCTION, num_inference_steps=num_inference_steps):
            milliseconds.setdefault(answer.stage, []).append(1000 * answer.timings["total"])
    lines = [
        f"{segmenter.name} on {segmenter.device}, {runs} frames of {IMAGE_SIZE[1]}x{IMAGE_SIZE[0]}",
        "",
        "| answer | p50 (ms) | p95 (ms) | max (ms) |",
        "|---|---|---|---|",
    ]
    for stage, values in milliseconds.items():
        p50, p95 = np.percentile(values, [50, 95])
        lines.append(f"| {stage} | {p50:.1f} | {p95:.1f} | {max(values):.1f} |")
    return "\n".join(lines)
