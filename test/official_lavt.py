"""A checkpoint in the layout of the official LAVT code, and what such a model answers, computed from the formulas.

The names and shapes are those of github.com/yz93/LAVT-RIS, and so is that grids are padded before they are shifted. The
functions are float64, know only those names, and follow the papers: windows, shift and masking of Swin (arXiv
2103.14030, section 3.2), fusion and decoder of LAVT (arXiv 2112.02244, section 3). Attention is dense here, with
everything outside a window masked out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

State = dict[str, torch.Tensor]
Shapes = dict[str, tuple[int, ...]]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Sizes:
    """Of an official model; the windows of the default divide no stage's grid, so that all of them are padded."""

    image: int = 160
    dim: int = 8
    depths: tuple[int, ...] = (2, 2, 3, 2)
    heads: tuple[int, ...] = (2, 2, 4, 4)
    window: int = 3
    vocabulary: int = 13
    language: int = 64
    bert_layers: int = 2
    positions: int = 512

    def shapes(self) -> Shapes:
        """Of the state dictionary ``model``."""
        c, window = self.dim, self.window
        found: Shapes = {"backbone.patch_embed.proj.weight": (c, 3, 4, 4), "backbone.patch_embed.proj.bias": (c,)}
        found |= _norm("backbone.patch_embed.norm", c)
        for i, depth in enumerate(self.depths):
            width, stage = c << i, f"backbone.layers.{i}"
            for j in range(depth):
                block = f"{stage}.blocks.{j}"
                found |= _norm(f"{block}.norm1", width) | _norm(f"{block}.norm2", width)
                found[f"{block}.attn.relative_position_bias_table"] = ((2 * window - 1) ** 2, self.heads[i])
                found[f"{block}.attn.relative_position_index"] = (window**2, window**2)
                found |= _linear(f"{block}.attn.qkv", width, 3 * width) | _linear(f"{block}.attn.proj", width, width)
                found |= _linear(f"{block}.mlp.fc1", width, 4 * width) | _linear(f"{block}.mlp.fc2", 4 * width, width)
            for name in ("vis_project.0", "project_mm.0", "image_lang_att.f_query.0", "image_lang_att.W.0"):
                found |= _conv1d(f"{stage}.fusion.{name}", width, width)
            for name in ("f_key", "f_value"):
                found |= _conv1d(f"{stage}.fusion.image_lang_att.{name}.0", self.language, width)
            found |= {f"{stage}.res_gate.{j}.weight": (width, width) for j in (0, 2)}
            if i < 3:
                found[f"{stage}.downsample.reduction.weight"] = (2 * width, 4 * width)
                found |= _norm(f"{stage}.downsample.norm", 4 * width)
            found |= _norm(f"backbone.norm{i}", width)
        return found | decoder_shapes([c << i for i in range(4)], 4 * c)

    def bert_shapes(self) -> Shapes:
        """Of the state dictionary ``bert_model``."""
        d, found = self.language, Shapes()
        for name, number in (("word", self.vocabulary), ("position", self.positions), ("token_type", 2)):
            found[f"embeddings.{name}_embeddings.weight"] = (number, d)
        found |= _norm("embeddings.LayerNorm", d)
        for i in range(self.bert_layers):
            layer = f"encoder.layer.{i}"
            for name in (
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
            ):
                found |= _linear(f"{layer}.{name}", d, d)
            found |= _linear(f"{layer}.intermediate.dense", d, 4 * d) | _linear(f"{layer}.output.dense", 4 * d, d)
            found |= _norm(f"{layer}.attention.output.LayerNorm", d) | _norm(f"{layer}.output.LayerNorm", d)
        return found


def decoder_shapes(channels: Sequence[int], hidden: int) -> Shapes:
    """Of the decoder, which is VPD's as well; channels of its four levels, finest first."""
    found = Shapes()
    for level, finer in ((4, channels[2]), (3, channels[1]), (2, channels[0])):
        coarse = channels[3] if level == 4 else hidden
        for number, inputs in ((1, coarse + finer), (2, hidden)):
            found[f"classifier.conv{number}_{level}.weight"] = (hidden, inputs, 3, 3)
            found |= _norm(f"classifier.bn{number}_{level}", hidden)
            found |= {f"classifier.bn{number}_{level}.running_{what}": (hidden,) for what in ("mean", "var")}
            found[f"classifier.bn{number}_{level}.num_batches_tracked"] = ()
    return found | {"classifier.conv1_1.weight": (2, hidden, 1, 1), "classifier.conv1_1.bias": (2,)}


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _conv1d(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs, 1), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def random_state(shapes: Shapes, window: int, seed: int) -> State:
    """Weights that keep the scale of what they are applied to, through rectifiers too; none is 0 or 1 by habit."""
    generator, state = torch.Generator().manual_seed(seed), State()
    for name, shape in shapes.items():
        if name.endswith("relative_position_index"):
            state[name] = relative_positions(torch.cartesian_prod(torch.arange(window), torch.arange(window)), window)
        elif name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(100_000)  # more than half precision holds
        elif name.endswith("running_var"):
            state[name] = torch.rand(shape, generator=generator) + 0.5
        else:
            inputs = max(1, int(torch.tensor(shape[1:]).prod())) if len(shape) > 1 else 4
            state[name] = torch.randn(shape, generator=generator) * (2 / inputs) ** 0.5
            if len(shape) == 1 and "norm" in name.lower() and name.endswith("weight"):
                state[name] += 1
    return state


