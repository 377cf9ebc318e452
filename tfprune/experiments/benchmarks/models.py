"""Whole models, dense and sparse, and where their time goes."""

from __future__ import annotations

import pathlib

import keras
import numpy as np
import tensorflow as tf

from tfprune.compress import measure
from tfprune.compress import sparsify
from tfprune.core import errors
from tfprune.experiments import models

_HEADER = (
    "layer",
    "sparsity",
    "dense ms",
    "sparse ms",
    "dense GFLOPS",
    "GFLOPS",
    "dense-equivalent",
    "of dense time",
    "runs",
)
_LITTLE = 8  # Channels of an image, not of features.


def layers(name: str, sparsity: float, batch: int, threads: int, rounds) -> str:
    """Measures every layer of a model, as `sparsify` decides about it.

    Args:
        name: String, key of `experiments.models.MODELS`, which is pruned at
            random, or a path of a `.keras` file, which is taken as it is.
        sparsity: Float, of layers that are pruned here.
        batch: Integer.
        threads: Integer.
        rounds: Integer.

    Returns:
        The results as Markdown.
    """
    _use(threads)
    found = sparsify.sparsify(_open(name, sparsity), batch, rounds=rounds)
    rows = [_HEADER, ["---"] * len(_HEADER)]
    measured = [x for x in found.decisions if x.dense_ms is not None]
    total = sum(decision.dense_ms for decision in measured)
    rows += [_cells(decision, total) for decision in measured]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
    first, *others = found.milliseconds.items()
    ratios = ", ".join(
        f"{kind} {first[1] / value:.2f}x" for kind, value in others
    )
    return (
        f"{name}: batch {batch}, {threads} thread(s), the layers with zeros, "
        "one by one. The whole model,\nas many times as fast as it was given: "
        f"{ratios}.\n\n{table}"
    )


def run(names, sparsities, batch: int, threads: int, rounds: int) -> str:
    """Measures whole models with TensorFlow, dense and sparse in turn.

    Args:
        names: Strings, keys of `experiments.models.MODELS`.
        sparsities: Floats.
        batch: Integer.
        threads: Integer.
        rounds: Integer.

    Returns:
        The results as Markdown: how many times as fast as the dense model.
    """
    _use(threads)
    header = ("model", "sparsity", "sparse layers", "folded", "sparse")
    rows = [header, ["---"] * len(header)]
    for name in names:
        for sparsity in sparsities:
            rows.append(_measure(name, sparsity, batch, rounds))
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
    return (
        f"Whole models, batch {batch}, {threads} thread(s), TensorFlow "
        f"{tf.__version__}: how many times as fast as the\nKeras model that "
        "they were made of; the least of "
        f"{rounds} calls each, in turn.\n\n{table}"
    )


def _measure(name, sparsity, batch, rounds):
    model = _open(name, sparsity)
    found = sparsify.sparsify(model, batch)
    times = measure.models(
        {"given": model, "sparse": found.model}, batch, rounds
    )
    runs = [decision.chosen for decision in found.decisions]
    folded = found.milliseconds["given"] / found.milliseconds["folded"]
    return (
        name,
        f"{sparsity:.0%}",
        f"{runs.count('sparse')} of {len(runs)}",
        f"{folded:.2f}x",
        f"{times['given'] / times['sparse']:.2f}x",
    )


def _use(threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _open(name, sparsity):
    if pathlib.Path(name).exists():
        return keras.saving.load_model(name, compile=False)
    if name not in models.MODELS:
        raise ValueError(errors.unknown("model", name, models.MODELS))
    model = models.build(name, seed=0)
    prune(model, sparsity)
    return model


def prune(model: keras.Model, sparsity: float) -> None:
    """Sets weights of a model to zero, where they fall.

    Convolutions from an image are left alone, as are those that have one
    channel for each filter.

    Args:
        model: Keras model.
        sparsity: Float.
    """
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            continue
        if layer.kernel.shape[-2] < _LITTLE:
            continue
        keep = rng.random(layer.kernel.shape) >= sparsity
        layer.kernel.assign(layer.kernel * keep)


def _cells(decision, total):
    dense, sparse = decision.dense_ms, decision.sparse_ms
    rate = decision.flops / 1e6
    return (
        decision.layer,
        f"{decision.sparsity:.0%}",
        f"{dense:.3f}",
        f"{sparse:.3f}",
        f"{rate / dense:.0f}",
        f"{rate * (1 - decision.sparsity) / sparse:.0f}",
        f"{rate / sparse:.0f}",
        f"{dense / total:.1%}",
        decision.chosen,
    )
