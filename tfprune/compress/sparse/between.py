"""between: attention and normalizations, which lie between sparse layers."""

from __future__ import annotations

import keras

from tfprune import ops
from tfprune.graph import model_graph
from tfprune.layers import fused_attention
from tfprune.layers import fused_normalization

_NORMS: dict = {
    keras.layers.LayerNormalization: (
        fused_normalization.FusedLayerNormalization
    ),
    keras.layers.RMSNormalization: fused_normalization.FusedRMSNormalization,
}


def fused(graph: model_graph.ModelGraph) -> dict:
    """Id of a layer or operation to one that does the same in one pass.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.
    """
    if ops.library.load().ops is None:
        return {}
    found = {
        id(layer): _NORMS[type(layer)].from_layer(layer)
        for layer in graph.leaves
        if type(layer) in _NORMS
    }
    for model in graph.models:
        for operation in getattr(model, "operations", ()):
            if _is_attention(operation):
                make = fused_attention.FusedAttention.from_operation
                found[id(operation)] = make(operation)
    return found


def _is_attention(operation):
    """Whether it is what keras.ops.dot_product_attention makes, as it is."""
    kind = type(operation)
    return (
        kind.__module__.startswith("keras.")
        and kind.__name__ == "DotProductAttention"
        and not operation.flash_attention
        and operation.attn_logits_soft_cap is None
    )
