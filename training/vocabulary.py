"""A WordPiece vocabulary from a training's own sentences, for models that do not start from a public BERT."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import BertTokenizerFast, PreTrainedTokenizerBase

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CHARACTERS = sorted(set(string.printable.lower()) - set(string.whitespace))


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerBase:
    """The words of the texts, most frequent first, and all printable ASCII characters, into which other words fall.

    The same texts give the same vocabulary (the trainer of ``tokenizers`` breaks ties differently from run to run).

    Args:
        texts: sentences.
        vocab_size: the most entries that the vocabulary may have.
    """
    normalizer, splitter = BertNormalizer(lowercase=True), BertPreTokenizer()
    counts = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    pieces = [*SPECIAL, *CHARACTERS, *(f"##{character}" for character in CHARACTERS)]
    known = set(pieces)
    words = sorted((w for w in counts if w not in known), key=lambda word: (-counts[word], word))
    vocabulary = (pieces + words)[:vocab_size]
    return BertTokenizerFast(vocab={piece: i for i, piece in enumerate(vocabulary)}, do_lower_case=True)
