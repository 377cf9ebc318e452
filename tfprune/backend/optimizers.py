"""What tfprune does to optimizers of Keras that they have no name for."""

from __future__ import annotations

import contextlib

import tensorflow as tf

from tfprune.backend import variables as variables_lib

_SEAM = "_all_reduce_sum_gradients"
# What Keras' `SwapEMAWeights` asks of an optimizer in a LossScaleOptimizer.
AVERAGES = "_model_variables_moving_average"


def sum_over_replicas(gradients: list) -> list:
    """The gradients summed over replicas; None stays None."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return list(gradients)
    present = [gradient for gradient in gradients if gradient is not None]
    summed = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [None if g is None else next(summed) for g in gradients]


@contextlib.contextmanager
def reduced(optimizer, gradients: list):
    """Yields the gradients summed over replicas, for an optimizer inside.

    It takes them as they are, and so does any optimizer inside of it that
    asks for the same.

    Args:
        optimizer: Keras optimizer that is to apply them.
        gradients: List of tensors or None.
    """
    # All replicas have asked before the first one gets its sum.
    if any(_SEAM in vars(inner) for inner in innermost(optimizer)):
        yield list(gradients)
        return
    gradients = sum_over_replicas(gradients)
    with already_reduced(optimizer):
        yield gradients


@contextlib.contextmanager
def already_reduced(optimizer):
    """Makes an optimizer take its gradients as they are.

    A Keras optimizer sums gradients over replicas by itself; those that are
    summed already would come out multiplied by the number of replicas.
    """
    found = innermost(optimizer)
    for inner in found:
        if not hasattr(inner, _SEAM):
            raise RuntimeError(
                f"Keras' optimizers have no `{_SEAM}` any more, which tfprune "
                "needs to reduce gradients once. Received: "
                f"{type(inner).__name__} of this Keras version. Use a Keras "
                "version that tfprune was tested with."
            )
        vars(inner)[_SEAM] = lambda gradients_and_variables: (
            gradients_and_variables
        )
    try:
        yield
    finally:
        # Replicas wait for each other inside, and then leave one by one.
        for inner in found:
            vars(inner).pop(_SEAM, None)


def innermost(optimizer) -> list:
    """The optimizers that update weights: several in a MultiOptimizer."""
    if hasattr(optimizer, "inner_optimizer"):
        return innermost(optimizer.inner_optimizer)
    inside = getattr(optimizer, "optimizers", [optimizer])
    if inside == [optimizer]:
        return [optimizer]
    return [found for one in inside for found in innermost(one)]


def learning_rates(optimizer, variables) -> list:
    """The learning rates at which an optimizer will update variables.

    Args:
        optimizer: Keras optimizer, built.
        variables: List of Keras variables.

    Returns:
        List of scalar tensors, one and the same for those that one optimizer
        updates; None for a variable that none does.
    """
    rates = [None] * len(variables)
    for inner in innermost(optimizer):
        rate = variables_lib.read(inner.learning_rate)
        own = {id(variable) for variable in inner._trainable_variables}
        rates = [
            rate if id(variable) in own else old
            for variable, old in zip(variables, rates, strict=True)
        ]
    return rates


def averages(optimizer) -> dict:
    """The averages that an optimizer keeps, by the id of their variables."""
    return {
        id(variable): average
        for inner in innermost(optimizer)
        if inner.use_ema
        for variable, average in zip(
            inner._trainable_variables, getattr(inner, AVERAGES), strict=True
        )
        if average is not None
    }
