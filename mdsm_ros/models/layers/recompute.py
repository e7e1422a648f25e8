"""Gradient checkpointing: activations are computed again in the backward pass instead of being stored."""

from __future__ import annotations

from typing import Any

from torch import nn


class Recomputing(nn.Module):
    """A network whose layers can be recomputed.

    Attributes:
        recompute: Whether training saves memory in this way.
    """

    recompute = False

    def run(self, layer: nn.Module, *inputs: Any) -> Any:
        """Calls a layer; its activations are not stored if ``recompute`` is set and the network trains."""
        if not (self.recompute and self.training):
            return layer(*inputs)
        from torch.utils.checkpoint import checkpoint

        return checkpoint(layer, *inputs, use_reentrant=False)
