"""Checks: what a report must refuse, and what it must say beside numbers."""

from __future__ import annotations

import warnings

import keras
import numpy as np

from tfprune.compress import recalibrate
from tfprune.core import progress
from tfprune.core import units
from tfprune.graph import cost
from tfprune.graph import leaves
from tfprune.graph import model_graph
from tfprune.optimizers import pruning_optimizer

_UNTRAINED = (
    "pruned model was trained with a plain optimizer: its masks were never "
    "updated. Compile with tfprune.PruningOptimizer(...)"
)


def check(model: keras.Model) -> None:
    """Raises unless a model can be reported."""
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"`model` must be a Keras 3 model. Received: {type(model)}. A "
            "tf_keras (Keras 2) model must be saved and loaded with Keras 3."
        )
    if not model.built:
        raise ValueError(
            f"`model` must be built. Received: model={model.name!r}, not "
            "built. Give it a keras.Input, or call it once."
        )


def notes(graph: model_graph.ModelGraph, found: list) -> list[str]:
    """What is wrong with a model, or not known of it.

    Args:
        graph: `ModelGraph` of the model.
        found: List of `Leaf`.
    """
    model = graph.model
    made = []
    if _is_untouched(model):
        warnings.warn(_UNTRAINED, stacklevel=3)
        made.append(_UNTRAINED)
    pruned = units.tagged(model.variables)
    made += progress.shortfalls(pruned)
    made.append(_overwritten(pruned))
    made.append(graph.assumption)
    made.append(_dynamic_dimensions(found, graph.calls))
    made.append(_no_kernels(found))
    made.append(recalibrate.untrained(model))
    return [note for note in made if note]


def _overwritten(pruned):
    found = progress.overwritten(pruned)
    return found and (
        "weights are not zero where masks say so, and are masked in the next "
        "step: were they set, or brought back from an epoch inside of the "
        "ramp (see tfprune.callbacks.AtTarget)? "
        f"{progress.names(found)}"
    )


def _is_untouched(model):
    """A plain optimizer has made steps, and no mask has seen one."""
    optimizer = getattr(model, "optimizer", None)
    is_plain = pruning_optimizer.inside(optimizer) is None
    if not is_plain or not optimizer or not int(optimizer.iterations):
        return False
    found = [x for x in units.tagged(model.variables) if not x.frozen]
    return bool(found) and not any(map(_was_touched, found))


def _was_touched(unit):
    masks = [np.array(target.mask) for target in unit.targets]
    return int(np.array(unit.updates)) > 0 or not all(map(np.all, masks))


def _dynamic_dimensions(found, calls):
    names = [
        leaf.address
        for leaf in found
        if any(map(cost.is_multiplied, leaf.parameters))
        and cost.is_dynamic(leaf.layer, calls.get(id(leaf.layer)))
    ]
    return names and (
        "MACs count dynamic dimensions as 1. Give the model an input "
        "of fixed shape, its own layers a compute_output_shape: "
        f"{', '.join(names)}"
    )


def _no_kernels(found):
    names = [
        leaf.address
        for leaf in found
        if any(len(v.shape) > 1 for v in leaf.parameters)
        and not any(map(leaves.is_kernel, leaf.parameters))
    ]
    return names and (
        "MACs and sparsity count arrays whose name ends in 'kernel' or "
        f"'embeddings'; these layers have none: {', '.join(names)}"
    )
