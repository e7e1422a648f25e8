"""Both stages of a latent diffusion model, see ``command.py``."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch
from accelerate.utils import set_seed
from diffusers import StableDiffusionPipeline
from torch.nn import functional
from transformers import CLIPTokenizer

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.files import whole_folder
from mdsm_ros.hub.folder import give_usual_mode
from mdsm_ros.models.stable_diffusion.network import StableDiffusion
from training.datasets.dataset import InstructionDataset
from training.device import open_accelerator
from training.latent.config import LatentDiffusionConfig
from training.latent.stages import AutoencoderStage, DenoiserStage, stable_diffusion_scheduler, to_signal
from training.train.config import StageConfig
from training.train.loop import train_stage
from training.train.options import RunOptions
from training.train.sources import Source, images_in_epoch
from training.train.vocabulary import train_clip_tokenizer

TOKENIZER_FOLDER = "tokenizer"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
BATCH = 32  # where nothing is learned
# of the UNet's residual branches and of itself: zero at first, as in the code of arXiv 2112.10752 but not in diffusers
LAST_LAYERS = ("conv2.", "proj_out.", "conv_out.")
SCALE_IMAGES = 512  # that the latents' scale is measured on


def build_model(config: LatentDiffusionConfig, out: Path, data: InstructionDataset) -> StableDiffusion:
    """A model before its first step, with the vocabulary of the sentences; its UNet predicts no noise at all."""
    sizes = config.model_sizes()
    text, folder = sizes["text_encoder"], out / TOKENIZER_FOLDER
    if not (folder / TOKENIZER_CONFIG_FILE).is_file():
        sentences = data.column("text")
        with whole_folder(folder) as partial:
            train_clip_tokenizer(sentences, text["vocab_size"], text["max_position_embeddings"], partial)
    tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    set_seed(config.seed)
    model = StableDiffusion({**sizes, "text_encoder": {**text, **special}}, tokenizer, decoder=True)
    for name, parameter in model.unet.named_parameters():
        if any(mark in name for mark in LAST_LAYERS):
            torch.nn.init.zeros_(parameter)
    return model


@torch.inference_mode()
def measure_scale(model: StableDiffusion, data: InstructionDataset) -> None:
    """Notes in the VAE's configuration what gives its latents a standard deviation of 1 (arXiv 2112.10752, section G).

    Args:
        model: Model with a trained VAE.
        data: Dataset, of which up to :data:`SCALE_IMAGES` evenly spread images are used.
    """
    firsts = data.by_image.groups.firsts().tolist()
    chosen = np.linspace(0, len(firsts) - 1, min(SCALE_IMAGES, len(firsts)), dtype=int)
    device, latents = model.vae.device, []
    for first in range(0, len(chosen), BATCH):
        images = data.collate([firsts[i] for i in chosen[first : first + BATCH]]).images.to(device)
        posterior = model.vae.eval().encode(to_signal(images)).latent_dist
        latents.append(posterior.sample(torch.Generator(device).manual_seed(first)).flatten())
    scale = 1 / float(torch.cat(latents).std())
    model.vae.register_to_config(scaling_factor=scale)
    model.scaling_factor.fill_(scale)


def save_pipeline(model: StableDiffusion, folder: Path) -> None:
    """Saves a model in the layout of diffusers' StableDiffusionPipeline, in place of what is there."""
    pipeline = StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=model.text_encoder,
        tokenizer=model.tokenizer,
        unet=model.unet,
        scheduler=stable_diffusion_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    with whole_folder(folder) as partial:
        pipeline.save_pretrained(partial, safe_serialization=True)
        give_usual_mode(partial)


class Validation:
    """Figures on the first ``evaluate_samples`` sentences of a split."""

    def __init__(self, data: InstructionDataset, config: LatentDiffusionConfig) -> None:
        chosen = range(min(config.evaluate_samples, len(data)))
        self.batches = [data.collate(chosen[first : first + BATCH]) for first in range(0, len(chosen), BATCH)]

    @torch.inference_mode()
    def autoencoder(self, model: StableDiffusion) -> dict[str, float]:
        """Mean peak signal-to-noise ratio of whole images decoded from the mode of the posterior, dB."""
        values = []
        model.vae.eval()
        for batch in self.batches:
            images = to_signal(batch.images.to(model.vae.device))
            decoded = model.vae.decode(model.vae.encode(images).latent_dist.mode()).sample.clamp(-1, 1)
            error = functional.mse_loss(decoded, images, reduction="none").mean(dim=(1, 2, 3))
            values += (10 * torch.log10(4 / error)).tolist()
        return {"psnr": float(np.mean(values))}

    @torch.inference_mode()
    def denoiser(self, stage: DenoiserStage) -> dict[str, float]:
        """The loss of stage 2, with the same noise and timesteps at every call."""
        stage.eval()
        losses = [float(stage(batch.to(stage.model.vae.device), step=0)["loss"]) for batch in self.batches]
        return {"loss": float(np.mean(losses))}


def train(config: LatentDiffusionConfig, source: Source, options: RunOptions) -> bool:
    """Runs both stages; True when they reached their last step."""
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    deadline = None if options.max_seconds is None else time.monotonic() + options.max_seconds
    accelerator = open_accelerator(options.device, config.mixed_precision)
    if not options.resume and accelerator.is_main_process:
        for name in config.STAGES:
            (out / f"{name}.pt").unlink(missing_ok=True)
        shutil.rmtree(out / TOKENIZER_FOLDER, ignore_errors=True)  # its vocabulary is of the earlier data
    accelerator.wait_for_everyone()
    data, epoch = source.first(), images_in_epoch(source, config)
    with accelerator.main_process_first():  # which writes the tokenizer
        model = build_model(config, out, data)
    held_out = data
    if options.val_data is not None:
        held_out = InstructionDataset(Dataset(options.val_data), options.val_split, config.image_size, cache=False)
    validation = Validation(held_out, config)

    def run(stage: AutoencoderStage | DenoiserStage, name: str, stage_config: StageConfig) -> bool:
        def validate() -> dict[str, float]:
            if isinstance(stage, AutoencoderStage):
                return validation.autoencoder(model)
            save_pipeline(model, out / "model")
            return validation.denoiser(stage)

        outcome = train_stage(
            stage,
            source,
            stage_config,
            config,
            accelerator,
            out / f"{name}.pt",
            validate=validate,
            epoch=epoch,
            deadline=deadline,
        )
        if not outcome.finished and accelerator.is_main_process:
            print(
                f"{name} stopped at step {outcome.step} of {stage_config.steps}; resume with --resume", file=sys.stderr
            )
        return outcome.finished

    if not run(AutoencoderStage(model, config), "autoencoder", config.autoencoder):
        return False
    measure_scale(model, data)
    finished = run(DenoiserStage(model, config), "denoiser", config.denoiser)
    if accelerator.is_main_process:
        save_pipeline(model, out / "model")
    return finished
