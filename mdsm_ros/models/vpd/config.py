"""The configuration of VPD: one field for each of the variants that its authors and others after them tried."""

from __future__ import annotations

from dataclasses import dataclass

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.stable_diffusion.config import StableDiffusionConfig

ATTENTION_MODES = ("concat", "daam", "none")


@dataclass(frozen=True)
class VPDConfig(StableDiffusionConfig):
    """VPD (arXiv 2303.02153), by default at the sizes of its public recipe.

    Attributes:
        max_tokens: that an instruction is padded or cut to (VPD: 40 for RefCOCO and RefCOCO+, 77 for RefCOCOg).
        text_checkpoint: CLIP text encoder in place of the checkpoint's own, hub id or folder. One that is not as wide
            as the UNet's cross-attention is projected to it by a layer that training has to learn.
        text_adapter: lets the text features move to c + gamma * MLP(c), with gamma small at first.
        freeze_unet: only adapter, projection, LoRA and decoder learn.
        lora_rank: of low-rank additions to queries, keys and values of the cross-attention, which learn in place of
            the UNet; 0: none. Needs peft.
        scale_latents: multiplies latents by the VAE's factor, as the UNet saw them when it learned. VPD's code leaves
            that out; False does, too.
        noise_timestep: of the noise put on the latents before the UNet; 0: none.
        denoising_steps: DDIM steps, guided by the instruction, that take the noise away again before features are
            taken.
        attention_mode: how cross-attention maps, one a token, get to the decoder. "concat": beside the features of
            equal size; "daam": upsampled, summed (DAAM, arXiv 2210.04885) and beside the finest features; "none".
        attention_strides: sizes of the maps that are used, in pixels of the image to a pixel of the map on a side:
            VPD has 16x16 and 32x32 for 512 pixels, which are 32 and 16. The finest level, 8, takes the most memory.
        decoder_channels: width of the mask head.
        decoder_norm: "batch", or "group" where batches are small.

    Raises:
        ConfigError: a field is out of range or does not fit another one.
    """

    model_type: str = "vpd"

    max_tokens: int = 77
    text_checkpoint: str | None = None
    text_adapter: bool = True

    freeze_unet: bool = False
    lora_rank: int = 0

    scale_latents: bool = True
    noise_timestep: int = 0
    denoising_steps: int = 0

    attention_mode: str = "concat"
    attention_strides: tuple[int, ...] = (32, 16)

    decoder_channels: int = 640
    decoder_norm: str = "batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("num_inference_steps", self.num_inference_steps == 0, "0, VPD has one stage")
        if len(self.sizes["unet"]["block_out_channels"]) != 4:
            raise ConfigError(f"sizes has a UNet of {self.sizes['unet']['block_out_channels']}, expected four levels")
        positions = self.sizes["text_encoder"].get("max_position_embeddings", 77)
        self._expect("max_tokens", 3 <= self.max_tokens <= positions, f"3 to the {positions} of the text encoder")
        self._expect("lora_rank", self.lora_rank >= 0, "0 or more")
        self._expect("lora_rank", self.lora_rank == 0 or self.freeze_unet, "0 where the UNet itself learns")
        self._expect("noise_timestep", 0 <= self.noise_timestep < 1000, "0 to 999")
        self._expect(
            "denoising_steps", 0 <= self.denoising_steps <= self.noise_timestep, "0 to noise_timestep, which it takes"
        )
        self._expect("attention_mode", self.attention_mode in ATTENTION_MODES, f"one of {', '.join(ATTENTION_MODES)}")
        possible = sorted(self.level_strides)[:3]  # the coarsest level has no cross-attention
        self._expect(
            "attention_strides",
            0 < len(set(self.attention_strides)) == len(self.attention_strides)
            and set(self.attention_strides) <= set(possible),
            f"some of {', '.join(map(str, possible))}, each once",
        )
        self._expect("decoder_norm", self.decoder_norm in ("batch", "group"), "'batch' or 'group'")
        groups = 8 if self.decoder_norm == "group" else 1
        fits = self.decoder_channels > 0 and self.decoder_channels % groups == 0
        self._expect("decoder_channels", fits, f"a positive multiple of {groups}")

    @property
    def own_text_encoder(self) -> str | None:
        """Hub id or folder of a text encoder in place of the checkpoint's."""
        return self.text_checkpoint

    @property
    def level_strides(self) -> tuple[int, ...]:
        """Pixels of the image to a pixel of each level of the UNet, on a side, finest first: 8, 16, 32, 64."""
        return tuple(self.latent_stride << i for i in range(4))

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels that the decoder gets of each level, finest first: features and attention maps."""
        with_maps: set[int] = set()
        if self.attention_mode == "concat":
            with_maps = set(self.attention_strides)
        elif self.attention_mode == "daam":
            with_maps = {self.latent_stride}
        widths = self.sizes["unet"]["block_out_channels"]
        return tuple(
            width + (self.max_tokens if stride in with_maps else 0)
            for width, stride in zip(widths, self.level_strides, strict=True)
        )
