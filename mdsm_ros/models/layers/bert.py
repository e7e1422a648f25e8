"""BERT's encoder (arXiv 1810.04805), with the names of transformers' BertModel, without its pooler."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from mdsm_ros.models.layers.recompute import Recomputing

POSITIONS = 512
SEGMENTS = 2
EPSILON = 1e-12
INIT_DEVIATION = 0.02


class Embeddings(nn.Module):
    """The sum of word, segment and position embeddings."""

    def __init__(self, vocab_size: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, dim, padding_idx=0)
        self.position_embeddings = nn.Embedding(POSITIONS, dim)
        self.token_type_embeddings = nn.Embedding(SEGMENTS, dim)
        self.LayerNorm = nn.LayerNorm(dim, eps=EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(B, T) -> (B, T, D); all words belong to the first segment."""
        words = self.word_embeddings(ids) + self.token_type_embeddings(torch.zeros_like(ids))
        places = self.position_embeddings(torch.arange(ids.shape[1], device=ids.device)[None])
        embedded: torch.Tensor = self.dropout(self.LayerNorm(words + places))
        return embedded


class SelfAttention(nn.Module):
    """Self-attention of the words."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.dropout = dropout

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(B, T, D) -> (B, T, D); ``mask`` is (B, 1, T, T) bool, True for words that may be attended to."""
        query, key, value = (
            part(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        dropout = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        return seen.transpose(1, 2).flatten(2)


class Added(nn.Module):
    """A linear layer whose output is added to the residual and normalised."""

    def __init__(self, width: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(width, dim)
        self.LayerNorm = nn.LayerNorm(dim, eps=EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """(B, T, W) and (B, T, D) -> (B, T, D)."""
        normed: torch.Tensor = self.LayerNorm(self.dropout(self.dense(x)) + before)
        return normed


class Layer(nn.Module):
    """Attention and a feed-forward network."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": SelfAttention(dim, heads, dropout), "output": Added(dim, dim, dropout)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(dim, 4 * dim)})
        self.output = Added(4 * dim, dim, dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = self.attention["output"](self.attention["self"](x, mask), x)
        result: torch.Tensor = self.output(functional.gelu(self.intermediate["dense"](x)), x)
        return result


class Encoder(nn.Module):
    """The layers, under transformers' name."""

    def __init__(self, dim: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(dim, heads, dropout) for _ in range(layers))


class Bert(Recomputing):
    """Computes language features of tokens.

    Args:
        vocab_size: Number of tokens; the first one is padding.
        dim: Width of the features.
        layers: Number of layers.
        heads: Number of attention heads.
        dropout: Dropout probability in training.
    """

    def __init__(self, vocab_size: int, dim: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.dim = dim
        self.embeddings = Embeddings(vocab_size, dim, dropout)
        self.encoder = Encoder(dim, layers, heads, dropout)
        self.apply(_initialize)

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return self.embeddings.word_embeddings.weight.device

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Token ids (B, T) and their mask (B, T), nonzero for tokens that are not padding -> features (B, T, D)."""
        return self._encode(ids, None if mask.all() else mask)  # attention without padding uses a faster kernel

    def encode(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Computes what :meth:`forward` does by the same operations for every mask, as an exported graph must."""
        return self._encode(ids, mask)

    def _encode(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        x: torch.Tensor = self.embeddings(ids)
        seen = None if mask is None else mask.bool()[:, None, None, :].expand(-1, -1, ids.shape[1], -1)
        for layer in self.encoder.layer:
            x = self.run(layer, x, seen)
        return x


@torch.no_grad()
def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        module.weight.normal_(std=INIT_DEVIATION)
    if isinstance(module, nn.Linear):
        module.bias.zero_()
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        module.weight[module.padding_idx].zero_()
