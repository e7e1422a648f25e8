"""Whether an instruction is in the language of a model, by the words that its tokenizer has whole."""

from __future__ import annotations

import re
from collections.abc import Collection

WORD = re.compile(r"[^\W\d_]+")


def is_understood(text: str, vocabulary: Collection[str], least_known_words: float) -> bool:
    """Whether enough words are in the vocabulary; words of other languages split into pieces.

    Args:
        text: Instruction.
        vocabulary: Tokens of the tokenizer, in lower case.
        least_known_words: Lowest fraction of the words, but for one, that must be whole tokens, 0 to 1.
    """
    words = WORD.findall(text.lower())
    unknown = sum(word not in vocabulary for word in words)
    return 1 - max(0, unknown - 1) / max(1, len(words)) >= least_known_words
