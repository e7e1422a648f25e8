"""The configurations of models whose weights others have published.

Their present thresholds are those at which transformers' own post-processing keeps an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mdsm_ros.models.config import ModelConfig


@dataclass(frozen=True)
class CLIPSegConfig(ModelConfig):
    """CLIPSeg (arXiv 2112.10003).

    Attributes:
        checkpoint: hub id, or folder in transformers' layout.
        revision: branch, tag or commit of the hub's repository; None: its main branch.

    Raises:
        ConfigError: a field is out of range.
    """

    model_type: str = "clipseg"
    image_size: int = 352
    checkpoint: str = "CIDAS/clipseg-rd64-refined"
    revision: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("model_type", self.model_type == "clipseg", "'clipseg'")
        self._expect("num_inference_steps", self.num_inference_steps == 0, "0, CLIPSeg has one stage")


@dataclass(frozen=True)
class GroundedSAM2Config(ModelConfig):
    """Grounding DINO (arXiv 2303.05499) finds the box, SAM 2 (arXiv 2408.00714) its mask.

    Attributes:
        detector: Grounding DINO, hub id or folder in transformers' layout.
        detector_revision: as in :class:`CLIPSegConfig`.
        segmenter: SAM 2, the same.
        segmenter_revision: as in :class:`CLIPSegConfig`.

    Raises:
        ConfigError: a field is out of range.
    """

    keep_aspect: ClassVar[bool] = True

    model_type: str = "grounded_sam2"
    image_size: int = 1067  # 1067 x 800 at 4:3; the detector's own preprocessing makes the shorter side 800
    present_threshold: float = 0.25
    detector: str = "IDEA-Research/grounding-dino-tiny"
    detector_revision: str | None = None
    segmenter: str = "facebook/sam2.1-hiera-small"
    segmenter_revision: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("model_type", self.model_type == "grounded_sam2", "'grounded_sam2'")
        self._expect("num_inference_steps", self.num_inference_steps == 0, "0, it has one stage")
        self._expect("image_size", self.image_size >= 64, "64 pixels or more")


@dataclass(frozen=True)
class SAM3Config(ModelConfig):
    """SAM 3, of which the image detector is used.

    Attributes:
        checkpoint: as in :class:`CLIPSegConfig`.
        revision: as in :class:`CLIPSegConfig`.

    Raises:
        ConfigError: a field is out of range.
    """

    model_type: str = "sam3"
    image_size: int = 1008  # of the checkpoint; it runs at no other
    present_threshold: float = 0.3
    checkpoint: str = "facebook/sam3"
    revision: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("model_type", self.model_type == "sam3", "'sam3'")
        self._expect("num_inference_steps", self.num_inference_steps == 0, "0, SAM 3 has one stage")


PublicConfig = CLIPSegConfig | GroundedSAM2Config | SAM3Config

PUBLIC_MODELS: dict[str, PublicConfig] = {
    "clipseg": CLIPSegConfig(),
    "grounded-sam2": GroundedSAM2Config(),
    "sam3": SAM3Config(),
}
"""The models by the names that users call them."""
