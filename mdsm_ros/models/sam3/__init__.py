"""SAM 3; only its image detector is used."""

from __future__ import annotations

from dataclasses import dataclass

from mdsm_ros.models.config import PublicConfig
from mdsm_ros.models.family import Entry, PublicFamily, sources


@dataclass(frozen=True)
class SAM3Config(PublicConfig):
    """SAM 3.

    Attributes:
        checkpoint: Hub id, or folder in transformers' layout.
        revision: Branch, tag or commit of the hub's repository; None for the main branch.

    Raises:
        ConfigError: A field is out of range.
    """

    model_type: str = "sam3"
    image_size: int = 1008  # the checkpoint's image size, the only supported one
    present_threshold: float = 0.3
    checkpoint: str = "facebook/sam3"
    revision: str | None = None


SAM3_PUBLIC = SAM3Config()

FAMILY = PublicFamily(
    name="sam3",
    config_type=SAM3Config,
    network="mdsm_ros.models.sam3.network:SAM3",
    load="mdsm_ros.models.sam3.network:load",
    published={"sam3": SAM3_PUBLIC},
    folder_types=("sam3", "sam3_video"),  # the hub's checkpoint also contains the tracker
    entries={"sam3": Entry("SAM 3", "SAM License", 3440, sources(SAM3_PUBLIC), gated=True)},
)
