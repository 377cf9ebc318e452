"""What searches are measured on: a trained LeNet-300-100."""

from __future__ import annotations

import keras
import numpy as np

from experiments.datasets import mnist
from tfprune import api
from tfprune import applications
from tfprune import methods
from tfprune import optimizers

NET, EXAMPLES = "lenet_300_100", 2000


def build(seed: int, data=None, steps: int = 2000) -> tuple:
    """Returns a trained net, pruned by OLMP of nothing yet, and data.

    Args:
        seed: Integer, of the net's first weights.
        data: `mnist.Splits`, of which the validation images are for searches;
            or None (default): MNIST, the last 2000 training images held out.
        steps: Integer, batches of 64 to train on. Defaults to 2000.
    """
    splits = data or mnist.load(validation=EXAMPLES)
    keras.utils.set_random_seed(seed)
    dense = applications.build(NET, seed)
    dense.compile(keras.optimizers.Adam(1e-3), _loss())
    images, labels = splits.train
    dense.fit(images[: 64 * steps], labels[: 64 * steps], 64, verbose=0)
    model = api.prune(dense, methods.OLMP())
    model.compile(
        optimizers.PruningOptimizer("sgd"), _loss(), metrics=["accuracy"]
    )
    held_out = splits.validation
    return model, (held_out.images.astype(np.float32), held_out.labels)


def _loss():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