def relative_positions(places: torch.Tensor, window: int) -> torch.Tensor:
    """Row of the bias table for each pair of places (N, 2) in a window: query minus key, the vertical one first."""
    difference = places[:, None] - places[None, :] + window - 1
    return difference[..., 0] * (2 * window - 1) + difference[..., 1]


def write_checkpoint(path: Path, sizes: Sizes, *, one: bool = False, **options: Any) -> State:
    """Writes what the training script saves, optimizer and options included.

    Args:
        path: of the file.
        sizes: of the model.
        one: the variant ``lavt_one``, with BERT inside.
        options: beside the usual ones.

    Returns:
        All tensors in the layout of ``lavt_one``.
    """
    model = random_state(sizes.shapes(), sizes.window, seed=1)
    bert = random_state(sizes.bert_shapes(), sizes.window, seed=2)
    inside = {f"text_encoder.{name}": value for name, value in bert.items()}
    used = {"img_size": sizes.image, "mha": "", "model": "lavt_one" if one else "lavt", "lr": 5e-5, "ck_bert": None}
    momentum = {"step": 7, "exp_avg": torch.zeros(2), "exp_avg_sq": torch.zeros(2)}
    content = {
        "model": model | inside if one else model,
        "optimizer": {"state": {0: momentum}, "param_groups": [{"lr": 5e-5, "betas": (0.9, 0.999), "params": [0]}]},
        "epoch": 39,
        "args": argparse.Namespace(**(used | options)),
        "lr_scheduler": {"base_lrs": [5e-5], "last_epoch": 7, "lr_lambdas": [None]},
    }
    if not one:
        content["bert_model"] = bert
    torch.save(content, path)
    return model | inside


