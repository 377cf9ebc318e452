"""depth: blocks whose shortcut is all that is left of them."""

from __future__ import annotations

from tfprune.compress.filters import constant_propagation
from tfprune.graph import cloning
from tfprune.graph import model_graph
from tfprune.graph import rebuilding
from tfprune.graph import traversal


def without_idle(graph: model_graph.ModelGraph) -> model_graph.ModelGraph:
    """The graph of a model without what adds nothing but zeros.

    An addition of which one side is zero, whatever the model is given, gives
    the other side. What was computed for the first alone goes with it.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.

    Returns:
        `ModelGraph` of a new model, or `graph` where nothing is idle.
    """
    idle = constant_propagation.idle(graph)
    if not idle:
        return graph
    shallow = rebuilding.rebuild(graph, rebuilding.Changes(bypassed=idle))
    _copy_weights(graph, graph.model, shallow, idle)
    return model_graph.ModelGraph(shallow)


def _copy_weights(graph, model, shallow, idle):
    found = graph.nodes(model)
    passed = {x.name for x in found.operations.values() if id(x) in idle}
    needed = found.needed(idle) - passed
    layers = {x.name: x for x in model.layers if x.name in needed}
    copies = [x for x in shallow.layers if x.name not in passed]
    if set(layers) == {x.name for x in copies}:
        # Without a branch they may come in another order.
        copies = [shallow.get_layer(name) for name in layers]
    for layer, copied in zip(layers.values(), copies, strict=True):
        copied.name = layer.name  # Some constructors make another one of it.
        if traversal.is_container(layer):
            _copy_weights(graph, layer, copied, idle)
            continue
        for old, new in zip(layer.variables, copied.variables, strict=True):
            new.assign(old)
        cloning.copy_assets(layer, copied)
        cloning.refresh(copied)
