"""The same measurement of tfmot 0.8.1: a script for a Python of its own.

    echo '{"net": "lenet_5", ...}' | python -m benchmarks.engines.tfmot_training

tfmot needs Keras 2 (tf_keras), so nothing of tfprune can be imported here.
It counts its steps in the graph, so that any `steps_per_execution` is right;
its callback `UpdatePruningStep` acts where training and epochs begin and end.
"""

import json
import sys

import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow_model_optimization.sparsity import keras as sparsity

from benchmarks.harness import interleave

LAYERS = tf_keras.layers
NETS = {
    "lenet_300_100": lambda: [
        LAYERS.Flatten(),
        LAYERS.Dense(300, activation="relu"),
        LAYERS.Dense(100, activation="relu"),
        LAYERS.Dense(10),
    ],
    "lenet_5": lambda: [
        LAYERS.Conv2D(20, 5),
        LAYERS.MaxPooling2D(2),
        LAYERS.Conv2D(50, 5),
        LAYERS.MaxPooling2D(2),
        LAYERS.Flatten(),
        LAYERS.Dense(500, activation="relu"),
        LAYERS.Dense(10),
    ],
}
# tfmot counts steps from 1. The names are those of tfprune's table.
VARIANTS = {
    "plain": None,
    "plain again": None,
    "between updates": sparsity.ConstantSparsity(0.5, 1, -1, 10**9),
    "frequency=100": sparsity.ConstantSparsity(0.5, 1, -1, 100),
}


def main():
    """Measures the job on the standard input; writes its times as JSON."""
    job = json.load(sys.stdin)
    calls = {name: _call(job, schedule) for name, schedule in VARIANTS.items()}
    print(json.dumps(interleave.measure(calls, job["rounds"])))


def _call(job, schedule):
    """Builds, compiles and warms up a model."""
    tf_keras.utils.set_random_seed(0)
    model = _model(job["net"], schedule)
    model.compile(
        tf_keras.optimizers.SGD(0.01, momentum=0.9),
        tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=job["jit_compile"],
        steps_per_execution=job["steps_per_execution"],
    )
    train, batches = model.make_train_function(), _batches(job["batch_size"])
    callback = sparsity.UpdatePruningStep()
    callback.set_model(model)
    callback.on_train_begin()

    def call():
        float(train(batches)["loss"])

    for _ in range(3):
        call()
    return call


def _model(net, schedule):
    """Wraps the layers that have a kernel, and no others."""
    pixels = tf_keras.Input((28, 28, 1))
    scale = LAYERS.Rescaling(1 / 256)
    model = tf_keras.Sequential([pixels, scale, *NETS[net]()])
    if schedule is None:
        return model

    def wrap(layer):
        if not hasattr(layer, "kernel"):
            return layer
        return sparsity.prune_low_magnitude(layer, schedule)

    return tf_keras.models.clone_model(model, clone_function=wrap)


def _batches(size):
    """Random pixels and labels, over and over again."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (16, size, 28, 28, 1)).astype("float32")
    labels = rng.integers(0, 10, (16, size))
    data = tf.data.Dataset.from_tensor_slices((pixels, labels))
    return iter(data.repeat())


if __name__ == "__main__":
    main()
