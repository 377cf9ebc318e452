"""inference: a model as a function whose weights are constants."""

from __future__ import annotations

import functools

import keras
import tensorflow as tf

from tfprune import backend
from tfprune.compress import strip
from tfprune.graph import examples
from tfprune.graph import fixed_sizes
from tfprune.utils import validation


def to_function(
    model: keras.Model,
    batch_size: int | None = None,
    shapes: list | None = None,
):
    """The inference of a model as one graph, for many fast calls.

    Weights are constants of the graph, as they are now: what is assigned to the
    model later changes nothing. A small sparse model has many of them and short
    layers, so that reading variables and calling the model take a good part of
    its time; a large one gains little.

    Args:
        model: Sequential or Functional model without `Prunable` layers, of less
            than 2 GB of weights.
        batch_size: Integer, of all calls. Defaults to None: any.
        shapes: List of tuples of integers, the shape of each input without
            batch, of all calls of a model that leaves sizes open. Sizes that
            are known are not asked for again by each layer. Defaults to None:
            as the model has them.

    Returns:
        A callable: tensors or arrays, in the structure of the model's inputs,
        to tensors in the structure of its outputs.

    Raises:
        ValueError: for a subclassed model, one with `Prunable` layers, one that
            changes its variables, or inputs and shapes that are not the
            model's.

    Example:

    ```python
    infer = tfprune.exporters.to_function(tfprune.sparsify(model).model)
    outputs = infer(x)
    ```
    """
    strip.check_stripped(model, "make a function of")
    specs = _specs(model, batch_size, shapes)
    is_chain = isinstance(model, keras.Sequential)
    structure = model.inputs[0] if is_chain else model.input
    run = backend.with_constants(functools.partial(examples.call, model), specs)

    def infer(inputs):
        _check_structure(inputs, structure)
        return run(*map(_tensor, keras.tree.flatten(inputs), specs))

    return infer


def _specs(model, batch_size, shapes):
    sizes = [x.shape[1:] for x in model.inputs]
    if shapes is not None:
        sizes = fixed_sizes.shapes(model, shapes)
    if batch_size is not None:
        validation.check_count("batch_size", batch_size, least=1)
        own = {x.shape[0] for x in model.inputs} - {None}
        fits = own <= {batch_size}
        validation.check("batch_size", batch_size, fits, f"{own}, the model's")
    return [
        tf.TensorSpec((batch_size or x.shape[0], *size), x.dtype, x.name)
        for x, size in zip(model.inputs, sizes, strict=True)
    ]


def _check_structure(inputs, structure):
    try:
        keras.tree.assert_same_structure(structure, inputs)
    except (ValueError, TypeError) as error:
        raise ValueError(
            "`inputs` must have the structure of the model's inputs: "
            f"{keras.tree.map_structure(lambda x: x.name, structure)}. {error}"
        ) from error


def _tensor(x, spec):
    if not tf.is_tensor(x):
        x = tf.convert_to_tensor(x, spec.dtype)
    elif x.dtype != spec.dtype:
        x = tf.cast(x, spec.dtype)
    if not spec.shape.is_compatible_with(x.shape):
        raise ValueError(
            f"`inputs`: input {spec.name!r} must have shape {spec.shape}. "
            f"Received: {x.shape}"
        )
    return x
