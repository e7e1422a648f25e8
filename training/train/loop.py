"""The training loop of one stage: steps, checkpoints, validation, and an exact resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
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

from mdsm_ros.errors import ConfigError, WeightsError
from mdsm_ros.files import to_json
from training.augment.batches import Augmenter, SteppedSampler
from training.datasets.dataset import Batch, InstructionDataset
from training.datasets.groups import Positions
from training.train.checkpoints import Watch, read_checkpoint, write_checkpoint
from training.train.config import LoopConfig, StageConfig
from training.train.sources import Block, Source
from training.train.stages import Losses

LOG_STEPS = 20
VALIDATION_FILE = "validation.jsonl"
NO_DECAY_MARKS = ("norm", "bias", "relative_position")  # no weight decay of norms and position biases, as in LAVT


class Pool:
    """A pool of images; every step uses a fixed number of them, in an order shuffled anew in each epoch.

    Args:
        groups: Positions of the instructions about each image.
        images: Number of images per step.
        seed: Seed of the shuffles.
    """

    def __init__(self, groups: Sequence[Sequence[int] | Positions], images: int, *seed: int) -> None:
        self.groups, self.images, self._seed = groups, images, seed
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def step(self, step: int) -> Iterator[Sequence[int] | Positions]:
        """The groups of one step."""
        for position in range(step * self.images, (step + 1) * self.images):
            epoch, place = divmod(position, len(self.groups))
            if epoch != self._epoch:
                self._epoch = epoch
                seed, *number = self._seed
                self._order = np.random.default_rng((seed, epoch, 1, *number)).permutation(len(self.groups))
            yield self.groups[self._order[place]]


def make_pools(data: InstructionDataset, images: int, config: LoopConfig) -> list[Pool]:
    """The images of a dataset as one pool, or as one pool per source in the configuration's mixture.

    Raises:
        ConfigError: The mixture does not add up to ``images``, or names a source that the dataset lacks.
    """
    groups = data.by_image.groups
    if not config.mixture:
        return [Pool(groups, images, config.seed)]
    if sum(config.mixture.values()) != images:
        raise ConfigError(f"mixture is {config.mixture}, expected numbers that add up to the {images} images of a step")
    numbers: dict[str, int] = {}  # of the sources
    sources = (numbers.setdefault(source, len(numbers)) for source in data.column("source"))
    of_group = np.fromiter(sources, np.int32, len(data))[groups.firsts()]
    for source in config.mixture:
        if not (source in numbers and (of_group == numbers[source]).any()):
            known = sorted(name for name, number in numbers.items() if (of_group == number).any())
            raise ConfigError(f"mixture names {source!r}, expected sources of the data: {', '.join(known)}")
    return [
        Pool(groups.chosen(np.flatnonzero(of_group == numbers[name])), count, config.seed, i)
        for i, (name, count) in enumerate(config.mixture.items())
        if count
    ]


class StepSampler(Sampler[list[int]]):
    """Yields batches that depend on (seed, step) alone, so that a resumed run sees the same data.

    A step consists of some images of every pool, each with up to ``per_image`` randomly drawn instructions. It is
    distributed over all processes and their micro-batches.

    Args:
        pools: Pools of the images of a step.
        per_image: Largest number of instructions per image.
        seed: Seed of the shuffles.
        first_step, last_step: The steps to yield.
        part: Index of this process, and number of processes.
        micro_batches: Number of micro-batches per step on each process.
    """

    def __init__(
        self,
        pools: Sequence[Pool],
        per_image: int,
        seed: int,
        first_step: int,
        last_step: int,
        *,
        part: tuple[int, int] = (0, 1),
        micro_batches: int = 1,
    ) -> None:
        self.pools, self.per_image, self.seed = pools, per_image, seed
        self.first_step, self.last_step = first_step, last_step
        self.part, self.micro_batches = part, micro_batches

    def step(self, step: int) -> list[list[int]]:
        """The positions of a whole step, image by image."""
        rng = np.random.default_rng((self.seed, step))
        groups = (group for pool in self.pools for group in pool.step(step))
        return [rng.permutation(group)[: self.per_image].tolist() for group in groups]

    def __iter__(self) -> Iterator[list[int]]:
        rank, processes = self.part
        for step in range(self.first_step, self.last_step):
            whole = self.step(step)
            for micro in range(self.micro_batches):
                images = whole[rank + processes * micro :: processes * self.micro_batches]
                yield [position for image in images for position in image]

    def __len__(self) -> int:
        return (self.last_step - self.first_step) * self.micro_batches


@dataclass(frozen=True)
class MicroBatch:
    """A part of a step.

    Attributes:
        share: Fraction of the step's instructions in this part.
        number: Number of this part among those of the step on this process.
    """

    batch: Batch
    share: float
    number: int


def _batches(
    source: Source, options: StageConfig, config: LoopConfig, first_step: int, part: tuple[int, int] = (0, 1)
) -> Iterator[MicroBatch]:
    """The batches from a step on; those of a step depend on the source's content, the seed and the step alone."""
    parts = part[1] * config.gradient_accumulation
    if options.images < parts:
        raise ConfigError(f"images is {options.images}, expected at least one for each of {parts} processes and parts")
    for block in source.blocks(first_step, options.steps):
        sampler = StepSampler(
            make_pools(block.data, options.images, config),
            config.instructions_per_image,
            config.seed,
            block.first_step,
            block.last_step,
            part=part,
            micro_batches=config.gradient_accumulation,
        )
        batches, collate = _augmented(block, sampler, config)
        loader = DataLoader(
            block.data,
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=config.num_workers,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator().manual_seed(config.seed),  # for exact resume
        )
        for number, batch in enumerate(loader):
            step, micro = divmod(number, config.gradient_accumulation)
            whole = sum(map(len, sampler.step(block.first_step + step)))
            yield MicroBatch(batch, len(batch.texts) / whole, micro)


