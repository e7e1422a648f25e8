"""A checkpoint in the layout of the official VPD code, and what such a model answers, computed from the formulas.

The names are those of github.com/wl-zhao/VPD and of the original Stable Diffusion code inside it. The functions are
float64 and know only those names: UNet and VAE of latent diffusion (arXiv 2112.10752, appendix E), and what VPD takes
from them (arXiv 2303.02153, section 3.3). A name that they use for the first time is given a random weight.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from official_lavt import OfficialDecoder, State, decoder_shapes, random_state
from torch.nn import functional

IMAGE, TOKENS = 128, 12
WIDTHS, LAYERS, HEADS = (32, 64, 128, 128), 2, 8
VAE_WIDTHS, VAE_LAYERS = (32, 64, 128, 128), 2
TEXT = 16
DECODER = 16

UNET, VAE = "unet.unet.diffusion_model", "encoder_vq"


class OfficialVPD(OfficialDecoder):
    """The model's functions in float64, on the official names."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._generator = torch.Generator().manual_seed(11)
        self.maps: dict[int, list[torch.Tensor]] = {}

    def weight(self, name: str, *shape: int) -> torch.Tensor:
        if name not in self.state:
            scale = math.prod(shape[1:]) ** -0.5 if len(shape) > 1 else 0.25
            drawn = torch.randn(shape, generator=self._generator) * scale
            self.state[name] = (drawn + (len(shape) == 1 and name.endswith("weight"))).double()
        return self.state[name]

    def conv(self, name: str, x: torch.Tensor, out: int, size: int = 3, stride: int = 1, pad: int = 1) -> torch.Tensor:
        weight, bias = self.weight(f"{name}.weight", out, x.shape[1], size, size), self.weight(f"{name}.bias", out)
        return functional.conv2d(x, weight, bias, stride=stride, padding=pad if size > 1 else 0)

    def group_norm(self, name: str, x: torch.Tensor, eps: float) -> torch.Tensor:
        grouped = x.reshape(len(x), 32, -1)
        scaled = (grouped - grouped.mean(-1, keepdim=True)) / (
            grouped.var(-1, unbiased=False, keepdim=True) + eps
        ).sqrt()
        weight, bias = (self.weight(f"{name}.{what}", x.shape[1]).view(-1, 1, 1) for what in ("weight", "bias"))
        return scaled.view_as(x) * weight + bias

    def norm_tokens(self, name: str, x: torch.Tensor) -> torch.Tensor:
        scaled = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        return scaled * self.weight(f"{name}.weight", x.shape[-1]) + self.weight(f"{name}.bias", x.shape[-1])

    def dense(self, name: str, x: torch.Tensor, out: int, bias: bool = True) -> torch.Tensor:
        y = x @ self.weight(f"{name}.weight", out, x.shape[-1]).T
        return y + self.weight(f"{name}.bias", out) if bias else y

    # VAE

    def latents(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in [0, 1] -> the mode (B, 4, H/8, W/8), not scaled."""
        name = f"{VAE}.encoder"
        x = self.conv(f"{name}.conv_in", (images.double() - 0.5) / 0.5, VAE_WIDTHS[0])
        for i, width in enumerate(VAE_WIDTHS):
            for j in range(VAE_LAYERS):
                x = self._vae_block(f"{name}.down.{i}.block.{j}", x, width)
            if i < len(VAE_WIDTHS) - 1:  # padded on one side only
                x = self.conv(f"{name}.down.{i}.downsample.conv", functional.pad(x, (0, 1, 0, 1)), width, 3, 2, 0)
        x = self._vae_block(f"{name}.mid.block_1", x, x.shape[1])
        x = x + self._vae_attention(f"{name}.mid.attn_1", x)
        x = self._vae_block(f"{name}.mid.block_2", x, x.shape[1])
        x = self.conv(f"{name}.conv_out", functional.silu(self.group_norm(f"{name}.norm_out", x, 1e-6)), 8)
        return self.conv(f"{VAE}.quant_conv", x, 8, 1)[:, :4]  # mean; the rest is the logarithm of the variance

    def _vae_block(self, name: str, x: torch.Tensor, out: int) -> torch.Tensor:
        y = self.conv(f"{name}.conv1", functional.silu(self.group_norm(f"{name}.norm1", x, 1e-6)), out)
        y = self.conv(f"{name}.conv2", functional.silu(self.group_norm(f"{name}.norm2", y, 1e-6)), out)
        return y + (x if x.shape[1] == out else self.conv(f"{name}.nin_shortcut", x, out, 1))

    def _vae_attention(self, name: str, x: torch.Tensor) -> torch.Tensor:
        normed, channels = self.group_norm(f"{name}.norm", x, 1e-6), x.shape[1]
        q, k, v = (self.conv(f"{name}.{which}", normed, channels, 1).flatten(2) for which in "qkv")  # (B, C, N)
        weights = (q.transpose(1, 2) @ k * channels**-0.5).softmax(-1)  # (B, N, N)
        return self.conv(f"{name}.proj_out", (v @ weights.transpose(1, 2)).view_as(x), channels, 1)

    # UNet

    def levels(self, latents: torch.Tensor, words: torch.Tensor) -> list[torch.Tensor]:
        """Features, with maps beside those of the middle levels, finest first."""
        self.maps, taken = {}, []
        frequencies = torch.exp(-math.log(10000) * torch.arange(WIDTHS[0] // 2).double() / (WIDTHS[0] // 2))
        sinusoids = torch.cat([frequencies.cos(), frequencies.sin()]).expand(len(latents), -1)  # of timestep 1
        time = functional.silu(self.dense(f"{UNET}.time_embed.0", sinusoids, 4 * WIDTHS[0]))
        time = self.dense(f"{UNET}.time_embed.2", time, 4 * WIDTHS[0])
        x = self.conv(f"{UNET}.input_blocks.0.0", latents, WIDTHS[0])
        skipped, block = [x], 1
        for i, width in enumerate(WIDTHS):
            for _ in range(LAYERS):
                x = self._unet_block(f"{UNET}.input_blocks.{block}", x, width, time, words, i < 3, keep=True)
                skipped, block = [*skipped, x], block + 1
            if i < 3:
                x = self.conv(f"{UNET}.input_blocks.{block}.0.op", x, width, 3, 2)
                skipped, block = [*skipped, x], block + 1
        middle = f"{UNET}.middle_block"
        x = self._residual(f"{middle}.0", x, WIDTHS[3], time)
        x = self._transformer(f"{middle}.1", x, words, keep=False)
        x = self._residual(f"{middle}.2", x, WIDTHS[3], time)
        block = 0
        for i, width in reversed(list(enumerate(WIDTHS))):
            for j in range(LAYERS + 1):
                x = torch.cat([x, skipped.pop()], dim=1)
                x = self._unet_block(f"{UNET}.output_blocks.{block}", x, width, time, words, i < 3, keep=True)
                if j == LAYERS and i > 0:
                    x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
                    x = self.conv(f"{UNET}.output_blocks.{block}.{2 if i < 3 else 1}.conv", x, width)
                if block in (1, 4, 7, 11):
                    taken.append(x)
                block += 1
        beside = {place: torch.stack(self.maps[taken[place].shape[-1]]).mean(0) for place in (1, 2)}
        joined = [torch.cat([f, beside[p]], dim=1) if p in beside else f for p, f in enumerate(taken)]
        # not used, but in the file
        self.conv(f"{UNET}.out.2", self.group_norm(f"{UNET}.out.0", x, 1e-5), 4)
        return joined[::-1]

    def _unet_block(
        self, name: str, x: torch.Tensor, out: int, time: torch.Tensor, words: torch.Tensor, attends: bool, keep: bool
    ) -> torch.Tensor:
        x = self._residual(f"{name}.0", x, out, time)
        return self._transformer(f"{name}.1", x, words, keep) if attends else x

    def _residual(self, name: str, x: torch.Tensor, out: int, time: torch.Tensor) -> torch.Tensor:
        y = self.conv(f"{name}.in_layers.2", functional.silu(self.group_norm(f"{name}.in_layers.0", x, 1e-5)), out)
        y = y + self.dense(f"{name}.emb_layers.1", functional.silu(time), out)[..., None, None]
        y = self.conv(f"{name}.out_layers.3", functional.silu(self.group_norm(f"{name}.out_layers.0", y, 1e-5)), out)
        return y + (x if x.shape[1] == out else self.conv(f"{name}.skip_connection", x, out, 1))

    def _transformer(self, name: str, x: torch.Tensor, words: torch.Tensor, keep: bool) -> torch.Tensor:
        width, block = x.shape[1], f"{name}.transformer_blocks.0"
        inside = self.conv(f"{name}.proj_in", self.group_norm(f"{name}.norm", x, 1e-6), width, 1)
        y = inside.flatten(2).transpose(1, 2)  # (B, N, C)
        normed = self.norm_tokens(f"{block}.norm1", y)
        y = y + self._attention(f"{block}.attn1", normed, normed)[0]
        gathered, looks = self._attention(f"{block}.attn2", self.norm_tokens(f"{block}.norm2", y), words)
        if keep:
            grid = torch.unflatten(looks.mean(1).transpose(1, 2), 2, x.shape[-2:])  # (B, T, h, w), mean over heads
            self.maps.setdefault(x.shape[-1], []).append(grid)
        y = y + gathered
        value, gate = self.dense(f"{block}.ff.net.0.proj", self.norm_tokens(f"{block}.norm3", y), 8 * width).chunk(
            2, -1
        )
        y = y + self.dense(f"{block}.ff.net.2", value * functional.gelu(gate), width)
        return x + self.conv(f"{name}.proj_out", y.transpose(1, 2).reshape(x.shape), width, 1)

    def _attention(self, name: str, x: torch.Tensor, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        width = x.shape[-1]
        q, k, v = (
            torch.unflatten(projected, -1, (HEADS, -1)).transpose(1, 2)
            for projected in (
                self.dense(f"{name}.to_{which}", source, width, bias=False)
                for which, source in (("q", x), ("k", seen), ("v", seen))
            )
        )  # (B, heads, N, d)
        looks = (q @ k.transpose(-1, -2) * (width // HEADS) ** -0.5).softmax(-1)
        return self.dense(f"{name}.to_out.0", (looks @ v).transpose(1, 2).flatten(2), width), looks

    # VPD

    def adapt(self, words: torch.Tensor) -> torch.Tensor:
        """(B, T, D) of CLIP -> (B, T, D) for the UNet."""
        gamma = self.weight("gamma", TEXT)
        hidden = functional.gelu(self.dense("text_adapter.fc.0", words, TEXT))
        return words + gamma * self.dense("text_adapter.fc.2", hidden, TEXT)

    def probability(self, images: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in [0, 1] and CLIP's (B, T, D) -> probability of the object (B, H/8, W/8)."""
        return self.decode(self.levels(self.latents(images), self.adapt(words)))


def write_checkpoint(path: Path) -> State:
    """Writes what the training script saves, and returns its tensors."""
    channels = [WIDTHS[0], WIDTHS[1] + TOKENS, WIDTHS[2] + TOKENS, WIDTHS[3]]
    official = OfficialVPD(random_state(decoder_shapes(channels, DECODER), 0, seed=4))
    official.probability(torch.zeros(1, 3, IMAGE, IMAGE), torch.zeros(1, TOKENS, TEXT).double())
    official.conv(f"{VAE}.post_quant_conv", torch.zeros(1, 4, 2, 2).double(), 4, 1)
    state = {k: v.float() if v.is_floating_point() else v for k, v in official.state.items()}
    options = argparse.Namespace(img_size=IMAGE, token_length=TOKENS, model_id="vpd")
    torch.save({"model": state, "optimizer": {"state": {}, "param_groups": []}, "epoch": 39, "args": options}, path)
    return state
