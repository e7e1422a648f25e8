"""Options of ``mdsm learn``, and the places of its results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FRAMES = 40
HELD_OUT = 0.3
CORRECTIONS = "corrections"  # notes of corrected frames; not among the images, where labelme takes JSON for its own


@dataclass(frozen=True)
class LearnOptions:
    """Options of a run of ``mdsm learn``.

    Attributes:
        source: Recording, or folder of images, of the place.
        out: Folder of all results.
        labels: Labels made elsewhere: a dataset folder, or an export in COCO format; None: there are no labels yet.
        frames: Largest number of frames to label.
        model: Name, folder or hub id of the model to start from.
        teacher: Model that proposes masks; None: ``model``.
        device: "auto", "cpu", "cuda" or "cuda:N".
        image: Topic of the camera; None: the only one of its type.
        instruction_topic: Topic of the instructions; None: the only String.
        instruction: Instruction for all frames; None: the recording's instructions.
        mix: Dataset that the model was trained on, or a similar one; None: a stand-in is made.
        held_out: Fraction of the labelled frames, the last ones, on which the models are compared.
        config: Training configuration; None: the default of this package.
        seed: Random seed; None: that of the training configuration.
    """

    source: Path
    out: Path
    labels: Path | None = None
    frames: int = FRAMES
    model: str = "mdsm-small"
    teacher: str | None = None
    device: str = "auto"
    image: str | None = None
    instruction_topic: str | None = None
    instruction: str | None = None
    mix: Path | None = None
    held_out: float = HELD_OUT
    config: Path | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Places:
    """Places of the results of the steps.

    Attributes:
        out: Folder of all results.
    """

    out: Path

    @property
    def frames(self) -> Path:
        """Frames to label, with ``frames.json``."""
        return self.out / "frames"

    @property
    def proposals(self) -> Path:
        """Dataset of the masks proposed by a model."""
        return self.out / "proposals"

    @property
    def session(self) -> Path:
        """Dataset written by the labelling page."""
        return self.out / "session"

    @property
    def labels(self) -> Path:
        """Dataset of the labels after import."""
        return self.out / "labels"

    @property
    def data(self) -> Path:
        """Datasets for training and evaluation."""
        return self.out / "data"

    @property
    def training(self) -> Path:
        """Checkpoints of the training."""
        return self.out / "training"

    @property
    def model(self) -> Path:
        """The new model."""
        return self.out / "model"

    @property
    def rewritten(self) -> tuple[Path, ...]:
        """Folders that steps replace or write to."""
        return (self.frames, self.proposals, self.labels, self.data, self.training, self.model)

    @property
    def report(self) -> Path:
        """The report on the old and the new model."""
        return self.out / "report.html"
