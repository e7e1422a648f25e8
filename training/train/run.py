"""Training in both stages, see ``command.py``."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import DistributedDataParallelKwargs, set_seed
from diffusers import ModelMixin
from torch import nn
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from mdsm_ros.checkpoints.pretrained import load_encoders, load_tokenizer, make_model, model_folder
from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.dataset.metrics import intersection_union, summarize
from mdsm_ros.errors import ConfigError
from mdsm_ros.files import whole_folder
from mdsm_ros.hub.folder import TOKENIZER_FILE, read_tokenizer, write_tokenizer
from mdsm_ros.inference.preprocess import zoom_out
from mdsm_ros.inference.zoom import smallest_part
from mdsm_ros.models.base import HubModel
from mdsm_ros.models.config import FusionConfig
from mdsm_ros.models.families import trained_family
from mdsm_ros.models.family import resolve
from mdsm_ros.models.layers.recompute import Recomputing
from mdsm_ros.models.mdsm.network import MDSM
from training.datasets.dataset import COLOR_IDS, InstructionDataset, of_categories, with_class_masks
from training.device import open_accelerator
from training.features import cache_features
from training.train.config import StageConfig, TrainConfig
from training.train.loop import train_stage
from training.train.options import CHECKPOINTS, RunOptions
from training.train.sources import Source, images_in_epoch, open_source
from training.train.stages import Distillation, StageOne, StageTwo, initial_mask, second_look
from training.train.start import start_from
from training.train.vocabulary import cut_vocabulary, train_tokenizer

VALIDATION_BATCH = 32
TOKENIZER_FOLDER = "tokenizer"


def build_model(config: TrainConfig, out: Path, data: InstructionDataset) -> HubModel:
    """Builds a model before its first step: encoders from the preset's checkpoints, all else from the seed.

    Parts of the model ``start_from`` replace both.
    """
    model_config = config.model_config()
    set_seed(config.seed)
    model = make_model(model_config, _tokenizer(config, out, data))
    if config.start_from is None or trained_family(model_config).start_covers:  # others, such as CLIP, may not be in it
        load_encoders(model)
    if config.start_from is not None:
        PartialState().print(start_from(model, config.start_from, kept=config.model), file=sys.stderr)
    if config.gradient_checkpointing:
        save_memory(model)
    if config.freeze_language:
        model.language.requires_grad_(False)
    return model


def save_memory(model: nn.Module) -> None:
    """Makes encoders and UNets compute activations again in the backward pass instead of storing them."""
    for module in model.modules():
        if isinstance(module, PreTrainedModel):
            module.gradient_checkpointing_enable()
        elif isinstance(module, ModelMixin):
            module.enable_gradient_checkpointing()
        elif isinstance(module, Recomputing):
            module.recompute = True


def _tokenizer(config: TrainConfig, out: Path, data: InstructionDataset) -> PreTrainedTokenizerBase:
    model_config, folder = config.model_config(), out / TOKENIZER_FOLDER
    family = trained_family(model_config)
    if config.start_from is not None:
        return read_tokenizer(model_folder(config.start_from), resolve(family.network).tokenizer_type)
    public = load_tokenizer(model_config)
    if not family.learns_vocabulary and public is not None:
        return public
    assert isinstance(model_config, FusionConfig)  # the others have a public one
    if public is not None and len(public) <= model_config.vocab_size:
        return public
    if not (folder / TOKENIZER_FILE).is_file():
        texts, size = data.column("text"), model_config.vocab_size
        tokenizer = train_tokenizer(texts, size) if public is None else cut_vocabulary(public, texts, size)
        with whole_folder(folder) as partial:
            write_tokenizer(partial, tokenizer)
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def make_validation(
    model: HubModel, data: InstructionDataset, samples: int, refine: bool
) -> Callable[[], dict[str, float]]:
    """The metrics of the first ``samples`` instructions: masks of targets in view, and accuracy of presence."""

    @torch.inference_mode()
    def validate() -> dict[str, float]:
        model.eval()
        device = next(model.parameters()).device
        counts: dict[str, list[tuple[int, int]]] = {"initial": [], "refined": []}
        right: list[float] = []
        chosen = list(range(min(samples, len(data))))
        for first in range(0, len(chosen), VALIDATION_BATCH):
            batch = data.collate(chosen[first : first + VALIDATION_BATCH]).to(device)
            answer = initial_mask(model, batch)
            found = {"initial": answer.logits}
            if refine and isinstance(model, MDSM):
                generator = torch.Generator().manual_seed(first)
                steps, size = model.config.num_inference_steps, model.config.image_size
                start, zooms = second_look(model, batch, answer, smallest_part(size, size, size))
                refined = model.refine(start.features, start.logits, steps, generator)
                found["refined"] = refined if zooms is None else zoom_out(answer.logits, refined, zooms)
            for name, logits in found.items():
                full = functional.interpolate(logits.float(), size=batch.masks.shape[-2:], mode="bilinear")
                for mask, truth in zip((full > 0).cpu().numpy(), batch.masks.cpu().numpy(), strict=True):
                    if truth.any():
                        counts[name].append(intersection_union(mask, truth))
            right += ((answer.present_logits > 0) == batch.present).float().tolist()
        figures = {
            f"{stage}_{metric.lower().replace('@', '_')}": value
            for stage, of_stage in counts.items()
            for metric, value in summarize(of_stage).items()
        }
        return figures | {"presence_accuracy": sum(right) / len(right)}

    return validate


def train(config: TrainConfig, source: Source, options: RunOptions) -> bool:
    """Runs the requested stages; returns True if they reached their last step.

    Raises:
        ConfigError: Only a later stage is requested, and the configuration does not say of what; or epochs are to be
            evaluated without data for it.
    """
    out = options.out
    for alone, name, of in (("2", "stage2", config.stage2), ("distill", "distill", config.distill)):
        if options.stage == alone and (of is None or config.start_from is None):
            raise ConfigError(f"--stage {alone} needs {name} and start_from in the configuration")
    out.mkdir(parents=True, exist_ok=True)
    deadline = None if options.max_seconds is None else time.monotonic() + options.max_seconds
    # language ends at the last Swin stage, so the gate there gets no gradient
    handlers = [DistributedDataParallelKwargs(find_unused_parameters=True)]
    accelerator = open_accelerator(options.device, config.mixed_precision, handlers)
    if not options.resume and accelerator.is_main_process:
        for name in CHECKPOINTS:
            (out / name).unlink(missing_ok=True)
        shutil.rmtree(out / TOKENIZER_FOLDER, ignore_errors=True)  # its vocabulary is of the earlier data
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        count = accelerator.num_processes
        processes = f"{count} process{'es' if count > 1 else ''}"
        print(
            f"{config.preset} on {accelerator.device}, {processes}, precision {config.mixed_precision}", file=sys.stderr
        )
    size = config.model_config().image_size
    held_out = (
        InstructionDataset(Dataset(options.val_data), options.val_split, size, cache=True) if options.val_data else None
    )
    if config.evaluate_epochs and held_out is None:
        raise ConfigError(f"evaluate_epochs is {list(config.evaluate_epochs)}, expected none without --val-data")
    data = source.first()
    epoch = images_in_epoch(source, config)
    with accelerator.main_process_first():  # which writes the tokenizer
        model = build_model(config, out, data)
        if config.feature_cache:
            for dataset in (data, *([held_out] if held_out else ())):
                dataset.features = cache_features(model, dataset)

    def validation(refine: bool) -> Callable[[], dict[str, float]] | None:
        return None if held_out is None else make_validation(model, held_out, config.evaluate_samples, refine)

    def run(stage: StageOne | StageTwo | Distillation, name: str, stage_config: StageConfig) -> bool:
        outcome = train_stage(
            stage,
            source,
            stage_config,
            config,
            accelerator,
            out / f"{name.replace(' ', '')}.pt",
            validate=validation(refine=not isinstance(stage, StageOne)),
            epoch=epoch,
            deadline=deadline,
        )
        if accelerator.is_main_process:
            model.save_pretrained(out / "model")
        if not outcome.finished and accelerator.is_main_process:
            print(
                f"{name} stopped at step {outcome.step} of {stage_config.steps}; resume with --resume",
                file=sys.stderr,
            )
        return outcome.finished

    if options.stage in ("all", "1"):
        stage_one = StageOne(model, config, max(data.data.categories), len(COLOR_IDS))
        if not run(stage_one, "stage 1", config.stage1):
            return False
    if options.stage == "1" or config.stage2 is None:
        return True
    assert isinstance(model, MDSM)  # the configuration saw to it
    if options.stage != "distill" and not run(StageTwo(model, config, config.stage2), "stage 2", config.stage2):
        return False
    if options.stage == "2" or config.distill is None:
        return True
    distillation = Distillation(model, config, config.distill)
    model.config = replace(model.config, num_inference_steps=1)
    return run(distillation, "distill", config.distill)


def adapt_instructions(
    config: TrainConfig, data: Dataset, instructions: Sequence[Instruction]
) -> Sequence[Instruction]:
    """The instructions of a dataset as a configuration wants them, see ``target_masks`` and ``first_categories``.

    Raises:
        DatasetError: None of them is wanted.
    """
    if config.first_categories is not None:
        instructions = of_categories(data, instructions, config.first_categories)
    return with_class_masks(data, instructions) if config.target_masks == "class" else instructions


def run_training(config: TrainConfig, data: str, options: RunOptions) -> bool:
    """Opens the source of a train split and trains on it; returns True if the last step was reached.

    Raises:
        ConfigError, DatasetError, WeightsError: The training cannot run as configured.
    """
    size = config.model_config().image_size
    # an adapted split is in memory, so a large one is adapted only if the configuration asks for it
    changed = config.first_categories is not None or config.target_masks == "class"
    adapt = partial(adapt_instructions, config) if changed else None
    with closing(open_source(data, "train", size, config, limit=options.limit, adapt=adapt)) as source:
        return train(config, source, options)