class OfficialDecoder:
    """The decoder of LAVT and VPD in float64, on the official names."""

    def __init__(self, state: State) -> None:
        self.state = {k: v.double() if v.is_floating_point() else v for k, v in state.items()}

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """(..., inputs) -> (..., outputs); a convolution over single places is one, too."""
        y = x @ self.state[f"{name}.weight"].flatten(1).T
        return y + self.state[f"{name}.bias"] if f"{name}.bias" in self.state else y

    def decode(self, levels: list[torch.Tensor]) -> torch.Tensor:
        """Levels (B, C_i, h_i, w_i) -> probability of the object (B, h_1, w_1)."""
        x = levels[3]
        for level in (4, 3, 2):
            x = torch.cat([stretch(x, levels[level - 2].shape[-1]), levels[level - 2]], dim=1)
            for number in (1, 2):
                weight = self.state[f"classifier.conv{number}_{level}.weight"]
                x = self._batch_norm(f"classifier.bn{number}_{level}", functional.conv2d(x, weight, padding=1))
                x = x.clamp(min=0)
        logits = self.linear("classifier.conv1_1", x.permute(0, 2, 3, 1))  # (B, h, w, 2): background, object
        return logits.softmax(-1)[..., 1]

    def _batch_norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        mean, var, weight, bias = (
            self.state[f"{name}.{what}"].view(-1, 1, 1) for what in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * weight + bias


class OfficialLAVT(OfficialDecoder):
    """The model's functions in float64, on the official names."""

    def __init__(self, state: State, sizes: Sizes) -> None:
        super().__init__(state)
        self.sizes = sizes

    def layer_norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        scaled = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        return scaled * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

    def patches(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, H/4, W/4, C)."""
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))  # single precision, as in the model
        x = ((images.double() - mean) / std).unfold(2, 4, 4).unfold(3, 4, 4)  # (B, 3, h, w, 4, 4)
        weight, bias = (self.state[f"backbone.patch_embed.proj.{what}"] for what in ("weight", "bias"))
        return self.layer_norm("backbone.patch_embed.norm", torch.einsum("bchwij,ocij->bhwo", x, weight) + bias)

    def window_attention(self, name: str, x: torch.Tensor, heads: int, shift: int) -> torch.Tensor:
        """(B, h, w, C) -> (B, h, w, C): each pixel attends to the window that it is in once the grid is shifted."""
        window, (batch, height, width, channels) = self.sizes.window, x.shape
        rows, columns = (-(-side // window) * window for side in (height, width))
        padded = torch.zeros(batch, rows, columns, channels, dtype=x.dtype)
        padded[:, :height, :width] = x
        places = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))  # (N, 2)
        shifted = (places - shift) % torch.tensor([rows, columns])
        around = places < shift  # carried to the other side, where nothing of the window belongs to it
        sector = torch.cat([shifted // window, around], dim=1)
        together = (sector[:, None] == sector[None, :]).all(-1)  # (N, N)
        q, k, v = self.linear(f"{name}.qkv", padded).reshape(batch, -1, 3, heads, channels // heads).unbind(2)
        scores = torch.einsum("bnhd,bmhd->bhnm", q, k) * (channels // heads) ** -0.5
        offset = (shifted % window)[:, None] - (shifted % window)[None, :] + window - 1  # in range where together
        row = (offset[..., 0] * (2 * window - 1) + offset[..., 1]).where(together, torch.tensor(0))
        scores = scores + self.state[f"{name}.relative_position_bias_table"][row].permute(2, 0, 1)
        weights = scores.masked_fill(~together, float("-inf")).softmax(-1)
        gathered = torch.einsum("bhnm,bmhd->bnhd", weights, v).reshape(batch, rows, columns, channels)
        return self.linear(f"{name}.proj", gathered)[:, :height, :width]

    def blocks(self, stage: int, x: torch.Tensor) -> torch.Tensor:
        for j in range(self.sizes.depths[stage]):
            name = f"backbone.layers.{stage}.blocks.{j}"
            shift = self.sizes.window // 2 if j % 2 else 0
            normed = self.layer_norm(f"{name}.norm1", x)
            x = x + self.window_attention(f"{name}.attn", normed, self.sizes.heads[stage], shift)
            hidden = functional.gelu(self.linear(f"{name}.mlp.fc1", self.layer_norm(f"{name}.norm2", x)))
            x = x + self.linear(f"{name}.mlp.fc2", hidden)
        return x

    def pwam(self, stage: int, visual: torch.Tensor, words: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C), (B, T, D) and (B, T) -> (B, h, w, C)."""
        name, pixels = f"backbone.layers.{stage}.fusion", visual.flatten(1, 2)

        def over_pixels(x: torch.Tensor) -> torch.Tensor:
            return (x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()

        query = over_pixels(self.linear(f"{name}.image_lang_att.f_query.0", pixels))
        key, value = (
            self.linear(f"{name}.image_lang_att.{which}.0", words) * mask[..., None] for which in ("f_key", "f_value")
        )
        scores = query @ key.transpose(1, 2) * query.shape[-1] ** -0.5 + (mask[:, None] * 1e4 - 1e4)
        gathered = over_pixels(self.linear(f"{name}.image_lang_att.W.0", scores.softmax(-1) @ value))
        seen = functional.gelu(self.linear(f"{name}.vis_project.0", pixels))
        return functional.gelu(self.linear(f"{name}.project_mm.0", seen * gathered)).view_as(visual)

    def gate(self, stage: int, fused: torch.Tensor) -> torch.Tensor:
        name = f"backbone.layers.{stage}.res_gate"
        return torch.tanh(self.linear(f"{name}.2", self.linear(f"{name}.0", fused).clamp(min=0))) * fused

    def merge(self, stage: int, x: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C) -> (B, h/2, w/2, 2C); the four neighbours column by column."""
        name = f"backbone.layers.{stage}.downsample"
        four = torch.cat([x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)], dim=-1)
        return self.linear(f"{name}.reduction", self.layer_norm(f"{name}.norm", four))

    def levels(self, images: torch.Tensor, words: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        """What the decoder gets of each stage, (B, C_i, h_i, w_i)."""
        x, found = self.patches(images), []
        for stage in range(4):
            x = self.blocks(stage, x)
            fused = self.pwam(stage, x, words, mask)
            found.append(self.layer_norm(f"backbone.norm{stage}", fused).permute(0, 3, 1, 2))
            x = x + self.gate(stage, fused)
            x = self.merge(stage, x) if stage < 3 else x
        return found


def stretch(x: torch.Tensor, side: int) -> torch.Tensor:
    """(B, C, h, h) -> (B, C, side, side), bilinear with the corners on the corners."""
    places = torch.arange(side, dtype=x.dtype) * (x.shape[-1] - 1) / (side - 1)
    weights = (1 - (places[:, None] - torch.arange(x.shape[-1])).abs()).clamp(min=0)  # (side, h)
    return weights @ x @ weights.T
