"""The training loop of one stage: steps, checkpoints, validation, and an exact resume."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from torch.utils.data import DataLoader, Sampler
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from training.config import StageConfig, TrainConfig
from training.dataset import Batch
from training.sources import Source
from training.stages import StageOne, StageTwo

LOG_STEPS = 20
NO_DECAY_MARKS = ("norm", "bias", "relative_position")  # LAVT decays neither norms nor position biases


class StepSampler(Sampler[list[int]]):
    """Batches that depend on (seed, step) alone, so that a resumed run sees what it would have seen.

    A batch is ``images`` images in shuffled order with up to ``per_image`` of the instructions about each, drawn anew.

    Args:
        groups: positions of the instructions about each image.
        images: images a batch.
        per_image: the most instructions an image.
        seed: of the shuffles.
        first_step, last_step: the batches to yield.
    """

    def __init__(
        self, groups: Sequence[Sequence[int]], images: int, per_image: int, seed: int, first_step: int, last_step: int
    ) -> None:
        self.groups, self.images, self.per_image, self.seed = groups, images, per_image, seed
        self.first_step, self.last_step = first_step, last_step

    def __iter__(self) -> Iterator[list[int]]:
        epoch, order = -1, np.empty(0, dtype=np.int64)
        for step in range(self.first_step, self.last_step):
            rng = np.random.default_rng((self.seed, step))
            batch: list[int] = []
            for position in range(step * self.images, (step + 1) * self.images):
                if position // len(self.groups) != epoch:
                    epoch = position // len(self.groups)
                    order = np.random.default_rng((self.seed, epoch, 1)).permutation(len(self.groups))
                group = self.groups[order[position % len(self.groups)]]
                batch += rng.permutation(group)[: self.per_image].tolist()
            yield batch

    def __len__(self) -> int:
        return self.last_step - self.first_step


def _batches(source: Source, options: StageConfig, config: TrainConfig, first_step: int) -> Iterator[Batch]:
    """The batches from a step on; the one of a step depends on the source's content, the seed and the step alone."""
    for block in source.blocks(first_step, options.steps):
        groups = list(block.data.by_image.values())
        sampler = StepSampler(
            groups, options.images, config.instructions_per_image, config.seed, block.first_step, block.last_step
        )
        yield from DataLoader(
            block.data,
            batch_sampler=sampler,
            collate_fn=block.data.collate,
            num_workers=config.num_workers,
            generator=torch.Generator().manual_seed(config.seed),  # else it draws from the global one: no exact resume
        )


@dataclass
class Outcome:
    """How a call of :func:`train_stage` ended: the step reached, and whether that was the last one."""

    step: int
    finished: bool


def _optimizer(stage: torch.nn.Module, config: TrainConfig, options: StageConfig) -> torch.optim.AdamW:
    decayed: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in stage.named_parameters():
        if parameter.requires_grad:
            plain = parameter.ndim < 2 or any(mark in name for mark in NO_DECAY_MARKS)
            (others if plain else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.98))


def _schedule(options: StageConfig, power: float) -> Callable[[int], float]:
    def factor(step: int) -> float:
        if step < options.warmup_steps:
            return (step + 1) / options.warmup_steps
        rest = (step - options.warmup_steps) / (options.steps - options.warmup_steps)
        return float(max(0.0, 1.0 - rest) ** power)

    return factor


def save_atomically(content: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint so that a kill leaves the old one or the new one, never half of one."""
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    os.replace(partial, path)


def train_stage(
    stage: StageOne | StageTwo,
    source: Source,
    options: StageConfig,
    config: TrainConfig,
    accelerator: Accelerator,
    checkpoint: Path,
    *,
    validate: Callable[[], dict[str, float]] | None,
    deadline: float | None = None,
) -> Outcome:
    """Trains one stage from its checkpoint, where there is one, to its last step or to the deadline.

    At the end the model holds the averaged (EMA) weights.

    Args:
        stage: the module to train; parameters without gradient stay as they are.
        source: where the training instructions come from.
        options: optimisation of this stage.
        config: the whole run.
        accelerator: device and precision.
        checkpoint: file that is resumed from and written to.
        validate: called with the averaged weights in place; its figures go to TensorBoard.
        deadline: ``time.monotonic()`` after which the run ends with a checkpoint.
    """
    optimizer = _optimizer(stage, config, options)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _schedule(options, config.polynomial_power))
    trained = [p for p in stage.parameters() if p.requires_grad]
    step = 0
    ema = EMAModel(trained, decay=config.ema_decay)
    stage.to(accelerator.device)
    ema.to(accelerator.device)
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=accelerator.device, weights_only=True)
        step = saved["step"]
        stage.load_state_dict(saved["stage"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        ema.load_state_dict(saved["ema"])
        torch.set_rng_state(saved["rng"].cpu())
    else:
        torch.manual_seed(config.seed + 1)

    def save() -> None:
        if accelerator.is_main_process:
            content = {
                "step": step,
                "stage": stage.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "ema": ema.state_dict(),
                "rng": torch.get_rng_state(),
            }
            save_atomically(content, checkpoint)

    module, optimizer = accelerator.prepare(stage, optimizer)
    writer = SummaryWriter(str(checkpoint.parent / "tensorboard" / checkpoint.stem))
    batches = _batches(source, options, config, step)
    progress = tqdm(batches, initial=step, total=options.steps, desc=checkpoint.stem, disable=None, mininterval=2.0)
    last_save = time.monotonic()
    module.train()
    for batch in progress:
        with accelerator.autocast():
            losses = module(batch.to(accelerator.device))
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(losses["loss"])
        norm = accelerator.clip_grad_norm_(trained, config.gradient_clip)
        optimizer.step()
        schedule.step()
        ema.step(trained)
        step += 1
        if step % LOG_STEPS == 0 or step == 1:
            for name, value in losses.items():
                writer.add_scalar(f"loss/{name}", value.item(), step)
            writer.add_scalar("learning_rate", schedule.get_last_lr()[0], step)
            writer.add_scalar("gradient_norm", float(norm), step)
            progress.set_postfix({name: f"{value.item():.3f}" for name, value in losses.items()})
        if validate is not None and (step % config.evaluate_steps == 0 or step == options.steps):
            rng = torch.get_rng_state()
            ema.store(trained)
            ema.copy_to(trained)
            figures = validate()
            ema.restore(trained)
            torch.set_rng_state(rng)
            module.train()
            for name, value in figures.items():
                writer.add_scalar(f"validation/{name}", value, step)
            tqdm.write(f"{checkpoint.stem} step {step}: " + ", ".join(f"{k} {v:.4f}" for k, v in figures.items()))
        late = deadline is not None and time.monotonic() > deadline
        if late or step == options.steps or time.monotonic() - last_save > config.checkpoint_seconds:
            save()
            last_save = time.monotonic()
        if late:
            break
    writer.close()
    ema.copy_to(trained)
    return Outcome(step, finished=step >= options.steps)
