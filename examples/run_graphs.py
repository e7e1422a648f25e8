"""Runs an exported model without mdsm_ros: NumPy, ONNX Runtime, tokenizers and Pillow.

    mdsm export mdsm-small --out exported
    python examples/run_graphs.py exported photo.jpg "get the red cup on the table" --out overlay.png

The same steps in another language need config.json, graphs.json, tokenizer.json and the four graphs. This example draws
other noise than mdsm_ros for the refinement, so its refined masks differ from those of mdsm_ros a little.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image
from tokenizers import Tokenizer


class Graphs:
    """The four graphs of a folder: text, initial, condition, step."""

    def __init__(self, folder: Path) -> None:
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text())
        self.manifest: dict[str, Any] = json.loads((folder / "graphs.json").read_text())
        files = self.manifest["graphs"].items()
        self.sessions = {name: onnxruntime.InferenceSession(folder / file) for name, file in files}
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(self.config["max_tokens"])

    def run(self, graph: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """The outputs of a graph, in the order of the manifest."""
        names = self.manifest["inputs"][graph]
        return list(self.sessions[graph].run(None, dict(zip(names, inputs, strict=True))))


def read_text(graphs: Graphs, instruction: str) -> tuple[np.ndarray, np.ndarray]:
    """Language features (1, T, D) and the mask of the tokens (1, T)."""
    found = graphs.tokenizer.encode(instruction).ids
    ids, mask = np.zeros((2, 1, graphs.config["max_tokens"]), np.int64)
    ids[0, : len(found)], mask[0, : len(found)] = found, 1
    return graphs.run("text", ids, mask)[0], mask


def resized(maps: np.ndarray, width: int, height: int) -> np.ndarray:
    """A map (h, w) as (height, width), bilinear."""
    return np.asarray(Image.fromarray(maps).resize((width, height), Image.Resampling.BILINEAR))


def refine(graphs: Graphs, logits: np.ndarray, condition: np.ndarray, text: tuple[np.ndarray, ...]) -> np.ndarray:
    """DDIM steps from the initial mask: noise is added, and the step graph predicts the clean mask from it."""
    steps, start = graphs.config["num_inference_steps"], graphs.config["start_timestep"]
    alphas = np.array(graphs.manifest["alphas_cumprod"], np.float32)
    total = max(steps, round(steps * len(alphas) / start))
    timesteps = (np.round(np.arange(len(alphas), 0, -len(alphas) / total)) - 1).astype(np.int64)[total - steps :]
    side = condition.shape[-1]
    clean = np.tanh(resized(logits[0, 0], side, side)[None, None] / 2)
    noise = np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    left = alphas[timesteps[0]]
    noisy = np.sqrt(left) * clean + np.sqrt(1 - left) * noise
    for timestep in timesteps:
        (logits,) = graphs.run("step", noisy, np.array([timestep]), condition, *text)
        clean, left = np.tanh(logits / 2), alphas[timestep]
        earlier = timestep - len(alphas) // total
        left_then = alphas[earlier] if earlier >= 0 else np.float32(1)
        rest = (noisy - np.sqrt(left) * clean) / np.sqrt(1 - left)
        noisy = np.sqrt(left_then) * clean + np.sqrt(1 - left_then) * rest
    return logits


def part_around(marked: np.ndarray, factor: float | None, least: float) -> tuple[int, int, int]:
    """First row, first column and side, in cells, of the part of the image that is looked at again; or of all of it."""
    cells = len(marked)
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    if factor is None or not len(rows):
        return 0, 0, cells
    box = (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)
    side = max(round(factor * max(last - first for first, last in box)), int(np.ceil(least * cells)))
    if side > 0.9 * cells:
        return 0, 0, cells
    row, column = (int(np.clip((first + last - side) // 2, 0, cells - side)) for first, last in box)
    return row, column, side


def initial(graphs: Graphs, picture: Image.Image, text: tuple[np.ndarray, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The model's input (1, 3, S, S), and what the first stage finds in it: mask, presence and features."""
    side = graphs.config["image_size"]
    small = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR), np.float32)
    image = (small / 255).transpose(2, 0, 1)[None].copy()
    return image, graphs.run("initial", image, *text)


def segment(graphs: Graphs, picture: Image.Image, instruction: str) -> tuple[np.ndarray, float]:
    """The probability of each pixel (H, W), and the score that the target is in view."""
    text = read_text(graphs, instruction)
    image, (logits, present, *maps) = initial(graphs, picture, text)
    found = resized(logits[0, 0], *picture.size)
    if graphs.config["num_inference_steps"]:
        threshold = np.log(graphs.config["mask_threshold"] / (1 - graphs.config["mask_threshold"]))
        cells, least = logits.shape[-1], max(0.25, graphs.config["image_size"] / (2 * min(picture.size)))
        row, column, side = part_around(logits[0, 0] >= threshold, graphs.config.get("refiner_zoom"), least)
        edges = (column, row, column + side, row + side)
        left, top, right, bottom = (round(edge * picture.size[i % 2] / cells) for i, edge in enumerate(edges))
        if side < cells:  # a second look: the part is enlarged, and the two masks are averaged
            first = resized(np.ascontiguousarray(logits[0, 0, row : row + side, column : column + side]), cells, cells)
            image, (second, _, *maps) = initial(graphs, picture.crop((left, top, right, bottom)), text)
            logits = (first + second) / 2
        (condition,) = graphs.run("condition", image, logits, *maps)
        refined = refine(graphs, logits, condition, text)
        found = found.copy()
        found[top:bottom, left:right] = resized(refined[0, 0], right - left, bottom - top)
    return 1 / (1 + np.exp(-found)), float(1 / (1 + np.exp(-present[0])))


def main() -> None:
    """Prints the score, and writes the image with the mask in red."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder that mdsm export wrote")
    parser.add_argument("image", type=Path)
    parser.add_argument("instruction")
    parser.add_argument("--out", type=Path, default=Path("overlay.png"))
    args = parser.parse_args()
    picture, graphs = Image.open(args.image).convert("RGB"), Graphs(args.folder)
    probability, score = segment(graphs, picture, args.instruction)
    present = score >= graphs.config["present_threshold"]
    mask = (probability >= graphs.config["mask_threshold"]) & present
    pixels = np.array(picture)
    pixels[mask] = pixels[mask] // 2 + np.array([127, 0, 0], np.uint8)
    Image.fromarray(pixels).save(args.out)
    print(f"score {score:.2f}, {'in' if present else 'not in'} view, {int(mask.sum())} pixels; {args.out}")


if __name__ == "__main__":
    main()
