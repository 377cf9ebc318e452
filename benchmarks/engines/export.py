"""Whole nets as files that the engines read: one beside the other."""

from __future__ import annotations

import pathlib
import subprocess
import typing
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from benchmarks.engines import client
from tfprune import backend
from tfprune.compress.sparse import fold
from tfprune.graph import cloning
from tfprune.graph import model_graph

_OPSET = "13"  # Which DeepSparse 1.8 reads.


class Writer(typing.NamedTuple):
    """Writes what the engines need that are to run.

    Args:
        folder: Path.
        inputs: Callable, a model to its inputs: name to array, in order.
        environments: `client.Environments`.
    """

    folder: str
    inputs: typing.Callable
    environments: client.Environments

    def dense(self, model: keras.Model, name: str = "dense") -> pathlib.Path:
        """Writes a net for the engines that no zeros make faster.

        Args:
            model: Keras model.
            name: String, of the files. Defaults to `"dense"`.
        """
        path = self._examples(name, model)
        for_keras(path, model)
        for_tensorflow(path, model, self.inputs(model))
        if self.environments.engines:
            for_litert(path)
        self._for_onnx(path, model)
        return path

    def pruned(
        self, name: str, model: keras.Model, mixed: keras.Model
    ) -> pathlib.Path:
        """Writes a net for the engines that zeros make faster.

        Args:
            name: String, of the files.
            model: Keras model with zeros.
            mixed: What `sparsify` makes of it.
        """
        path = self._examples(name, model)
        for_keras(path, mixed)
        if self.environments.deepsparse:
            for_tensorflow(path, model, self.inputs(model))
        self._for_onnx(path, model)
        return path

    def narrow(self, name: str, model: keras.Model) -> pathlib.Path:
        """Writes a smaller dense net, for TensorFlow only."""
        path = self._examples(name, model)
        for_keras(path, model)
        for_tensorflow(path, model, self.inputs(model))
        return path

    def _examples(self, name, model):
        path = pathlib.Path(self.folder, f"{name}.npz")
        examples(path, model, self.inputs(model))
        return path

    def _for_onnx(self, path, model):
        if self.environments.convert and _saved(path).exists():
            for_onnx(path, self.environments.convert, self.inputs(model))


def images(model: keras.Model, batch: int) -> dict:
    """The input of a net on images, random: its name and the array.

    Args:
        model: Keras model.
        batch: Integer.
    """
    x = np.random.default_rng(1).normal(size=(batch, *model.input_shape[1:]))
    return {"x": x.astype("float32")}


def examples(path: pathlib.Path, model: keras.Model, inputs: dict) -> None:
    """Writes inputs, and what the model makes of them.

    Args:
        path: Of a `.npz` file. What other functions write lies beside it.
        model: Keras model.
        inputs: Dict, name to array, in the order of the model's inputs.
    """
    given = list(inputs.values())
    y = backend.compiled(model)(given if len(given) > 1 else given[0])
    np.savez(path, **inputs, y=y)


def for_keras(path: pathlib.Path, model: keras.Model) -> None:
    """Writes a `.keras` file."""
    model.save(path.with_suffix(".keras"))


def for_tensorflow(
    path: pathlib.Path, model: keras.Model, inputs: dict
) -> None:
    """Writes a SavedModel that is as fast as TensorFlow lets it be.

    Normalizations are folded, all sizes are fixed, grouped convolutions are
    those of TensorFlow, and GELU is computed by `erf`.

    Args:
        path: As of `examples`; so are the others.
        model: As of `examples`.
        inputs: As of `examples`.
    """
    model = cloning.clone(fold.fold(model_graph.ModelGraph(model)), _replace)
    module = tf.Module()
    module.held = [variable.value for variable in model.variables]

    def serve(*x):
        y = model(list(x) if len(x) > 1 else x[0], training=False)
        return {"y": y}

    module.serve = tf.function(
        serve,
        input_signature=[
            tf.TensorSpec(x.shape, x.dtype, name) for name, x in inputs.items()
        ],
    )
    signatures = {"serving_default": module.serve}
    with mock.patch.object(tf.nn, "gelu", _gelu):
        tf.saved_model.save(module, str(_saved(path)), signatures)


def for_litert(path: pathlib.Path) -> None:
    """Converts the SavedModel to a `.tflite` file."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(_saved(path)))
    path.with_suffix(".tflite").write_bytes(converter.convert())


def for_onnx(path: pathlib.Path, python: str, inputs: dict) -> None:
    """Converts the SavedModel to an `.onnx` file; images are NCHW there.

    Args:
        path: As of `examples`.
        python: Path of an interpreter that has tf2onnx.
        inputs: As of `examples`.

    Raises:
        ValueError: if that fails.
    """
    onnx = path.with_suffix(".onnx")
    command = [python, "-m", "tf2onnx.convert", "--saved-model", _saved(path)]
    command += ["--output", onnx, "--opset", _OPSET]
    pictures = [name for name, x in inputs.items() if x.ndim == 4]
    if pictures:
        command += ["--inputs-as-nchw", ",".join(pictures)]
    done = subprocess.run(command, capture_output=True, text=True)
    # It writes a file with what it could not convert, too.
    if done.returncode or "ERROR" in done.stderr:
        raise ValueError(
            "`convert` must be a Python that has tf2onnx and a TensorFlow that "
            f"it knows. Received: convert={python!r}, which failed:\n"
            f"{done.stderr[-2000:]}"
        )


def _saved(path):
    return path.with_suffix(".saved_model")


def _gelu(x, approximate=False, original=tf.nn.gelu):
    """By `erf`, which converters know, where TensorFlow has `erfc`."""
    if approximate:
        return original(x, approximate=True)
    return 0.5 * x * (1 + tf.math.erf(x / 2**0.5))


class _Grouped(keras.layers.Conv2D):
    """A grouped convolution of TensorFlow's.

    Keras hands them to XLA, which is slower, and which no converter reads.
    """

    def convolution_op(self, inputs, kernel):
        return tf.nn.conv2d(inputs, kernel, self.strides, self.padding.upper())


def _replace(layer, copied):
    if type(layer) is not keras.layers.Conv2D or layer.groups == 1:
        return copied
    own = _Grouped.from_config(layer.get_config())
    backend.build(own, layer.get_build_config())
    own.set_weights(layer.get_weights())
    return own
