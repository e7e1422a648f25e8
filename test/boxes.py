"""Pictures of coloured boxes with instructions, and a training so small that it takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.homes.shapes.parts import COLORS

PRIMARIES = ("red", "green", "blue", "yellow")
STEPS = 20
MODEL: dict[str, Any] = {
    "image_size": 64,
    "swin_embed_dim": 16,
    "swin_depths": [1, 1, 1, 1],
    "swin_num_heads": [1, 2, 4, 8],
    "swin_window_size": 4,
    "clip_image_size": 64,
    "clip_hidden_size": 32,
    "clip_num_layers": 1,
    "clip_num_heads": 2,
    "bert_hidden_size": 32,
    "bert_num_layers": 1,
    "bert_num_heads": 2,
    "vocab_size": 256,
    "decoder_channels": 16,
    "refiner_channels": [16, 16],
    "refiner_num_heads": 2,
    "num_inference_steps": 2,
}
CONFIG: dict[str, Any] = {
    "preset": "mdsm-tiny",
    "model": MODEL,
    "instructions_per_image": 2,
    "stage1": {"steps": STEPS, "images": 4, "learning_rate": 3e-3, "warmup_steps": 2, "dice_weight": 1.0},
    "stage2": {"steps": STEPS, "images": 4, "learning_rate": 3e-3, "warmup_steps": 2, "dice_weight": 1.0},
    "adam_beta2": 0.98,
    "auxiliary_weight": 0.3,
    "cache": True,
    "evaluate_steps": STEPS,
}


def write_boxes(root: Path, split: str, images: int) -> None:
    """Pictures of a wide and a high box, an instruction for each; every fifth image has one for an absent colour."""
    rng = np.random.default_rng(len(split))
    with DatasetWriter(root, ["wide box", "high box"]) as writer:
        for index in range(images):
            picture = np.full((48, 64, 3), 120, dtype=np.uint8)
            colors = rng.permutation(PRIMARIES)
            masks = np.zeros((2, 48, 64), dtype=bool)
            top, left = rng.integers(2, 20), rng.integers(2, 10)
            masks[0, top : top + 10, left : left + 22] = True
            masks[1, top : top + 24, 40 : 40 + 10] = True
            for mask, color in zip(masks, colors, strict=False):
                picture[mask] = (np.array(COLORS[color]) * 255).astype(np.uint8)
            image_id = writer.add_image(picture)
            options = {"split": split, "source": "boxes", "expressions": 1, "distractors": 0}
            for mask, color, kind in zip(masks, colors, ("wide box", "high box"), strict=False):
                target = writer.add_annotation(image_id, kind, mask, {"color": str(color)})
                writer.add_instruction(image_id, [target], f"bring me the {color} {kind}", **options)  # type: ignore[arg-type]
            if index % 5 == 0:
                writer.add_instruction(image_id, [], f"bring me the {colors[2]} box", **options)  # type: ignore[arg-type]
