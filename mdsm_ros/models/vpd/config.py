"""The configuration of VPD, with a field for each variant that its authors and others have tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.stable_diffusion.config import StableDiffusionConfig

ATTENTION_MODES = ("concat", "daam", "none")


@dataclass(frozen=True)
class VPDConfig(StableDiffusionConfig):
    """VPD (arXiv 2303.02153), by default at the sizes of its public recipe.

    Attributes:
        max_tokens: Length to which an instruction is padded or cut (VPD: 40 for RefCOCO and RefCOCO+, 77 for RefCOCOg).
        text_checkpoint: CLIP text encoder that replaces the checkpoint's own, hub id or folder. If its width differs
            from the UNet's cross-attention, a layer that has to be trained projects it.
        text_adapter: Whether to adapt the text features to c + gamma * MLP(c), with gamma small at first.
        freeze_unet: Whether to freeze the UNet, so that only adapter, projection, LoRA and decoder learn.
        lora_rank: Rank of low-rank additions to queries, keys and values of the cross-attention, which learn instead of
            the UNet; 0 for none. Needs peft.
        scale_latents: Whether to multiply latents by the VAE's factor, as in the UNet's training. VPD's code does not,
            like False.
        noise_timestep: Timestep of the noise added to the latents before the UNet; 0 for none.
        denoising_steps: Number of DDIM steps, guided by the instruction, that remove the noise before features are
            computed.
        attention_mode: Use of the cross-attention maps, one per token, in the decoder. "concat": beside the features of
            equal size; "daam": upsampled, summed (DAAM, arXiv 2210.04885) and beside the finest features; "none".
        attention_strides: Sizes of the maps, in image pixels per pixel of the map along a side: VPD has 16x16 and 32x32
            for 512 pixels, which are strides 32 and 16. The finest level, 8, takes the most memory.
        decoder_channels: Width of the mask head.
        decoder_norm: Normalisation: "batch", or "group" for small batches.

    Raises:
        ConfigError: A field is out of range or does not fit another one.
    """

    training_fields: ClassVar[frozenset[str]] = StableDiffusionConfig.training_fields | {
        "text_checkpoint",
        "freeze_unet",
    }

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
        self._expect("lora_rank", self.lora_rank == 0 or self.freeze_unet, "0 if the UNet itself learns")
        self._expect("noise_timestep", 0 <= self.noise_timestep < 1000, "0 to 999")
        self._expect(
            "denoising_steps", 0 <= self.denoising_steps <= self.noise_timestep, "0 to noise_timestep, which it needs"
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
        """Hub id or folder of a text encoder that replaces the checkpoint's."""
        return self.text_checkpoint

    @property
    def level_strides(self) -> tuple[int, ...]:
        """Image pixels per pixel of each level of the UNet, along a side, the finest first: 8, 16, 32, 64."""
        return tuple(self.latent_stride << i for i in range(4))

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels of each level in the decoder's input, the finest first: features and attention maps."""
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
