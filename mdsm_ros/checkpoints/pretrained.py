"""Loading models by name, and starting a model's encoders from public checkpoints."""

from __future__ import annotations

from pathlib import Path

import timm
from torch import nn
from transformers import BertTokenizerFast, CLIPVisionModel, PreTrainedTokenizerBase

from mdsm_ros.checkpoints.diffusion_checkpoint import load_clip_tokenizer, load_stable_diffusion
from mdsm_ros.checkpoints.encoder_checkpoints import align_words, bert_folder, load_bert, load_semantic
from mdsm_ros.checkpoints.public_weights import load_public, read_public_config
from mdsm_ros.errors import ConfigError, WeightsError
from mdsm_ros.hub.folder import CONFIG_FILE, read_values, resolve_folder
from mdsm_ros.models.base import HubModel
from mdsm_ros.models.common.semantic import EfficientNetPyramid
from mdsm_ros.models.common.vision import ClipPatches
from mdsm_ros.models.config import FusionConfig, MDSMConfig, ModelConfig
from mdsm_ros.models.daam.network import DAAM
from mdsm_ros.models.grounded_diffusion.network import GroundedDiffusion
from mdsm_ros.models.interface import SegmentationModel
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.models.mdsm.network import MDSM
from mdsm_ros.models.presets import PRESETS, config_from_dict
from mdsm_ros.models.public_config import PUBLIC_MODELS
from mdsm_ros.models.registry import MODEL_TYPES
from mdsm_ros.models.stable_diffusion.config import StableDiffusionConfig
from mdsm_ros.models.vpd.config import VPDConfig
from mdsm_ros.models.vpd.network import VPD

EMBEDDED_WEIGHTS = Path(__file__).parent.parent / "weights"


def read_config(folder: Path) -> ModelConfig:
    """Reads the configuration of a model that this package trains.

    Raises:
        WeightsError: as :func:`read_values`; or the file holds values that no model can be built from.
    """
    try:
        return config_from_dict(read_values(folder))
    except ConfigError as error:
        raise WeightsError(f"{folder / CONFIG_FILE}: {error}") from error


def model_folder(name: str | Path, *, local_files_only: bool = False) -> Path:
    """Where a model is, by embedded name, local folder or hub id.

    Raises:
        WeightsError: there is no such model.
    """
    embedded = EMBEDDED_WEIGHTS / name
    return embedded if embedded.is_dir() else resolve_folder(name, local_files_only=local_files_only)


def load_model(name: str | Path, *, local_files_only: bool = False) -> SegmentationModel:
    """Loads a model by name, local folder or hub id, whichever type its configuration names.

    Names are those of the embedded models and of the public ones; a folder of such a name is ./NAME.

    Raises:
        WeightsError: there is no such model, it cannot be downloaded, or its files are damaged.
    """
    if str(name) in PUBLIC_MODELS:
        return load_public(PUBLIC_MODELS[str(name)], local_files_only=local_files_only)
    folder = model_folder(name, local_files_only=local_files_only)
    public = read_public_config(folder)
    if public is not None:
        return load_public(public, local_files_only=local_files_only)
    return MODEL_TYPES[read_config(folder).model_type].from_pretrained(folder)


def save_random(preset: str, folder: Path) -> None:
    """Saves a model that has learned nothing, for timing.

    Raises:
        ConfigError: there is no such preset.
    """
    if preset not in PRESETS:
        raise ConfigError(f"preset is {preset!r}, expected one of {', '.join(PRESETS)}")
    config = PRESETS[preset]
    model_type = MODEL_TYPES[config.model_type]
    if isinstance(config, StableDiffusionConfig):
        words = ["<|startoftext|>", "<|endoftext|>"]
        tokenizer = model_type.tokenizer_type(vocab={word: i for i, word in enumerate(words)}, merges=[])
    else:
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        tokenizer = model_type.tokenizer_type(vocab={word: i for i, word in enumerate(words)})
    model_type(config, tokenizer).save_pretrained(folder)


def save_untrained(config: ModelConfig, folder: Path) -> None:
    """Saves a model as the public checkpoints of its configuration have it; for models that need no training of ours.

    Raises:
        WeightsError: a checkpoint cannot be loaded, or the model does not come with a tokenizer.
    """
    tokenizer = load_tokenizer(config)
    if tokenizer is None:
        raise WeightsError(f"model_type {config.model_type!r} has no public tokenizer and must be trained")
    model = MODEL_TYPES[config.model_type](config, tokenizer)
    load_encoders(model)
    model.save_pretrained(folder)


def load_tokenizer(config: ModelConfig) -> PreTrainedTokenizerBase | None:
    """The tokenizer of the public text encoder that a model starts from; None where it starts from none.

    Raises:
        WeightsError: it cannot be found.
    """
    if isinstance(config, VPDConfig) and config.text_checkpoint is not None:
        return load_clip_tokenizer(config.text_checkpoint, subfolder="")
    if isinstance(config, StableDiffusionConfig):
        return load_clip_tokenizer(config.checkpoint)
    if not isinstance(config, FusionConfig) or config.bert_checkpoint is None:
        return None
    return load_bert_tokenizer(config.bert_checkpoint)


def load_bert_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a hub id or folder.

    Raises:
        WeightsError: it cannot be found.
    """
    try:
        return BertTokenizerFast.from_pretrained(bert_folder(name))
    except (OSError, ValueError) as error:
        raise WeightsError(f"tokenizer of {name!r} cannot be loaded: {error}") from error


def load_encoders(model: HubModel) -> None:
    """Fills the encoders with the checkpoints that the model's configuration names; the others stay as they are.

    Swin takes timm names, or ``local-dir:FOLDER``; CLIP, BERT and Stable Diffusion take hub ids or folders, and the
    last one single .safetensors files, too.

    Raises:
        WeightsError: a checkpoint cannot be found, or its dimensions are not those of the configuration.
    """
    if isinstance(model, MDSM | LAVT):
        _load_fusion_encoders(model)
    elif isinstance(model, VPD):
        load_stable_diffusion(model.backbone, model.config.checkpoint, model.config.text_checkpoint)
    elif isinstance(model, GroundedDiffusion | DAAM):
        load_stable_diffusion(model.backbone, model.config.checkpoint)


def _load_fusion_encoders(model: MDSM | LAVT) -> None:
    config = model.config
    stage = model.intermediate
    name: str | None = None
    classifier: nn.Module | None = None
    try:
        if stage.swin is not None and (name := config.swin_checkpoint) is not None:
            swin = timm.create_model(
                name, pretrained=True, img_size=config.image_size, window_size=config.swin_window_size, num_classes=0
            )
            state = {key: value for key, value in swin.state_dict().items() if not key.startswith("norm.")}
            stage.swin.swin.load_state_dict(state)
        if isinstance(config, MDSMConfig):
            if isinstance(stage.clip, ClipPatches) and (name := config.clip_checkpoint) is not None:
                stage.clip.clip.load_state_dict(CLIPVisionModel.from_pretrained(name).state_dict())
            if isinstance(stage.clip, EfficientNetPyramid) and (name := config.efficientnet_checkpoint) is not None:
                classifier = load_semantic(stage.clip.network, name)
        if (name := config.bert_checkpoint) is not None:
            load_bert(model.language.bert, name, model.tokenizer, load_bert_tokenizer(name).get_vocab())
            if stage.text_maps is not None and classifier is not None:
                align_words(stage.text_maps, classifier, model.language)
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(f"encoder checkpoint {name!r} cannot be loaded: {error}") from error
