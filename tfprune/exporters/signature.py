"""signature: any model as a function from flat inputs to named outputs."""

from __future__ import annotations

import collections

import keras

from tfprune.graph import examples


def call(model: keras.Model, inputs) -> dict:
    """Outputs by name; no state is updated.

    Args:
        model: Sequential or Functional model.
        inputs: Sequence of tensors in the order of `model.inputs`.
    """
    outputs = keras.tree.flatten(examples.call(model, *inputs))
    return dict(zip(_names(model), outputs, strict=True))


def _names(model):
    """The keys of a dict of outputs, or the layers that they come from."""
    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    if isinstance(model.output, dict):
        names = ["_".join(map(str, path)) for path, _ in _flat(model.output)]
    else:
        names = model.output_names
    seen, count = collections.Counter(), collections.Counter(names)
    unique = []
    for name in names:
        unique.append(f"{name}_{seen[name]}" if count[name] > 1 else name)
        seen[name] += 1
    return unique


def _flat(structure):
    return keras.tree.flatten_with_path(structure)
