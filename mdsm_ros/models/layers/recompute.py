"""Gradient checkpointing: activations are computed again on the way back instead of being kept."""

from __future__ import annotations

from typing import Any

from torch import nn


class Recomputing(nn.Module):
    """A network whose layers can be recomputed.

    Attributes:
        recompute: Whether a training saves memory this way.
    """

    recompute = False

    def run(self, layer: nn.Module, *inputs: Any) -> Any:
        """Calls a layer; its activations are not kept where ``recompute`` is set and the network trains."""
        if not (self.recompute and self.training):
            return layer(*inputs)
        from torch.utils.checkpoint import checkpoint

        return checkpoint(layer, *inputs, use_reentrant=False)
