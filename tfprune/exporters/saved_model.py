"""SavedModel with stock operations and one copy of each variable.

`keras.Model.export` stores every variable twice.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfprune import backend
from tfprune.exporters import signature
from tfprune.graph import traversal
from tfprune.layers import sparse


def save(model: keras.Model, path) -> None:
    """Writes a SavedModel whose `serving_default` maps inputs to outputs.

    One with sparse layers needs the op library: `tf.load_op_library` of
    `tfprune.ops.library.PATH` comes before `tf.saved_model.load`.

    Args:
        model: Keras model, built.
        path: Folder to make.
    """
    below = traversal.walk(model)
    for layer in below:
        if isinstance(layer, sparse.Sparse):
            layer.refresh()
    module = tf.Module()
    module.held = [variable.value for variable in backend.state(model)]
    module.tables = [table for layer in below for table in _tables(layer)]
    specs = [tf.TensorSpec(x.shape, x.dtype, name=x.name) for x in model.inputs]

    @tf.function(input_signature=specs)
    def serve(*inputs):
        return signature.call(model, inputs)

    module.serve = serve
    tf.saved_model.save(module, str(path), {"serving_default": serve})


def _tables(layer):
    """What a layer looks up in, which is no variable: vocabularies."""
    kind = tf.saved_model.experimental.TrackableResource
    return [own for own in vars(layer).values() if isinstance(own, kind)]


def load(path):
    """A callable: arrays to a dict of arrays, as a server answers."""
    module = tf.saved_model.load(str(path))
    return lambda *inputs: module.serve(*map(tf.constant, inputs))
