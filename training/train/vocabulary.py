"""Vocabularies from the training sentences, for models that do not start from a public BERT or CLIP."""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import NFC, BertNormalizer, Lowercase, Sequence
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as PreTokenizers
from tokenizers.trainers import BpeTrainer
from transformers import BertTokenizerFast, CLIPTokenizer, PreTrainedTokenizerBase

from mdsm_ros.errors import ConfigError
from mdsm_ros.hub.folder import write_tokenizer

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CLIP_SPECIAL = ("<|startoftext|>", "<|endoftext|>")
CLIP_WORDS = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+")
CLIP_WORD_END = "</w>"
CHARACTERS = sorted(set(string.printable.lower()) - set(string.whitespace))


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerBase:
    """The words of the texts, most frequent first, and all printable ASCII characters, into which other words fall.

    The same texts give the same vocabulary (the trainer of ``tokenizers`` breaks ties differently from run to run).

    Args:
        texts: Sentences.
        vocab_size: Largest number of entries in the vocabulary.
    """
    normalizer, splitter = BertNormalizer(lowercase=True), BertPreTokenizer()
    counts = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    pieces = [*SPECIAL, *CHARACTERS, *(f"##{character}" for character in CHARACTERS)]
    known = set(pieces)
    words = sorted((w for w in counts if w not in known), key=lambda word: (-counts[word], word))
    vocabulary = (pieces + words)[:vocab_size]
    return BertTokenizerFast(vocab={piece: i for i, piece in enumerate(vocabulary)}, do_lower_case=True)


def cut_vocabulary(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str], vocab_size: int) -> BertTokenizerFast:
    """A WordPiece tokenizer with the pieces that English needs most; other words fall into smaller pieces.

    All special tokens, printable ASCII characters and pieces of the texts stay; the rest is filled with ASCII pieces
    in the order of the original vocabulary, which has the frequent ones first.

    Args:
        tokenizer: Original tokenizer.
        texts: Sentences that must be split as before.
        vocab_size: Number of pieces to keep.

    Raises:
        ConfigError: The texts alone need more pieces.
    """
    original = tokenizer.get_vocab()
    pieces = sorted(original, key=original.__getitem__)
    needed = {piece for text in texts for piece in tokenizer.tokenize(text)}
    needed |= {*SPECIAL, *CHARACTERS, *(f"##{character}" for character in CHARACTERS)} & set(original)
    if len(needed) > vocab_size:
        raise ConfigError(f"vocab_size is {vocab_size}, expected at least the {len(needed)} pieces of the texts")
    plain = (p for p in pieces if p not in needed and p.isascii() and p.removeprefix("##").isalpha())
    kept = needed | set(islice(plain, vocab_size - len(needed)))
    vocabulary = {piece: i for i, piece in enumerate(p for p in pieces if p in kept)}
    return BertTokenizerFast(vocab=vocabulary, do_lower_case=True)


def train_clip_tokenizer(texts: Iterable[str], vocab_size: int, max_length: int, folder: Path) -> CLIPTokenizer:
    """Byte-pair encoding in the layout of CLIP's: all bytes, all bytes as ends of words, merges, two special tokens.

    Any text comes back from its tokens, but for case and spaces. The same texts give the same vocabulary.

    Args:
        texts: Sentences.
        vocab_size: Largest number of entries in the vocabulary, at least 514.
        max_length: Largest number of tokens of a sentence, including the two special ones.
        folder: Folder in which the tokenizer is saved.
    """
    alphabet = sorted(ByteLevel.alphabet())
    pieces = [*alphabet, *(byte + CLIP_WORD_END for byte in alphabet)]
    learner = Tokenizer(BPE(end_of_word_suffix=CLIP_WORD_END))
    learner.normalizer = Sequence([NFC(), Lowercase()])
    learner.pre_tokenizer = PreTokenizers(
        [Split(CLIP_WORDS, "removed", invert=True), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trainer = BpeTrainer(
        vocab_size=vocab_size - len(CLIP_SPECIAL),
        special_tokens=pieces,  # else the ends of words are numbered anew in each run, which decides ties
        end_of_word_suffix=CLIP_WORD_END,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    merges = [tuple(merge) for merge in json.loads(learner.to_str())["model"]["merges"]]
    vocabulary = dict.fromkeys([*pieces, *map("".join, merges), *CLIP_SPECIAL])  # two merges may give one piece
    folder.mkdir(parents=True, exist_ok=True)
    ids = {piece: i for i, piece in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *map(" ".join, merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True, model_max_length=max_length)
    write_tokenizer(folder, tokenizer)
    return tokenizer
