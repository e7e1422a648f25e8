"""Tokens of the frozen language encoder, once per sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mdsm_ros.models.common.language import LanguageEncoder, TextFeatures
from training.features.fingerprint import of_module, of_texts
from training.features.store import RowStore

BATCH = 64  # sentences


class SentenceFeatures:
    """The language encoder's tokens of known sentences.

    Args:
        store: Store with one row per token, sentence after sentence.
        spans: First row and number of rows of each sentence.
    """

    def __init__(self, store: RowStore, spans: dict[str, tuple[int, int]]) -> None:
        self._store, self._spans = store, spans

    def get(self, texts: Sequence[str]) -> TextFeatures:
        """Returns the language features of B sentences, padded to the longest one."""
        spans = [self._spans[text] for text in texts]
        rows = [row for first, count in spans for row in range(first, first + count)]
        (values,) = self._store.get(rows)
        longest = max(count for _, count in spans)
        tokens = np.zeros((len(texts), longest, values.shape[1]), dtype=np.float32)
        mask = np.zeros((len(texts), longest), dtype=bool)
        begin = 0
        for i, (_, count) in enumerate(spans):
            tokens[i, :count], mask[i, :count] = values[begin : begin + count], True
            begin += count
        return TextFeatures(torch.from_numpy(tokens), torch.from_numpy(mask))


@torch.inference_mode()
def cache_texts(language: LanguageEncoder, texts: Iterable[str], folder: Path) -> SentenceFeatures:
    """Returns the tokens of every sentence; computes those missing in the folder.

    Args:
        language: Frozen language encoder.
        texts: Sentences; duplicates are encoded once.
        folder: Folder of the tokens; tokens of an interrupted call are reused.
    """
    language.eval()
    unique = sorted(set(texts), key=lambda text: (len(text), text))  # sentences of similar length are in one batch
    lengths = language.lengths(unique)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    identity = {"encoder": of_module(language), "sentences": of_texts(unique)}
    store = RowStore(folder, identity, [(language.bert.dim,)], int(ends[-1]))
    missing = set(np.searchsorted(ends, store.missing(), side="right").tolist())
    with tqdm(total=len(missing), desc="text features", unit="sentence", disable=None, mininterval=2.0) as progress:
        waiting = sorted(missing)
        for first in range(0, len(waiting), BATCH):
            chosen = waiting[first : first + BATCH]
            features = language([unique[i] for i in chosen])
            rows = np.concatenate([np.arange(starts[i], ends[i]) for i in chosen])
            store.put(rows.tolist(), [features.tokens[features.mask].float().cpu().numpy()])
            progress.update(len(chosen))
    spans = {text: (int(start), int(count)) for text, start, count in zip(unique, starts, lengths, strict=True)}
    return SentenceFeatures(store, spans)
