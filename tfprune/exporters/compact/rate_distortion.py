"""choose_bits: how many values each layer gets, for the fewest bytes."""

from __future__ import annotations

import numbers
import typing

import keras

from tfprune import backend
from tfprune.compress import quantize
from tfprune.exporters.compact import arrays
from tfprune.graph import traversal
from tfprune.utils import validation

_TRIES = 12


class Choice(typing.NamedTuple):
    """One layer with one kind of values.

    Args:
        values: As of `quantize_weights`.
        size: Integer, bytes of its weights in a compact file.
        loss: Float, of the model where only this layer has them, beyond that
            of the model itself.
    """

    values: int | str
    size: int
    loss: float


def choose_bits(
    model: keras.Model,
    evaluate: typing.Callable[[keras.Model], float],
    tolerance: float,
) -> dict[str, int | str]:
    """Chooses the codebook of each layer by its rate and its distortion.

    Each layer alone is given codebooks of 2 to 6 bits, and float16. Of these
    the ones are taken that together are smallest where losses add up to an
    allowance, which is halved until the loss of the whole is within the
    tolerance.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        evaluate: Callable, a model to its loss on examples that are neither
            trained on nor tested on. It is called six times a layer,
            and at most 13 times more.
        tolerance: Float from 0 on, what the loss may grow by.

    Returns:
        Dict, name of a layer to its values, for `quantize_weights`.

    Raises:
        ValueError: for a negative tolerance, or what `quantize_weights`
            refuses.
    """
    is_number = isinstance(tolerance, numbers.Real)
    fits = is_number and tolerance >= 0
    validation.check("tolerance", tolerance, fits, "a number from 0 on")
    most = evaluate(model)
    choices = _choices(model, evaluate, most)
    allowance = tolerance
    for _ in range(_TRIES):
        chosen = cheapest(choices, allowance)
        small = quantize.quantize_weights(model, chosen)
        if evaluate(small) <= most + tolerance:
            return chosen
        allowance /= 2
    return dict.fromkeys(choices, "float16")


def cheapest(
    choices: dict[str, list[Choice]], allowance: float
) -> dict[str, int | str]:
    """Fewest bytes with losses of at most an allowance, step by step.

    Args:
        choices: Dict, name of a layer to its choices.
        allowance: Float.

    Returns:
        Dict, name of a layer to its values.
    """
    now = {name: min(own, key=_by_loss) for name, own in choices.items()}
    while True:
        spent = sum(max(one.loss, 0) for one in now.values())
        steps = [
            (_gain(now[name], other), name, other)
            for name, own in choices.items()
            for other in own
            if other.size < now[name].size
            and spent - max(now[name].loss, 0) + max(other.loss, 0) <= allowance
        ]
        if not steps:
            return {name: one.values for name, one in now.items()}
        _, name, other = max(steps, key=lambda step: step[0])
        now[name] = other


def _by_loss(choice):
    return max(choice.loss, 0), choice.size


def _gain(one, other):
    """Bytes saved for each unit of loss."""
    cost = max(other.loss, 0) - max(one.loss, 0)
    return (one.size - other.size) / max(cost, 1e-12)


def _choices(model, evaluate, loss):
    names = [
        layer.name
        for layer in traversal.walk(model)
        if not traversal.is_container(layer) and layer.weights
    ]
    return {
        name: [
            _choice(model, name, values, evaluate, loss)
            for values in (*quantize.BITS, "float16")
        ]
        for name in names
    }


def _choice(model, name, values, evaluate, loss):
    small = quantize.quantize_weights(model, {name: values})
    layer = next(x for x in traversal.walk(small) if x.name == name)
    size = len(arrays.encode(map(backend.to_numpy, layer.weights)))
    return Choice(values, size, evaluate(small) - loss)
