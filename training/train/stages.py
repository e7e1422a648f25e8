"""The objectives of the two stages."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mdsm_ros.inference.preprocess import zoom_in
from mdsm_ros.inference.zoom import LEAST, Zoom, zoom_around
from mdsm_ros.models.base import HubModel
from mdsm_ros.models.common import diffusion
from mdsm_ros.models.interface import DrawingModel, InitialMask
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.models.mdsm.network import MDSM
from training.datasets.dataset import Batch
from training.train.config import StageConfig, TrainConfig
from training.train.losses import mask_loss

Losses = dict[str, torch.Tensor]  # every term, and their weighted sum as "loss"

AUXILIARY_STAGES = (1, 2)  # Swin stages at strides 8 and 16
FROM_START = 0.5  # fraction of the samples at which distillation trains the single step itself


def initial_mask(model: HubModel, batch: Batch) -> InitialMask:
    """The initial masks of a batch, from cached features of the encoders if the batch has them."""
    images = batch.images.float() / 255
    text = model.encode_text(batch.texts) if batch.text is None else batch.text
    if batch.semantic is None:
        return model.initial(images, text, batch.image_index)
    assert isinstance(model, MDSM)  # whose semantic branch was cached
    return model.initial(images, text, batch.image_index, batch.semantic)


def second_look(
    model: MDSM, batch: Batch, answer: InitialMask, least: float = LEAST
) -> tuple[InitialMask, list[Zoom] | None]:
    """What the refiner of a model starts from, and the part of its image on which it works; None: the whole images.

    The parts are enlarged from the batch's images; at inference, from those of the camera. In training they may be
    smaller than those of an image of this size at inference: as small as those of a large image.
    """
    factor = model.config.refiner_zoom
    if factor is None:
        return answer, None
    zooms = [zoom_around(marked, factor, least) for marked in (answer.logits[:, 0] > 0).cpu().numpy()]
    parts = zoom_in(batch.images[batch.image_index].float() / 255, zooms, model.config.image_size)
    logits = zoom_in(answer.logits, zooms, answer.logits.shape[-1])
    return model.look_again(parts, answer.features.text, logits), zooms


class StageOne(nn.Module):
    """Stage 1: the intermediate mask, the only output of models with one stage.

    If encoders are trained from scratch (mdsm-tiny), auxiliary classifiers predict the category and colour of each
    pixel from the visual features; they are dropped after training. With public encoders their weight is 0.
    """

    def __init__(self, model: HubModel, config: TrainConfig, num_categories: int, num_colors: int) -> None:
        super().__init__()
        self.model = model
        self.config = config
        dims = [model.config.swin_dims[i] for i in AUXILIARY_STAGES] if config.auxiliary_weight else []
        self.split = [num_categories + 1, num_colors + 1]
        self.classifiers = nn.ModuleList([nn.Linear(dim, sum(self.split)) for dim in dims])

    def train(self, mode: bool = True) -> StageOne:
        """Training mode; a frozen language encoder has no dropout."""
        super().train(mode)
        if self.config.freeze_language:
            assert isinstance(self.model, MDSM | LAVT)  # the configuration saw to it
            self.model.language.eval()
        return self

    def forward(self, batch: Batch, step: int) -> Losses:
        """The losses of one batch."""
        answer = initial_mask(self.model, batch)
        losses = {
            "mask": mask_loss(answer.logits, batch.masks, self.config.stage1.dice_weight, self.config.loss_stride),
            "present": functional.binary_cross_entropy_with_logits(
                answer.present_logits.float(), batch.present.float()
            ),
        }
        loss = losses["mask"] + self.config.present_weight * losses["present"]
        if self.config.denoising_weight:
            assert isinstance(self.model, DrawingModel)  # the configuration saw to it
            losses["denoising"] = self.model.denoising_loss(batch.images.float() / 255, batch.texts, batch.image_index)
            loss = loss + self.config.denoising_weight * losses["denoising"]
        if self.config.auxiliary_weight:
            losses["auxiliary"] = self._auxiliary(answer.features.visual, batch)
            loss = loss + self.config.auxiliary_weight * losses["auxiliary"]
        return losses | {"loss": loss}

    def _auxiliary(self, visual: tuple[torch.Tensor, ...], batch: Batch) -> torch.Tensor:
        total = torch.zeros((), device=batch.images.device)
        categories, truth_colors = batch.categories[batch.image_index], batch.colors[batch.image_index]
        for classifier, stage in zip(self.classifiers, AUXILIARY_STAGES, strict=True):
            logits = classifier(visual[stage]).float().permute(0, 3, 1, 2)
            logits = functional.interpolate(logits, size=categories.shape[-2:], mode="nearest")
            kinds, colors = torch.split(logits, self.split, dim=1)
            total = total + functional.cross_entropy(kinds, categories) + functional.cross_entropy(colors, truth_colors)
        return total / len(AUXILIARY_STAGES)


class StageTwo(nn.Module):
    """Stage 2: the refiner learns to clean noisy masks while stage 1 is frozen.

    Noise is added to the ground truth at a uniform timestep. For a fraction ``initial_noise_probability`` of the
    samples, it is added to the initial mask instead, from which refinement starts at inference; the target is still the
    ground truth. A refiner that predicts the noise is trained with its squared error (arXiv 2006.11239, eq. 14).
    """

    def __init__(self, model: MDSM, config: TrainConfig, options: StageConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.options = options
        model.language.requires_grad_(False)
        model.intermediate.requires_grad_(False)

    def train(self, mode: bool = True) -> StageTwo:
        """Only the refiner trains; dropout and batch statistics of stage 1 stay as at inference."""
        super().train(mode)
        self.model.language.eval()
        self.model.intermediate.eval()
        return self

    def forward(self, batch: Batch, step: int) -> Losses:
        """The losses of one batch; what is drawn for an instruction depends on seed, step and instruction alone."""
        model = self.model
        with torch.no_grad():
            answer, zooms = second_look(model, batch, initial_mask(model, batch))
        features = answer.features
        grid = (model.refiner.grid, model.refiner.grid)
        masks = batch.masks.float() if zooms is None else zoom_in(batch.masks.float(), zooms, batch.masks.shape[-1])
        truth = functional.interpolate(masks, size=grid, mode="area") * 2 - 1
        initial = functional.interpolate(answer.logits.float(), size=grid, mode="bilinear", align_corners=False)
        from_initial, timesteps, noise = (x.to(truth.device) for x in self._draw(batch.positions, step))
        clean = torch.where(from_initial, diffusion.to_signal(initial), truth)
        noisy = model.scheduler.add_noise(clean, noise, timesteps)
        condition = model.condition(features, answer.logits)
        if model.config.prediction == "epsilon":
            predicted = model.refiner.predict(noisy, timesteps, condition, features.text)
            losses = {"noise": functional.mse_loss(predicted.float(), noise)}
            return losses | {"loss": losses["noise"]}
        logits = model.refiner(noisy, timesteps, condition, features.text)
        losses = {"refined": mask_loss(logits, masks, self.options.dice_weight, self.config.loss_stride)}
        return losses | {"loss": losses["refined"]}

    def _draw(self, positions: Sequence[int], step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """For each instruction: whether to start from the initial mask (B, 1, 1, 1), timestep (B,), noise."""
        grid, config = self.model.refiner.grid, self.config
        draws = [np.random.default_rng((config.seed, step, position, 3)) for position in positions]
        from_initial = [rng.random() < config.initial_noise_probability for rng in draws]
        timesteps = [int(rng.integers(self.model.config.num_train_timesteps)) for rng in draws]
        noise = np.stack([rng.standard_normal((1, grid, grid), dtype=np.float32) for rng in draws])
        return torch.tensor(from_initial).view(-1, 1, 1, 1), torch.tensor(timesteps), torch.from_numpy(noise)


class Distillation(nn.Module):
    """The refiner learns to give in one step what it gave in several.

    This is consistency distillation (arXiv 2303.01469) with the end of the teacher's path as the target of every point
    on it. The teacher is the refiner as it was at first. From an initial mask with noise it takes ``teacher_steps``
    steps, as at inference. The student sees the same mask with the same noise as a single step would, or a later point
    of the teacher's path, and learns the teacher's last prediction. Stage 1 is frozen; the ground truth is not used.
    """

    def __init__(self, model: MDSM, config: TrainConfig, options: StageConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.options = options
        self.teacher = copy.deepcopy(model.refiner).requires_grad_(False)
        model.language.requires_grad_(False)
        model.intermediate.requires_grad_(False)

    def train(self, mode: bool = True) -> Distillation:
        """Only the student trains; all else stays as at inference."""
        super().train(mode)
        self.model.language.eval()
        self.model.intermediate.eval()
        self.teacher.eval()
        return self

    def forward(self, batch: Batch, step: int) -> Losses:
        """The losses of one batch; what is drawn for an instruction depends on seed, step and instruction alone."""
        model = self.model
        points, noise = self._draw(batch.positions, step)
        with torch.no_grad():
            answer, _ = second_look(model, batch, initial_mask(model, batch))
            path, target = self._path(answer, noise.to(answer.logits))
        timesteps = torch.tensor([path[point][0] for point in points], device=target.device)
        noisy = torch.stack([path[point][1][row] for row, point in enumerate(points)])
        condition = model.condition(answer.features, answer.logits)
        logits = model.refiner(noisy, timesteps, condition, answer.features.text)
        losses = {"distilled": mask_loss(logits, target.float().sigmoid(), self.options.dice_weight)}
        return losses | {"loss": losses["distilled"]}

    def _path(self, answer: InitialMask, noise: torch.Tensor) -> tuple[list[tuple[int, torch.Tensor]], torch.Tensor]:
        """Timesteps with noisy masks (B, 1, grid, grid), the single step's first, and the teacher's logits."""
        model, features = self.model, answer.features
        grid = (model.refiner.grid, model.refiner.grid)
        initial = functional.interpolate(answer.logits, size=grid, mode="bilinear", align_corners=False)
        start = model.config.start_timestep
        single = diffusion.refinement_timesteps(model.scheduler, start, 1)
        path = [(int(single), model.scheduler.add_noise(diffusion.to_signal(initial), noise, single))]
        seen = model.seen(features)
        condition = self.teacher.condition(features.images, answer.logits, seen)
        denoiser = self.teacher.denoiser(condition, features.text)

        def recorded(noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
            path.append((int(timesteps[0]), noisy))
            return denoiser(noisy, timesteps)

        target = diffusion.refine(recorded, model.scheduler, initial, noise, start, self.config.teacher_steps)
        return path, target

    def _draw(self, positions: Sequence[int], step: int) -> tuple[list[int], torch.Tensor]:
        """For each instruction: the point of the path that the student sees, and the noise (1, grid, grid)."""
        grid, config = self.model.refiner.grid, self.config
        draws = [np.random.default_rng((config.seed, step, position, 4)) for position in positions]
        points = [0 if rng.random() < FROM_START else int(rng.integers(1, config.teacher_steps + 1)) for rng in draws]
        noise = np.stack([rng.standard_normal((1, grid, grid), dtype=np.float32) for rng in draws])
        return points, torch.from_numpy(noise)
