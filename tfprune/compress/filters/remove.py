"""remove_filters: a physically smaller ordinary Keras model."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import result
from tfprune.compress.filters import own_class
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters.operations import registry
from tfprune.graph import cloning
from tfprune.graph import equivalence
from tfprune.graph import rebuilding
from tfprune.graph import traversal


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FilterRemoval(result.Compressed):
    """A model with fewer filters, and the plan that it follows.

    Args:
        plan: `RemovalPlan`: what each layer lost, and what stays, and why.
    """

    plan: removal_plan.RemovalPlan

    def lines(self) -> list[str]:
        return str(self.plan).splitlines()


def remove_filters(model: keras.Model, divisor: int = 1) -> FilterRemoval:
    """Makes an ordinary, smaller Keras model that infers the same.

    Filters and units are removed that give zeros, or constants that the layers
    which read them can do without: see `plan_removal`, which tells beforehand.
    `filters`, `units` and the like are smaller in the configs, weights are
    gathered, names are kept. The result is compared with the model on random
    input before it is returned.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        divisor: Integer: filters stay so that each layer has a multiple of
            it, where it has enough. Defaults to 1.

    Returns:
        A `FilterRemoval`. Its `model` needs no tfprune and is not compiled. Of
        a subclass of Functional, such as the backbones of KerasHub, it is one
        again where the numbers of its config can say what is left. A
        layer that is shared between nested models is one in each of them, as
        Keras loads it.

    Raises:
        ValueError: for a subclassed model, one that is not stripped, or a
            `divisor` below 1.
        RuntimeError: if the result differs from the model. The model is as
            it was.

    Example:

    ```python
    found = tfprune.remove_filters(tfprune.strip(model))
    print(found)
    found.model.save("small.keras")  # loads without tfprune
    ```
    """
    plan = removal_plan.plan_removal(model, divisor)
    graph = plan.graph.model_graph
    small = rebuilding.rebuild(graph, _changes(plan))
    _copy_weights(graph.model, small, plan, _functions(plan))
    equivalence.check(model, small)
    small = own_class.remade(model, small)
    return FilterRemoval(
        model=small, plan=plan, class_change=result.class_change(model, small)
    )


def _changes(plan):
    """What changes of the layers that hold or lose channels."""
    configs, arguments, models = {}, {}, {}
    for call, labels in plan.graph.shapes:
        key, own = id(call.operation), registry.of(call.operation)
        stays = _stays(plan, labels)
        configs[key] = own.rebuild(call, stays)
        arguments[key] = own.recall(call, stays)
        models[key] = own.replace(call, stays)
    for layer in plan.biases:
        configs[layer]["use_bias"] = True
    return rebuilding.Changes(configs, arguments, models)


def _functions(plan):
    """Id of a variable to what is made of the entries that stay."""
    return {
        id(variable): function
        for call, labels in plan.graph.shapes
        for variable, function in registry.of(call.operation).rescale(
            call, _stays(plan, labels)
        )
    }


def _stays(plan, labels):
    return keras.tree.map_structure(lambda x: ~plan.removed[x], labels)


def _copy_weights(model, small, plan, functions):
    """Gathers what stays of all variables."""
    for layer, copied in zip(model.layers, small.layers, strict=True):
        copied.name = layer.name  # Some constructors make another one of it.
        if traversal.is_container(layer):
            _copy_weights(layer, copied, plan, functions)
        else:
            _copy_layer(layer, copied, plan, functions)


def _copy_layer(layer, copied, plan, functions):
    added = plan.biases.get(id(layer))
    is_new = added is not None and layer.bias is None
    variables = [
        x for x in copied.variables if not (is_new and x is copied.bias)
    ]
    for old, new in zip(layer.variables, variables, strict=True):
        kept = _gathered(old, backend.to_numpy(old), plan)
        new.assign(functions.get(id(old), np.asarray)(kept))
    if added is not None:
        bias = 0 if is_new else backend.to_numpy(layer.bias)
        (made,) = [
            axis
            for axis in plan.graph.axes
            if axis.layer is layer and axis.role == "filter"
        ]
        copied.bias.assign((bias + added)[~plan.removed[made.channels]])
    if type(layer) is type(copied):
        cloning.copy_assets(layer, copied)
    cloning.refresh(copied)


def _gathered(variable, value, plan):
    for axis in range(value.ndim):
        kept = plan.kept.get((id(variable), axis))
        value = value if kept is None else value.take(kept, axis)
    return value
