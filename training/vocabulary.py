"""A WordPiece vocabulary from a training's own sentences, for models that do not start from a public BERT."""

from __future__ import annotations

import string
from collections.abc import Iterable

from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizerFast, PreTrainedTokenizerBase


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerBase:
    """Learns a lower-case vocabulary; every printable ASCII character is in it, so that unseen words become pieces.

    Args:
        texts: sentences.
        vocab_size: the most entries that the vocabulary may have.
    """
    learner = BertWordPieceTokenizer(lowercase=True)
    alphabet = sorted(set(string.printable.lower()) - set(string.whitespace))
    learner.train_from_iterator(
        texts,
        vocab_size=vocab_size,
        min_frequency=1,
        initial_alphabet=alphabet,
        limit_alphabet=200,
        show_progress=False,
    )
    vocab = learner.get_vocab()
    for character in alphabet:  # inside words, pieces carry a prefix of their own
        if "##" + character not in vocab and len(vocab) < vocab_size:
            vocab["##" + character] = len(vocab)
    return BertTokenizerFast(vocab=vocab, do_lower_case=True)
