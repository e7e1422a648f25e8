"""All models by name, and where their weights come from. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from huggingface_hub import snapshot_download

from mdsm_ros.hub.client import HUB_ERRORS, HUB_FILES
from mdsm_ros.models.presets import MDSM_BASE
from mdsm_ros.models.public_config import CLIPSegConfig, GroundedSAM2Config, SAM3Config

CARD = "see the model card"  # where a licence could not be verified
STABLE_DIFFUSION_FILES = (
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
)


@dataclass(frozen=True)
class Repository:
    """A repository on the Hugging Face hub.

    Attributes:
        name: hub id.
        revision: branch, tag or commit; None: the main branch.
        files: patterns of what is downloaded.
    """

    name: str
    revision: str | None = None
    files: tuple[str, ...] = HUB_FILES

    def is_cached(self) -> bool:
        """Whether all its files are on this machine; asks nobody else."""
        try:
            snapshot_download(self.name, revision=self.revision, allow_patterns=list(self.files), local_files_only=True)
        except HUB_ERRORS:
            return False
        return True


@dataclass(frozen=True)
class Entry:
    """A model that has a name.

    Attributes:
        what: in a few words.
        licence: of the weights.
        megabytes: of the download, about; 0 for what comes with this package.
        repositories: where the weights are.
        gated: whether their owners grant access one by one.
    """

    what: str
    licence: str
    megabytes: int = 0
    repositories: tuple[Repository, ...] = ()
    gated: bool = False

    @property
    def state(self) -> str:
        """Where its weights are: "embedded" in this package, "cached", or "not here"."""
        if not self.repositories:
            return "embedded"
        return "cached" if all(repository.is_cached() for repository in self.repositories) else "not here"


_CLIPSEG, _GROUNDED, _SAM3 = CLIPSegConfig(), GroundedSAM2Config(), SAM3Config()

CATALOG: dict[str, Entry] = {
    "mdsm-small": Entry("MDSM, trained on photographs and simulated homes", "Apache-2.0"),
    "clipseg": Entry(
        "CLIPSeg, segments a phrase", "Apache-2.0", 605, (Repository(_CLIPSEG.checkpoint, _CLIPSEG.revision),)
    ),
    "grounded-sam2": Entry(
        "Grounding DINO finds a box, SAM 2 its mask",
        "Apache-2.0",
        874,
        (
            Repository(_GROUNDED.detector, _GROUNDED.detector_revision),
            Repository(_GROUNDED.segmenter, _GROUNDED.segmenter_revision),
        ),
    ),
    "sam3": Entry("SAM 3", "SAM License", 3440, (Repository(_SAM3.checkpoint, _SAM3.revision),), gated=True),
    "swin-base": Entry(
        "Swin-B, where training of mdsm-base begins", "MIT", 437, (Repository(f"timm/{MDSM_BASE.swin_checkpoint}"),)
    ),
    "clip-base": Entry(
        "CLIP ViT-B/16, where training of mdsm-base begins", CARD, 602, (Repository(str(MDSM_BASE.clip_checkpoint)),)
    ),
    "bert-base": Entry(
        "BERT-base, where training of mdsm-base begins",
        "Apache-2.0",
        441,
        (Repository(str(MDSM_BASE.bert_checkpoint)),),
    ),
    "stable-diffusion-1.5": Entry(
        "Stable Diffusion, where training of VPD begins",
        "CreativeML OpenRAIL-M",
        4270,
        (Repository("stable-diffusion-v1-5/stable-diffusion-v1-5", files=STABLE_DIFFUSION_FILES),),
    ),
}
"""The models by name. Sizes and licences are those of the repositories' pages, or follow from their parameters."""


def catalog_markdown() -> str:
    """The table of models in ``docs/models.md``."""
    lines = ["| name | what it is | weights | weights' licence | download | gated |", "|---" * 6 + "|"]
    for name, entry in CATALOG.items():
        sources = ", ".join(f"[{r.name}](https://huggingface.co/{r.name})" for r in entry.repositories)
        download = f"~{entry.megabytes} MB" if entry.repositories else "none"
        gated = "yes" if entry.gated else "no"
        row = (f"`{name}`", entry.what, sources or "embedded", entry.licence, download, gated)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def table() -> str:
    """The catalog as text, with what is on this machine."""
    rows = [("NAME", "HERE", "SIZE", "LICENCE", "GATED", "WHAT", "FROM")]
    for name, entry in CATALOG.items():
        size = f"~{entry.megabytes} MB" if entry.repositories else "-"
        source = " + ".join(repository.name for repository in entry.repositories) or "this package"
        rows.append((name, entry.state, size, entry.licence, "yes" if entry.gated else "no", entry.what, source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