def _augmented(
    block: Block, sampler: StepSampler, config: LoopConfig
) -> tuple[Sampler[Any], Callable[[list[Any]], Batch]]:
    """What draws a block's batches, and what puts them together, with the pictures changed where that is asked for."""
    if config.augmentation is None:
        return sampler, block.data.collate
    augmenter = Augmenter(block.data, config.augmentation, config.seed)
    return SteppedSampler(sampler, block.first_step, config.gradient_accumulation), augmenter.collate


def _seed(*parts: int) -> None:
    """Seeds the random generators of all devices: dropout and stochastic depth."""
    torch.manual_seed(int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0]))


@dataclass
class Outcome:
    """The result of :func:`train_stage`: the step reached, and whether it was the last one."""

    step: int
    finished: bool


def _optimizer(stage: torch.nn.Module, config: LoopConfig, options: StageConfig) -> torch.optim.AdamW:
    decayed: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in stage.named_parameters():
        if parameter.requires_grad:
            plain = parameter.ndim < 2 or any(mark in name for mark in NO_DECAY_MARKS)
            (others if plain else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, config.adam_beta2))


def _configure_again(
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    configured: Sequence[Mapping[str, Any]],
    base_lrs: Sequence[float | torch.Tensor],
) -> None:
    """Puts the configuration's values in the place of those of a checkpoint, which may have had others."""
    schedule.base_lrs = list(base_lrs)
    for group, values, base in zip(optimizer.param_groups, configured, base_lrs, strict=True):
        now, before = group["lr"], group["initial_lr"]
        group.update(values)  # among them the rate at step 0, which the schedule has changed since
        group.update(initial_lr=base, lr=now if base == before else now / before * base)


def _schedule(options: StageConfig, power: float) -> Callable[[int], float]:
    def factor(step: int) -> float:
        if step < options.warmup_steps:
            return (step + 1) / options.warmup_steps
        rest = (step - options.warmup_steps) / (options.steps - options.warmup_steps)
        return float(max(0.0, 1.0 - rest) ** power)

    return factor


