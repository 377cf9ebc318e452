"""A small net and data, as the examples of documents take them for granted."""

import keras
import numpy as np

import tfprune


def build():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(8, 3, activation="relu", name="conv1"),
            layers.Conv2D(8, 3, activation="relu", name="conv2"),
            layers.Flatten(),
            layers.Dense(16, activation="relu", name="ip1"),
            layers.Dense(16, activation="relu", name="ip2"),
            layers.Dense(8, activation="relu", name="fc7"),
            layers.Dense(4, activation="softmax", name="logits"),
        ]
    )


def names():
    """Name to value; the net, compiled, is in `trained.keras`, too."""
    model = build()
    model.compile("sgd", "mse")
    model.save("trained.keras")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 12, 12, 2)).astype("float32")
    labels = rng.integers(4, size=64)
    return {
        "keras": keras,
        "tfprune": tfprune,
        "model": model,
        "x": x,
        "y": keras.utils.to_categorical(labels, 4),
        "x_train": x,
        "held_out": (x, labels),
    }
