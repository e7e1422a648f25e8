"""What the published grounding module computes, from its formulas, in float64, on the names of its checkpoints.

The names are those of github.com/Lipurple/Grounded-Diffusion (``grounding_module.pth``). Nothing here is that code: a
function for each operation, with the sizes of a tiny UNet. :func:`ours` gives the names in this package.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

State = dict[str, torch.Tensor]

LEVELS = ("low", "mid", "high", "highest")
EPS = 1e-4


def random_state(
    channels: Sequence[int], widths: Sequence[int], patch: int, dim: int, layers: int, feedforward: int, text: int
) -> State:
    """Random weights for each name of a checkpoint; channels and widths by level, the coarsest first."""
    generator = torch.Generator().manual_seed(5)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).double() / math.sqrt(math.prod(shape[1:]) or 1)

    state: State = {}
    for level, count, width in zip(LEVELS, channels, widths, strict=True):
        state[f"{level}_feature_conv.0.weight"] = draw(width, count, 1, 1)
    for i, level in enumerate(LEVELS[1:], start=2):
        total = sum(widths[:i])
        for number in (1, 2):
            name = f"{level}_feature_mix_conv.conv{number}"
            state |= {
                f"{name}.weight": draw(total, total, 3, 3),
                f"{name}.bias": draw(total),
                f"{name}.u0": draw(1, total),
            }
            state[f"{level}_feature_mix_conv.stored_mean{number}"] = draw(total)
            state[f"{level}_feature_mix_conv.stored_var{number}"] = draw(total).abs() + 0.5
    for i in range(layers):
        name = f"transfromer_decoder.layers.{i}"  # the checkpoint's spelling
        for attention in ("self_attn", "multihead_attn"):
            state[f"{name}.{attention}.in_proj_weight"] = draw(3 * dim, dim)
            state[f"{name}.{attention}.out_proj.weight"] = draw(dim, dim)
        state |= {f"{name}.linear1.weight": draw(feedforward, dim), f"{name}.linear1.bias": draw(feedforward)}
        state |= {f"{name}.linear2.weight": draw(dim, feedforward), f"{name}.linear2.bias": draw(dim)}
        for number in (1, 2, 3):
            state |= {f"{name}.norm{number}.weight": 1 + 0.3 * draw(dim), f"{name}.norm{number}.bias": draw(dim)}
    total = sum(widths)
    for i, out in enumerate((dim, dim, total)):
        state |= {f"mlp.layers.{i}.weight": draw(out, dim), f"mlp.layers.{i}.bias": draw(out)}
    return state | {"to_q.weight": draw(dim, text), "to_k.weight": draw(dim, patch**2 * total)}


def ours(name: str) -> str:
    """The name in this package's grounding module of a checkpoint's tensor."""
    part, _, rest = name.partition(".")
    if part.endswith("_feature_conv"):
        return f"visual.reduce.{LEVELS.index(part.split('_')[0])}.weight"
    if part.endswith("_mix_conv"):
        block = f"visual.mix.{LEVELS.index(part.split('_')[0]) - 1}"
        if rest.startswith("stored"):
            what = {"mean": "running_mean", "var": "running_var"}[rest[7:-1]]
            return f"{block}.norms.{int(rest[-1]) - 1}.{what}"
        convolution, what = rest.split(".")
        place = {"bias": "bias", "weight": "parametrizations.weight.original", "u0": "parametrizations.weight.0.u"}
        return f"{block}.convolutions.{int(convolution[-1]) - 1}.{place[what]}"
    if part == "mlp":
        _, number, what = rest.split(".")
        return f"kernel.{2 * int(number)}.{what}"
    return {"to_q": "query", "to_k": "memory", "transfromer_decoder": "decoder"}[part] + f".{rest}"


class OfficialGrounding:
    """The module's functions.

    Args:
        state: Tensors by the checkpoint's names.
        patch: Side of the patches.
        heads: Heads of the attention.
        training: Whether normalisations take the batch's statistics.
    """

    def __init__(self, state: State, patch: int, heads: int, training: bool) -> None:
        self.state, self.patch, self.heads, self.training = state, patch, heads, training

    def __call__(self, groups: Sequence[torch.Tensor], query: torch.Tensor) -> torch.Tensor:
        """Features by resolution (1, C, h, w) and the words' mean (1, D) -> logits (1, 1, h, w)."""
        pixels = self.pixels(groups)
        side = pixels.shape[-1] // self.patch
        corners = [(y * self.patch, x * self.patch) for y in range(side) for x in range(side)]
        patches = torch.stack([pixels[0, :, y : y + self.patch, x : x + self.patch].flatten() for y, x in corners])
        tokens = query @ self.state["to_q.weight"].T
        memory = patches @ self.state["to_k.weight"].T
        layer = 0
        while f"transfromer_decoder.layers.{layer}.linear1.weight" in self.state:
            tokens = self.layer(f"transfromer_decoder.layers.{layer}", tokens, memory)
            layer += 1
        for i in range(3):
            tokens = tokens @ self.state[f"mlp.layers.{i}.weight"].T + self.state[f"mlp.layers.{i}.bias"]
            tokens = tokens.relu() if i < 2 else tokens
        return (tokens[0][None, :, None, None] * pixels).sum(dim=1, keepdim=True)

    def pixels(self, groups: Sequence[torch.Tensor]) -> torch.Tensor:
        """Each level is resized to twice its size, reduced, and mixed with what the coarser ones gave."""
        finest = groups[-1].shape[-1]
        x = None
        for level, group in zip(LEVELS, groups, strict=True):
            side = min(2 * group.shape[-1], finest)
            kernel = self.state[f"{level}_feature_conv.0.weight"]
            reduced = functional.conv2d(_resized(group.double(), side), kernel)
            x = reduced if x is None else self.block(level, torch.cat([_resized(x, side), reduced], dim=1))
        assert x is not None
        return x

    def block(self, level: str, x: torch.Tensor) -> torch.Tensor:
        """The shortcut starts behind the first ReLU, which overwrites its input."""
        name = f"{level}_feature_mix_conv"
        first = self.normed(name, 1, x).relu()
        second = self.normed(name, 2, self.convolved(f"{name}.conv1", first)).relu()
        return first + self.convolved(f"{name}.conv2", second)

    def normed(self, name: str, number: int, x: torch.Tensor) -> torch.Tensor:
        mean, variance = self.state[f"{name}.stored_mean{number}"], self.state[f"{name}.stored_var{number}"]
        if self.training:
            mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
        return (x - mean[:, None, None]) / (variance[:, None, None] + EPS).sqrt()

    def convolved(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """A 3x3 convolution with its weight over the estimate of its largest singular value."""
        weight = self.state[f"{name}.weight"]
        matrix = weight.flatten(1)
        v = self.state[f"{name}.u0"][0] @ matrix
        v = v / v.norm()
        image = matrix @ v
        value = image.norm()  # u is the image's direction, so v' W' u is its length
        return functional.conv2d(x, weight / value, self.state[f"{name}.bias"], padding=1)

    def layer(self, name: str, tokens: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        normed = self.scaled(f"{name}.norm1", tokens)
        tokens = tokens + self.attention(f"{name}.self_attn", normed, normed)
        tokens = tokens + self.attention(f"{name}.multihead_attn", self.scaled(f"{name}.norm2", tokens), memory)
        hidden = self.scaled(f"{name}.norm3", tokens) @ self.state[f"{name}.linear1.weight"].T
        hidden = (hidden + self.state[f"{name}.linear1.bias"]).relu()
        return tokens + hidden @ self.state[f"{name}.linear2.weight"].T + self.state[f"{name}.linear2.bias"]

    def scaled(self, name: str, x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(-1, keepdim=True)
        deviation = (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return centred / deviation * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

    def attention(self, name: str, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        for_query, for_key, for_value = self.state[f"{name}.in_proj_weight"].chunk(3)
        q, k, v = (
            torch.unflatten(y @ w.T, 1, (self.heads, -1))
            for y, w in ((x, for_query), (seen, for_key), (seen, for_value))
        )
        weights = (torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(q.shape[-1])).softmax(-1)
        return torch.einsum("hqk,khd->qhd", weights, v).flatten(1) @ self.state[f"{name}.out_proj.weight"].T


def _resized(x: torch.Tensor, side: int) -> torch.Tensor:
    return functional.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)
