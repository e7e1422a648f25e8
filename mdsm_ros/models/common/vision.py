"""Swin and CLIP side by side on the same image.

"Crossmodal parallel feature extraction" (MDSM, abstract): both process the image in parallel and are concatenated along
the channels. Each branch normalises the raw image itself, because they were pre-trained with different statistics.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from mdsm_ros.models.common.normalize import IMAGENET_MEAN, IMAGENET_STD, Normalize
from mdsm_ros.models.config import FusionConfig, MDSMConfig
from mdsm_ros.models.layers.swin import Swin

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)  # statistics of CLIP's training images in [0, 1]
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class SwinStages(nn.Module):
    """Swin, one stage at a time, so that language can be fused between the stages (LAVT, section 3.1).

    Args:
        config: Configuration with the sizes.
        from_image: Whether Swin starts from the image. False leaves out the patches and the stages up to the finest one
            with language: the next stage then starts from another branch's map.
    """

    def __init__(self, config: FusionConfig, *, from_image: bool = True) -> None:
        super().__init__()
        self.from_image = from_image
        self.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.swin = Swin(
            config.image_size,
            config.swin_embed_dim,
            config.swin_depths,
            config.swin_num_heads,
            config.swin_window_size,
            config.drop_path_rate,
            first=0 if from_image else config.finest_level + 1,
        )

    def patches(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, H/4, W/4, C)."""
        patches: torch.Tensor = self.swin.patch_embed(self.normalize(images))
        return patches

    def stage(self, index: int, x: torch.Tensor) -> torch.Tensor:
        """Runs stage ``index`` (0 to 3); stages after the first halve the grid and double the channels first."""
        result: torch.Tensor = self.swin.layers[index](x)
        return result


class ClipPatches(nn.Module):
    """CLIP's vision tower as a feature map: patch tokens without the class token."""

    def __init__(self, config: MDSMConfig) -> None:
        from transformers import CLIPVisionConfig, CLIPVisionModel  # models without CLIP need no import

        super().__init__()
        self.normalize = Normalize(CLIP_MEAN, CLIP_STD)
        self.frozen = config.freeze_clip
        self.side = config.clip_input_size
        self.clip = CLIPVisionModel(
            CLIPVisionConfig(
                image_size=config.clip_image_size,
                patch_size=config.clip_patch_size,
                hidden_size=config.clip_hidden_size,
                intermediate_size=4 * config.clip_hidden_size,
                num_hidden_layers=config.clip_num_layers,
                num_attention_heads=config.clip_num_heads,
            )
        )
        if self.frozen:
            self.clip.requires_grad_(False)

    @property
    def dims(self) -> tuple[int, int, int, int]:
        """Channels of the map for each of the four stages."""
        return (self.clip.config.hidden_size,) * 4

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, 3, H, W) in [0, 1] -> the same (B, D, h/patch, w/patch) for each of the four stages.

        h and w are ``clip_input_size`` if it is given: attention among patches is quadratic in their number.
        """
        if self.side is not None and self.side != images.shape[-1]:
            size = (self.side, self.side)
            images = functional.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            hidden = self.clip(self.normalize(images), interpolate_pos_encoding=True).last_hidden_state
        height, width = (side // self.clip.config.patch_size for side in images.shape[-2:])
        return (hidden[:, 1:].transpose(1, 2).unflatten(2, (height, width)),) * 4


class ParallelJoin(nn.Module):
    """Concatenates the semantic branch's map to a Swin stage and projects back to the stage's width.

    Starts as the identity on Swin's half, so that pre-trained Swin features reach the next stage unchanged.

    Args:
        swin_dim: Channels of the Swin stage, 0 without Swin.
        clip_dim: Channels of the semantic branch's map.
        out: Channels of the result, the same number as in the Swin stage if there is one.
        grid: Side of the stage's grid in pixels.
    """

    def __init__(self, swin_dim: int, clip_dim: int, out: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.swin_dim = swin_dim
        self.project = nn.Conv2d(swin_dim + clip_dim, out, kernel_size=1)
        with torch.no_grad():
            self.project.weight[:, :swin_dim, 0, 0] = torch.eye(out)[:, :swin_dim]
            nn.init.zeros_(self.project.bias)  # type: ignore[arg-type]

    @torch.no_grad()
    def ignore_clip(self) -> None:
        """Initialises the projection so that the output is Swin's half alone."""
        self.project.weight[:, self.swin_dim :].zero_()

    def forward(self, swin: torch.Tensor | None, clip: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C), or nothing, and (B, D, h', w') -> (B, h, w, C)."""
        joined = functional.interpolate(clip, size=(self.grid, self.grid), mode="bilinear", align_corners=False)
        if swin is not None:
            joined = torch.cat([swin.permute(0, 3, 1, 2), joined], dim=1)  # (B, C + D, h, w)
        projected: torch.Tensor = self.project(joined).permute(0, 2, 3, 1)
        return projected
