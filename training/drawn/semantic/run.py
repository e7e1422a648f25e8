"""Training of a standard segmentation model on images of several origins, see ``command.py``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from accelerate.utils import set_seed
from filelock import FileLock
from torch import nn
from torch.nn import functional

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.metrics import Figures, figures_table
from mdsm_ros.files import write_json, write_text
from mdsm_ros.models.common.language import TextFeatures
from training.datasets.dataset import Batch
from training.device import open_accelerator
from training.drawn.category_splits import CategorySplit
from training.drawn.semantic.config import SemanticConfig
from training.drawn.semantic.data import (
    IGNORED,
    MixedDataset,
    SemanticBatch,
    SemanticDataset,
    class_names,
)
from training.drawn.semantic.measure import answer_of, measure, told_class
from training.drawn.semantic.network import SemanticModel, resized
from training.features.images import cache_maps
from training.parts import config_options, expect_same, store_options
from training.train.loop import train_stage
from training.train.sources import FolderSource
from training.train.stages import Losses

RESULT_FILE = "metrics.json"
UNTRAINED, TOLD = "untrained", "told the class, centred rectangle"


@dataclass(frozen=True)
class Origin:
    """Images to train on.

    Attributes:
        root: Folder of the dataset.
        which: "all" images, or those that show "seen" or "unseen" categories and none of the others.
    """

    root: Path
    which: str = "all"


@dataclass(frozen=True)
class StudyOptions:
    """Options of a study.

    Attributes:
        origins: Images of each variant, by its name.
        test_data: Folder of the dataset to measure on.
        out: Folder for the results.
        split: Categories.
        seeds: Seeds that each variant is trained from.
        test_split: Split of ``test_data``.
        limit: Number of images per origin; None for all.
        max_seconds: Time limit in seconds, after which the run ends; None for no limit.
        device: "auto" or "cpu".
    """

    origins: Mapping[str, Sequence[Origin]]
    test_data: Path
    out: Path
    split: CategorySplit
    seeds: Sequence[int] = (0, 1, 2)
    test_split: str = "test"
    limit: int | None = None
    max_seconds: float | None = None
    device: Literal["auto", "cpu"] = "auto"


class SemanticStage(nn.Module):
    """The cross-entropy of the categories of all pixels that are not ignored."""

    def __init__(self, model: SemanticModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, step: int) -> Losses:
        """The loss of one batch."""
        assert isinstance(batch, SemanticBatch)
        assert batch.labels is not None
        seen = self.model(batch.images.float() / 255) if batch.semantic is None else self.model.of_maps(batch.semantic)
        logits = resized(seen, *batch.labels.shape[-2:])
        losses = functional.cross_entropy(logits, batch.labels, ignore_index=IGNORED, reduction="none")
        counted = (batch.labels != IGNORED).flatten(1).sum(dim=1).clamp(min=1)
        return {"loss": (losses.flatten(1).sum(dim=1) / counted).mean()}


class Study:
    """Trains all variants from all seeds, and measures each on the same images.

    Args:
        config: Configuration of model and training.
        options: Options.

    Raises:
        CommandError: A part in the folder of results was made with other options.
        DatasetError: A dataset cannot be read, or shows no category of the split.
        WeightsError: The encoder's checkpoint cannot be loaded.
    """

    def __init__(self, config: SemanticConfig, options: StudyOptions) -> None:
        self.config, self.options = config, options
        self.classes = len(class_names(options.split)) + 1
        self._datasets: dict[tuple[Origin, str], SemanticDataset] = {}

    def run(self) -> None:
        """Trains and measures what is not finished; writes table.md and results.json, and prints the table."""
        deadline = None if self.options.max_seconds is None else time.monotonic() + self.options.max_seconds
        for name in (TOLD, UNTRAINED, *self.options.origins):
            for seed in self._seeds(name):
                expect_same(self._folder(name, seed), self._made_with(name))
        complete = self._baselines() and all(
            self._variant(name, seed, deadline) for seed in self.options.seeds for name in self.options.origins
        )
        results = dict(self._results())
        text = study_table(results)
        write_text(self.options.out / "table.md", text + "\n")
        write_json(self.options.out / "results.json", results)
        print(text)
        if not complete:
            print("mdsm-data zero-shot: time limit reached; run again to resume", file=sys.stderr)

    def _made_with(self, name: str) -> dict[str, Any]:
        """What decides the figures of a variant or baseline, beside the seed."""
        options = self.options
        given: dict[str, Any] = {"test-data": options.test_data.resolve(), "test-split": options.test_split}
        given |= {"categories": asdict(options.split)} | config_options(asdict(self.config))
        if name in options.origins:
            origins = [f"{origin.root.resolve()}:{origin.which}" for origin in options.origins[name]]
            given |= {"train": origins, "limit": options.limit}
        return given

    def _seeds(self, name: str) -> Sequence[int]:
        return self.options.seeds if name in self.options.origins else (0,)  # baselines have one

    def _folder(self, name: str, seed: int) -> Path:
        return self.options.out / _folder_name(name) / f"seed{seed}"

    def _results(self) -> Iterator[tuple[str, dict[str, Figures]]]:
        for name in (TOLD, UNTRAINED, *self.options.origins):
            files = [path for seed in self._seeds(name) if (path := self._folder(name, seed) / RESULT_FILE).exists()]
            if files:
                contents = (json.loads(path.read_text(encoding="utf-8")) for path in files)
                yield name, {path.parent.name: c["metrics"] for path, c in zip(files, contents, strict=True)}

    def _baselines(self) -> bool:
        set_seed(0)
        model = SemanticModel(self.config, self.classes)
        for name in (TOLD, UNTRAINED):
            folder = self._folder(name, 0)
            if not (folder / RESULT_FILE).exists():
                store_options(folder, self._made_with(name))
                self._measure(model, folder, name)
        return True

    def _variant(self, name: str, seed: int, deadline: float | None) -> bool:
        """Trains and measures one variant from one seed; returns whether it is finished."""
        folder = self._folder(name, seed)
        if (folder / RESULT_FILE).exists():
            return True
        if deadline is not None and time.monotonic() > deadline:
            return False
        store_options(folder, self._made_with(name))
        config = replace(self.config, seed=seed)
        accelerator = open_accelerator(self.options.device, config.mixed_precision)
        set_seed(seed)
        model = SemanticModel(config, self.classes).to(accelerator.device)
        data = MixedDataset([self._dataset(origin, model) for origin in self.options.origins[name]])
        outcome = train_stage(
            SemanticStage(model),
            FolderSource(data),
            config.optimisation,
            config,
            accelerator,
            folder / "checkpoint.pt",
            validate=None,
            deadline=deadline,
        )
        if outcome.finished:
            torch.save(model.state_dict(), folder / "model.pt")
            self._measure(model, folder, f"{name}, seed {seed}")
            (folder / "checkpoint.pt").unlink()
        return outcome.finished

    def _dataset(self, origin: Origin, model: SemanticModel, split: str = "train") -> SemanticDataset:
        """Images with labels, and with the stored maps of a frozen encoder."""
        if (origin, split) not in self._datasets:
            config, options = self.config, self.options
            limit = options.limit if split == "train" else None
            data = SemanticDataset(Dataset(origin.root), split, config.image_size, options.split, origin.which, limit)
            if config.freeze_encoder:
                folder = data.data.root / "features"
                folder.mkdir(exist_ok=True)
                with FileLock(folder / "lock"):
                    place = folder / f"semantic-{config.head}-{split}-{origin.which}"
                    stored = cache_maps(model.encoder, model.encoder, data, place)
                data.features = lambda ids, _: (stored.get(ids), TextFeatures(torch.zeros(0), torch.zeros(0)))
            self._datasets[origin, split] = data
        return self._datasets[origin, split]

    def _measure(self, model: SemanticModel, folder: Path, name: str) -> None:
        data = self._dataset(Origin(self.options.test_data), model, self.options.test_split)
        answer = told_class if name == TOLD else answer_of(model, data)
        metrics, of_class = measure(answer, data, self.options.split, name)
        write_json(folder / RESULT_FILE, {"metrics": metrics, "classes": of_class}, indent=2)


def study_table(results: dict[str, dict[str, Figures]]) -> str:
    """A Markdown table: mean, and sample standard deviation over the seeds below it."""
    rows: dict[str, Figures] = {}
    for name, of_seed in results.items():
        columns = {column: [f[column] for f in of_seed.values()] for column in next(iter(of_seed.values()))}
        rows[name] = {"seeds": len(of_seed)} | {column: float(np.mean(v)) for column, v in columns.items()}
        if len(of_seed) > 1:
            rows[f"{name}, deviation"] = {column: float(np.std(v, ddof=1)) for column, v in columns.items()}
    return figures_table("trained on", rows)


def _folder_name(name: str) -> str:
    return name.replace(",", "").replace(" ", "-")
