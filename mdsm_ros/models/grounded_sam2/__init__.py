"""Grounding DINO (arXiv 2303.05499) finds the target's box, and SAM 2 (arXiv 2408.00714) the mask in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mdsm_ros.models.config import PublicConfig
from mdsm_ros.models.family import Entry, PublicFamily, sources


@dataclass(frozen=True)
class GroundedSAM2Config(PublicConfig):
    """Grounding DINO and SAM 2.

    Attributes:
        detector: Grounding DINO, hub id or folder in transformers' layout.
        detector_revision: Branch, tag or commit of the hub's repository; None for the main branch.
        segmenter: SAM 2, hub id or folder in transformers' layout.
        segmenter_revision: Branch, tag or commit of SAM 2's repository.

    Raises:
        ConfigError: A field is out of range.
    """

    keep_aspect: ClassVar[bool] = True
    tunable: ClassVar[bool] = True
    weights: ClassVar[Mapping[str, str]] = {"detector": "detector_revision", "segmenter": "segmenter_revision"}

    model_type: str = "grounded_sam2"
    image_size: int = 1067  # 1067 x 800 at 4:3; the detector's own preprocessing makes the shorter side 800
    present_threshold: float = 0.25
    detector: str = "IDEA-Research/grounding-dino-tiny"
    detector_revision: str | None = None
    segmenter: str = "facebook/sam2.1-hiera-small"
    segmenter_revision: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("image_size", self.image_size >= 64, "64 pixels or more")


GROUNDED_SAM2 = GroundedSAM2Config()

FAMILY = PublicFamily(
    name="grounded_sam2",
    config_type=GroundedSAM2Config,
    network="mdsm_ros.models.grounded_sam2.network:GroundedSAM2",
    load="mdsm_ros.models.grounded_sam2.network:load",
    published={"grounded-sam2": GROUNDED_SAM2},
    entries={
        "grounded-sam2": Entry("Grounding DINO finds a box, SAM 2 its mask", "Apache-2.0", 874, sources(GROUNDED_SAM2))
    },
)
