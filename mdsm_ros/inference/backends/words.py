"""The tokenizer of a model folder without transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import WeightsError
from mdsm_ros.extras import require
from mdsm_ros.hub.folder import TOKENIZER_FILE
from mdsm_ros.language.vocabulary import is_understood
from mdsm_ros.models.config import FusionConfig


class Words:
    """Turns instructions into token ids.

    Args:
        tokenizer: Tokenizer of the library tokenizers.
        config: Configuration with the number of tokens.

    Attributes:
        vocabulary: Id of each token.
    """

    def __init__(self, tokenizer: Any, config: FusionConfig) -> None:
        self.vocabulary: dict[str, int] = tokenizer.get_vocab()
        self._least_known_words = config.least_known_words
        tokenizer.enable_truncation(config.max_tokens)
        tokenizer.no_padding()
        self._tokenizer, self._length = tokenizer, config.max_tokens

    def __call__(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Token ids (1, max_tokens), and their mask (1, max_tokens): 1 for tokens, 0 for the padding after them."""
        found = self._tokenizer.encode(text).ids
        ids, mask = np.zeros((2, 1, self._length), np.int64)  # BERT's padding has the id 0
        ids[0, : len(found)], mask[0, : len(found)] = found, 1
        return ids, mask

    def understands(self, text: str) -> bool:
        """Whether an instruction is in the language of the vocabulary."""
        return is_understood(text, self.vocabulary, self._least_known_words)


def read_words(folder: Path, config: FusionConfig) -> Words:
    """Reads tokenizer.json.

    Raises:
        WeightsError: The file is missing or is not a tokenizer.
        MissingPackageError: The library tokenizers is not installed.
    """
    require("tokenizers", purpose="a model of ONNX graphs")
    from tokenizers import Tokenizer

    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise WeightsError(f"{path} is missing, expected the model's tokenizer")
    try:
        return Words(Tokenizer.from_file(str(path)), config)
    except BaseException as error:  # tokenizers raises no narrower type, and panics with its own
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise WeightsError(f"{path} is not a readable tokenizer: {error}") from error
