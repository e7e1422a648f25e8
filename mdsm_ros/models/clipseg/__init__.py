"""CLIPSeg (arXiv 2112.10003): CLIP with a small decoder that is conditioned on a phrase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mdsm_ros.models.config import PublicConfig
from mdsm_ros.models.family import Entry, PublicFamily, sources


@dataclass(frozen=True)
class CLIPSegConfig(PublicConfig):
    """CLIPSeg.

    Attributes:
        checkpoint: Hub id, or folder in transformers' layout.
        revision: Branch, tag or commit of the hub's repository; None for the main branch.

    Raises:
        ConfigError: A field is out of range.
    """

    tunable: ClassVar[bool] = True

    model_type: str = "clipseg"
    image_size: int = 352
    checkpoint: str = "CIDAS/clipseg-rd64-refined"
    revision: str | None = None


CLIPSEG = CLIPSegConfig()

FAMILY = PublicFamily(
    name="clipseg",
    config_type=CLIPSegConfig,
    network="mdsm_ros.models.clipseg.network:CLIPSeg",
    load="mdsm_ros.models.clipseg.network:load",
    published={"clipseg": CLIPSEG},
    entries={"clipseg": Entry("CLIPSeg, segments a phrase", "Apache-2.0", 605, sources(CLIPSEG))},
)
