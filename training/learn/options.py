"""What ``mdsm learn`` is asked to do, and where its results lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FRAMES = 40
HELD_OUT = 0.3


@dataclass(frozen=True)
class LearnOptions:
    """Options of a run of ``mdsm learn``.

    Attributes:
        source: Recording, or folder of images, of the place.
        out: Folder of all results.
        labels: Labels that were made elsewhere: a dataset folder, or an export in COCO's form; None: none yet.
        frames: Most frames to label.
        model: Name, folder or hub id of the model to start from.
        teacher: Model that proposes masks; None: ``model``.
        device: "auto", "cpu", "cuda" or "cuda:N".
        image: Topic of the camera; None: the only one of its type.
        instruction_topic: Topic of the instructions; None: the only String.
        instruction: Instruction that is in force in all frames; None: those of the recording.
        mix: Dataset that the model was trained on, or one like it; None: what can be made here stands in.
        held_out: Fraction of the labelled frames, the last ones, on which the models are compared.
        config: Training configuration; None: the one of this package.
        seed: Seed of everything that is drawn.
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
    seed: int = 0


@dataclass(frozen=True)
class Places:
    """Where the results of the steps lie.

    Attributes:
        out: Folder of all of them.
    """

    out: Path

    @property
    def frames(self) -> Path:
        """Frames to label, with ``frames.json``."""
        return self.out / "frames"

    @property
    def proposals(self) -> Path:
        """Dataset of the masks that a model proposes."""
        return self.out / "proposals"

    @property
    def session(self) -> Path:
        """Dataset that the page for labels writes."""
        return self.out / "session"

    @property
    def labels(self) -> Path:
        """Dataset of the labels as they were understood."""
        return self.out / "labels"

    @property
    def data(self) -> Path:
        """Datasets to learn from and to measure on."""
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
    def report(self) -> Path:
        """The page about the old model and the new one."""
        return self.out / "report.html"
