"""A process of its own that loads pruned models and trains them on.

`python saving_process.py folder` reads all that `save_all` has left there, in
each way of `LOAD`, and leaves what comes out of some more steps beside it.
"""

import pathlib
import pickle
import sys
import warnings

import keras
import numpy as np
import tensorflow as tf
from keras import ops

import tfprune
from tests import conformance_rows
from tfprune import methods
from tfprune.core import units

STEPS = 3
# Settings under which a part of each net is masked, from the first save on.
METHODS = {
    **{name: row.make for name, row in conformance_rows.ROWS.items()},
    "magnitude": lambda: methods.Magnitude(0.75, end_step=8, frequency=2),
    "ssl": lambda: methods.SSL(
        0.1, shapes=0.5, threshold=0.65, settings={"out": None}
    ),
    "winograd": lambda: methods.Winograd(1e-3, threshold=0.05, factor=4.0),
}


def build(name, wrap, seed=1):
    """The net of a method, pruned, with weights by a seed."""
    method = METHODS[name]()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*skips these layers")
        model = tfprune.prune(
            conformance_rows.net_for(method), method, wrap=wrap
        )
    random = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(random.normal(0, 0.3, variable.shape))
    return model


def compiled(name, wrap, seed=1):
    """The net, pruned and compiled, as all start it."""
    model = build(name, wrap, seed)
    model.compile(
        tfprune.PruningOptimizer(conformance_rows.OPTIMIZERS["adam"]()),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,
    )
    return model


def train(model, steps, first=0):
    """Trains on the same batches, from the first one of these steps on."""
    x, y = conformance_rows.data()
    for step in range(first, first + steps):
        rows = slice(8 * (step % 8), 8 * (step % 8) + 8)
        model.train_on_batch(x[rows], y[rows])
    return model


def known(model, optimizer=True):
    """All that a model, its optimizer and pruning know, as arrays."""
    found = {f"weight {i}": x for i, x in enumerate(model.variables)}
    own = model.optimizer.variables if optimizer else []
    found |= {f"optimizer {i}": x for i, x in enumerate(own)}
    for i, unit in enumerate(units.tagged(model.variables)):
        found[f"{i} updates"] = unit.updates
        found[f"{i} settings"] = unit.settings.variable
        found[f"{i} frozen"] = unit.frozen
        for key, value in unit.memory.items():
            found[f"{i} {key}"] = value
        for j, target in enumerate(unit.targets):
            found[f"{i} mask {j}"] = target.mask
            found[f"{i} dense {j}"] = target.dense()
    return {key: ops.convert_to_numpy(x) for key, x in found.items()}


def masks(model):
    """The masks, in order, as arrays."""
    return [
        target.mask.numpy()
        for unit in units.tagged(model.variables)
        for target in unit.targets
    ]


def load_built_weights(path, name, wrap):
    model = compiled(name, wrap, 2)
    model.optimizer.build(model.trainable_variables)
    model.load_weights(path / "model.weights.h5")
    return model


def load_weights(path, name, wrap):
    model = compiled(name, wrap, 2)
    model.load_weights(path / "model.weights.h5")
    return model


def load_checkpoint(path, name, wrap):
    model = compiled(name, wrap, 2)
    saved = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    status = saved.restore(str(path / "checkpoint-1"))
    model.optimizer.build(model.trainable_variables)
    status.assert_consumed()
    return model


def load_built_checkpoint(path, name, wrap):
    model = compiled(name, wrap, 2)
    model.optimizer.build(model.trainable_variables)
    saved = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    saved.restore(str(path / "checkpoint-1")).assert_consumed()
    return model


LOAD = {
    "keras": lambda path, *_: keras.models.load_model(path / "model.keras"),
    "weights": load_weights,
    "weights, built": load_built_weights,
    "checkpoint": load_checkpoint,
    "checkpoint, built": load_built_checkpoint,
    "pickle": lambda path, *_: pickle.loads((path / "pickle").read_bytes()),
}


def ways(path):
    """The ways that restore all that was saved under this path."""
    # Wrapped layers do not know their optimizer: Keras says what it drops.
    wrapped = path.name.endswith("wrapped")
    return [way for way in LOAD if not (wrapped and way == "weights")]


def save_all(model, path):
    """Saves a model in all ways."""
    path.mkdir()
    model.save(path / "model.keras")
    model.save_weights(path / "model.weights.h5")
    saved = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    saved.save(str(path / "checkpoint"))
    (path / "pickle").write_bytes(pickle.dumps(model))


def main(folder):
    for path in sorted(pathlib.Path(folder).iterdir()):
        name, first, manner = path.name.split("-")
        for way in ways(path):
            model = LOAD[way](path, name, manner == "wrapped")
            train(model, STEPS, int(first))
            np.savez(path / f"{way}.npz", **known(model))


if __name__ == "__main__":
    warnings.simplefilter("error", UserWarning)
    main(sys.argv[1])
