"""What layers hold, and how they are built."""

from __future__ import annotations

import keras


def sublayers(layer) -> list:
    """The layers that a layer holds; Keras lists them nowhere else."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def state(layer) -> list:
    """All variables of a layer, the hidden ones of RNNs included."""
    hidden = [getattr(x, "states", None) for x in layer._flatten_layers()]
    hidden = keras.tree.flatten(hidden)
    return layer.variables + [
        x for x in hidden if isinstance(x, keras.Variable)
    ]


def build(layer, config: dict) -> None:
    """Builds a layer as it was built once; one without `build` by tracing.

    Args:
        layer: Keras layer, not built.
        config: Dict, what `get_build_config` gave.
    """
    if type(layer).build is keras.layers.Layer.build and sublayers(layer):
        trace(layer, config)
    if config:
        layer.build_from_config(config)
        layer.built = True


def trace(layer, config: dict) -> None:
    """Runs a layer on symbolic tensors: that builds what is in it.

    Args:
        layer: Keras layer.
        config: Dict, what `get_build_config` gave.
    """
    if "input_shape" not in config:
        return
    inputs = keras.tree.map_shape_structure(
        lambda shape: keras.KerasTensor(shape, layer.compute_dtype),
        config["input_shape"],
    )
    keras.Operation.compute_output_spec(layer, inputs)
