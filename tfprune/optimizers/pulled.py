"""Pulled: the kernels of a model that a force acts on."""

from __future__ import annotations

import typing

import keras

from tfprune import backend
from tfprune.core import force as force_lib


class Pulled(typing.NamedTuple):
    """A kernel whose filters are pulled.

    Args:
        variable: Keras variable.
        factor: Float, of the strength.
        groups: Integer, of a convolution.
    """

    variable: keras.Variable
    factor: float
    groups: int


def by_layer(variables) -> dict[str, keras.Variable]:
    """Returns the kernels among some variables by the names of their layers.

    Where a name is there before, it is the whole path, without the kernel's.
    """
    found = {}
    for variable in variables:
        if variable.name.endswith("kernel") and len(variable.shape) > 1:
            path, _, _ = variable.path.rpartition("/")
            layer = path.rpartition("/")[2]
            found[path if layer in found else layer] = variable
    return found


def choose(
    force: force_lib.Force, kernels: dict, groups: dict[str, int]
) -> list[Pulled]:
    """Returns the kernels that a force is to act on.

    Args:
        force: `Force`.
        kernels: Dict, name of a layer to its kernel.
        groups: Dict, name of a layer to the groups of its convolution; 1 for
            those that are not there.
    """
    shapes = {name: tuple(x.shape) for name, x in kernels.items()}
    factors = force.multipliers(shapes)
    return [
        Pulled(kernels[name], factor, groups.get(name, 1))
        for name, factor in factors.items()
    ]


def add(
    force: force_lib.Force, pulled: list[Pulled], gradients: dict, step
) -> dict:
    """Returns the gradients with the force on some of them.

    Args:
        force: `Force`.
        pulled: List of `Pulled`.
        gradients: Dict, id of a variable to its gradient or None.
        step: Integer scalar tensor, completed updates.
    """
    found = dict(gradients)
    for variable, factor, groups in pulled:
        gradient = gradients.get(id(variable))
        if gradient is not None:
            found[id(variable)] = force(
                gradient, backend.read(variable), step, factor, groups
            )
    return found