def train_stage(
    stage: torch.nn.Module,
    source: Source,
    options: StageConfig,
    config: LoopConfig,
    accelerator: Accelerator,
    checkpoint: Path,
    *,
    validate: Callable[[], dict[str, float]] | None,
    epoch: int = 0,
    deadline: float | None = None,
) -> Outcome:
    """Trains one stage, from its checkpoint if it has one, to its last step or to the deadline.

    At the end, the model has the averaged (EMA) weights. A step whose gradient is not finite is skipped, as in gradient
    scalers; several in a row end training before the weights are damaged.

    Args:
        stage: Module that computes :data:`~training.train.stages.Losses` from a batch and the number of the step;
            parameters without gradient are not changed.
        source: Source of the training instructions.
        options: Optimisation of this stage.
        config: Configuration of the whole run.
        accelerator: Device and precision.
        checkpoint: File to resume from and to write.
        validate: Function called with the averaged weights in place; its metrics are logged to TensorBoard and appended
            to ``validation.jsonl`` beside the checkpoint. Of several lines for a step, the last one counts.
        epoch: Number of images in an epoch, for ``evaluate_epochs``; 0 if unknown.
        deadline: Time by ``time.monotonic()`` after which the run ends with a checkpoint.

    Raises:
        TrainingError: The numbers are no longer finite; the last checkpoint is kept.
        StorageError: A checkpoint cannot be written; the last one is kept.
        WeightsError: The checkpoint to resume from is damaged, or belongs to another model.
    """
    if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
        stage = torch.nn.SyncBatchNorm.convert_sync_batchnorm(stage)  # type: ignore[no-untyped-call]
    optimizer = _optimizer(stage, config, options)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _schedule(options, config.polynomial_power))
    trained = [p for p in stage.parameters() if p.requires_grad]
    step = 0
    ema = EMAModel(trained, decay=config.ema_decay)
    stage.to(accelerator.device)
    if checkpoint.exists():
        saved = read_checkpoint(checkpoint)
        try:
            step = saved["step"]
            stage.load_state_dict(saved["stage"])
            configured = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
            base_lrs = schedule.base_lrs
            optimizer.load_state_dict(saved["optimizer"])
            schedule.load_state_dict(saved["schedule"])
            ema.load_state_dict(saved["ema"])
            _configure_again(optimizer, schedule, configured, base_lrs)
            ema.decay = config.ema_decay
            if accelerator.scaler is not None:
                accelerator.scaler.load_state_dict(saved["scaler"])
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise WeightsError(f"checkpoint {checkpoint} is not of this configuration: {error}") from error
    ema.to(accelerator.device)

    epoch_ends = {-(-number * epoch // options.images) for number in config.evaluate_epochs}
    watch = Watch(scaling=accelerator.scaler is not None)

    def save() -> None:
        watch.expect_sound(step)
        if accelerator.is_main_process:
            content = {
                "step": step,
                "stage": stage.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "ema": ema.state_dict(),
                "scaler": accelerator.scaler.state_dict() if accelerator.scaler is not None else None,
            }
            write_checkpoint(content, checkpoint)

    module, optimizer = accelerator.prepare(stage, optimizer)
    main = accelerator.is_main_process
    writer = SummaryWriter(str(checkpoint.parent / "tensorboard" / checkpoint.stem)) if main else None
    silent = None if main else True  # None: off if stderr is not a terminal
    progress = tqdm(initial=step, total=options.steps, desc=checkpoint.stem, disable=silent, mininterval=2.0)
    last_save = time.monotonic()
    module.train()
    sums: Losses = {}
    rank, processes = accelerator.process_index, accelerator.num_processes
    for part in _batches(source, options, config, step, (rank, processes)):
        _seed(config.seed, step, rank, part.number)
        last = part.number == config.gradient_accumulation - 1
        with accelerator.autocast(), nullcontext() if last else accelerator.no_sync(module):
            losses = module(part.batch.to(accelerator.device), step)
            # gradients are averaged over the processes, but a step's loss is the mean over its instructions
            accelerator.backward(losses["loss"] * (part.share * processes))
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + part.share * value.detach()
        if not last:
            continue
        norm = accelerator.clip_grad_norm_(trained, config.gradient_clip)
        if watch.note(step, norm, sums["loss"]) or accelerator.scaler is not None:
            optimizer.step()  # a scaler skips steps that are not finite itself, and adapts its scale
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        ema.step(trained)
        step += 1
        progress.update()
        if step % LOG_STEPS == 0 or step == 1:
            shown = {name: float(accelerator.reduce(value, "sum")) for name, value in sums.items()}
            progress.set_postfix({name: f"{value:.3f}" for name, value in shown.items()})
            if writer is not None:
                for name, value in shown.items():
                    writer.add_scalar(f"loss/{name}", value, step)
                writer.add_scalar("learning_rate", schedule.get_last_lr()[0], step)
                writer.add_scalar("gradient_norm", float(norm), step)
        sums = {}
        if validate is not None and (step % config.evaluate_steps == 0 or step == options.steps or step in epoch_ends):
            if writer is not None:
                ema.store(trained)
                ema.copy_to(trained)
                figures = validate()
                ema.restore(trained)
                module.train()
                for name, value in figures.items():
                    writer.add_scalar(f"validation/{name}", value, step)
                tqdm.write(f"{checkpoint.stem} step {step}: " + ", ".join(f"{k} {v:.4f}" for k, v in figures.items()))
                seen = {"epoch": step * options.images / epoch} if epoch else {}
                with (checkpoint.parent / VALIDATION_FILE).open("a", encoding="utf-8") as lines:
                    lines.write(to_json({"stage": checkpoint.stem, "step": step, **seen, **figures}) + "\n")
            accelerator.wait_for_everyone()
        late = _any_late(accelerator, deadline)
        if late or step == options.steps or time.monotonic() - last_save > config.checkpoint_seconds:
            save()
            last_save = time.monotonic()
        if late:
            break
    progress.close()
    if writer is not None:
        writer.close()
    ema.copy_to(trained)
    accelerator.wait_for_everyone()
    return Outcome(step, finished=step >= options.steps)


def _any_late(accelerator: Accelerator, deadline: float | None) -> bool:
    """Whether the deadline has passed on any process: all stop at the same step."""
    if deadline is None:
        return False
    late = torch.tensor(float(time.monotonic() > deadline), device=accelerator.device)
    return float(accelerator.reduce(late, "sum")) > 0
