"""fixed_sizes: what layers are called on, of a model that leaves sizes open."""

from __future__ import annotations

import keras

from tfprune.graph import examples
from tfprune.layers import prunable
from tfprune.utils import validation


def shapes(model: keras.Model, given: list | None = None) -> list[tuple]:
    """The shapes of a model's inputs, without batch, with no size open.

    Args:
        model: Sequential or Functional model.
        given: List of tuples of integers, the shape of each input without
            batch, in the order of `model.inputs`; or one tuple for one input.
            Defaults to None: sizes that are open are 32, or half of it and so
            on where that is more than the model takes.

    Raises:
        ValueError: for shapes that are not those of the inputs.
    """
    if given is None:
        size = examples.greatest(model)
        return [tuple(x or size for x in own.shape[1:]) for own in model.inputs]
    given = _listed(given)
    fits = len(given) == len(model.inputs) and all(
        map(_fits, given, (x.shape[1:] for x in model.inputs))
    )
    expected = ", ".join(str(own.shape[1:]) for own in model.inputs)
    validation.check("shapes", given, fits, f"like those of inputs: {expected}")
    return given


def calls(graph, sizes: list[tuple]) -> dict[int, list]:
    """As `ModelGraph.calls`, seen while the model runs on an example.

    Of symbolic tensors some layers of Keras do not tell all sizes.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.
        sizes: As `shapes` gives them.
    """
    found: dict[int, list] = {}

    def step(call):
        layer = call.operation
        if isinstance(layer, keras.layers.InputLayer):
            return call.inputs
        inner = layer.layer if isinstance(layer, prunable.Prunable) else layer
        shapes = [(None, *x.shape[1:]) for x in call.inputs]
        found.setdefault(id(inner), []).append(shapes)
        return call(call.inputs)

    inputs = examples.random(graph.model, 1, shapes=sizes)
    # What layers write while they run is forgotten.
    with keras.StatelessScope():
        graph.follow([keras.ops.convert_to_tensor(x) for x in inputs], step)
    return found


def are_known(calls: dict[int, list]) -> bool:
    """Whether no size beside that of the batch is open in calls."""
    return not any(
        None in shape[1:]
        for own in calls.values()
        for shapes in own
        for shape in shapes or ()
    )


def _fits(shape, own):
    """Whether a shape closes what another one leaves open."""
    return len(shape) == len(own) and all(
        isinstance(x, int) and x > 0 and y in (x, None)
        for x, y in zip(shape, own, strict=True)
    )


def _listed(given):
    several = bool(given) and isinstance(given[0], (list, tuple))
    return [tuple(shape) for shape in (given if several else [given])]
