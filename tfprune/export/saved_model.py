"""SavedModel with stock operations and one copy of each variable.

`keras.Model.export` stores every variable twice.
"""

from __future__ import annotations

import keras
import tensorflow as tf


def save(model: keras.Model, path) -> None:
    """Writes a SavedModel whose `serving_default` maps inputs to outputs.

    Args:
        model: Keras model, built.
        path: Folder to make.
    """
    module = tf.Module()
    module.held = [variable.value for variable in model.weights]
    signature = [
        tf.TensorSpec((None, *x.shape[1:]), x.dtype, name=x.name)
        for x in model.inputs
    ]
    names = model.output_names

    @tf.function(input_signature=signature)
    def serve(*inputs):
        inputs = inputs[0] if len(inputs) == 1 else list(inputs)
        outputs = keras.tree.flatten(model(inputs, training=False))
        return dict(zip(names, outputs, strict=True))

    module.serve = serve
    tf.saved_model.save(module, str(path), {"serving_default": serve})


def load(path):
    """Returns a callable on arrays: a SavedModel as a server runs it."""
    module = tf.saved_model.load(str(path))

    def predict(*inputs):
        outputs = list(module.serve(*map(tf.constant, inputs)).values())
        return outputs[0] if len(outputs) == 1 else outputs

    return predict
