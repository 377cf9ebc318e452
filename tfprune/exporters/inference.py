"""inference: a model as a function whose weights are constants."""

from __future__ import annotations

import functools

import keras
import tensorflow as tf

from tfprune import backend
from tfprune.compress import strip
from tfprune.graph import examples


def to_function(model: keras.Model):
    """The inference of a model as one graph, for many fast calls.

    Weights are constants of the graph, as they are now: what is assigned to the
    model later changes nothing. A small sparse model has many of them and short
    layers, so that reading variables and calling the model take a good part of
    its time; a large one gains little.

    Args:
        model: Sequential or Functional model without `Prunable` layers, of less
            than 2 GB of weights.

    Returns:
        A callable: tensors or arrays, in the structure of the model's inputs,
        to tensors in the structure of its outputs.

    Raises:
        ValueError: for a subclassed model, or one with `Prunable` layers.

    Example:

    ```python
    infer = tfprune.to_function(tfprune.sparsify(model).model)
    outputs = infer(x)
    ```
    """
    strip.check_stripped(model, "to_function")
    specs = [tf.TensorSpec(x.shape, x.dtype) for x in model.inputs]
    run = backend.with_constants(functools.partial(examples.call, model), specs)

    def infer(inputs):
        flat = keras.tree.flatten(inputs)
        if len(flat) != len(specs):
            raise ValueError(
                f"`inputs` must be {len(specs)} tensors, one for each input of "
                f"the model. Received: {len(flat)}"
            )
        return run(*map(_tensor, flat, specs))

    return infer


def _tensor(x, spec):
    if tf.is_tensor(x) and x.dtype == spec.dtype:
        return x
    return tf.convert_to_tensor(x, spec.dtype)
