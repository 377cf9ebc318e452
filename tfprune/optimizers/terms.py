"""Terms: what is added to gradients before the inner optimizer.

A gradient term is a function of a gradient, the weight, the completed updates
and what is known of the layer,

    term(gradient, weight, step, **own) -> gradient

such as `tfprune.core.force.Force` or one of `Pruner.terms`.
"""

from __future__ import annotations

import typing

import keras

from tfprune import backend
from tfprune.core import force as force_lib


class Bound(typing.NamedTuple):
    """A gradient term and a variable that it acts on.

    Args:
        term: Callable, as above.
        variable: Keras variable.
        own: Dict, keyword to what the term is told of this variable.
    """

    term: typing.Callable
    variable: keras.Variable
    own: dict[str, typing.Any]


def add(bound: list[Bound], gradients: dict, step) -> dict:
    """The gradients, some of them with terms.

    Args:
        bound: List of `Bound`; the ones of one variable act in this order.
        gradients: Dict, id of a variable to its gradient or None.
        step: Integer scalar tensor, completed updates.
    """
    found = dict(gradients)
    for term, variable, own in bound:
        gradient = found.get(id(variable))
        if gradient is not None:
            found[id(variable)] = term(
                gradient, backend.read(variable), step, **own
            )
    return found


def by_layer(variables) -> dict[str, keras.Variable]:
    """The kernels among some variables by the names of their layers.

    Where a name is there before, it is the whole path, without the kernel's.
    """
    found = {}
    for variable in variables:
        if variable.name.endswith("kernel") and len(variable.shape) > 1:
            path, _, _ = variable.path.rpartition("/")
            layer = path.rpartition("/")[2]
            found[path if layer in found else layer] = variable
    return found


def bind(
    force: force_lib.Force, kernels: dict, groups: dict[str, int]
) -> list[Bound]:
    """A force and the kernels that it is to act on.

    Args:
        force: `Force`.
        kernels: Dict, name of a layer to its kernel.
        groups: Dict, name of a layer to the groups of its convolution; 1 for
            those that are not there.
    """
    shapes = {name: tuple(x.shape) for name, x in kernels.items()}
    factors = force.multipliers(shapes)
    return [
        Bound(
            force,
            kernels[name],
            {"factor": factor, "groups": groups.get(name, 1)},
        )
        for name, factor in factors.items()
    ]
