"""What a trained model is worth: accuracy, size, and all seeds together."""

from __future__ import annotations

import json
import pathlib
import shutil
import statistics
import tempfile

import keras
import numpy as np

from experiments import workdir
from experiments.datasets import batches
from tfprune import backend
from tfprune import exporters
from tfprune.compress import strip
from tfprune.compress.low_rank import spectra
from tfprune.core import units
from tfprune.exporters import compact
from tfprune.exporters import npz
from tfprune.graph import cloning
from tfprune.reports import summary
from tfprune.reports import winograd

# What is told of the net before pruning, beside the net after it.
_OF_DENSE = ("test_accuracy", "parameters", "macs_kept", "file_bytes")


def accuracy(model: keras.Model, split) -> dict[str, float]:
    """Returns the loss and accuracy of a classifier with logits on a split."""
    loss = keras.metrics.SparseCategoricalCrossentropy(from_logits=True)
    right = keras.metrics.SparseCategoricalAccuracy()
    forward = backend.compiled(model)
    for images, labels in batches.in_order(split):
        logits = forward(images)
        loss.update_state(labels, logits)
        right.update_state(labels, logits)
    return {"loss": float(loss.result()), "accuracy": float(right.result())}


def is_pruned(model: keras.Model) -> bool:
    """Tells whether a model is pruned."""
    return bool(units.tagged(model.weights))


def sparsity(model: keras.Model) -> dict:
    """Returns what a log line says of sparsity: the net's and each layer's."""
    layers, pruned, total = {}, 0, 0
    for unit in units.tagged(model.weights):
        masks = [
            backend.to_numpy(target.mask)
            for target in unit.targets
            if target.role == "kernel"
        ]
        if not masks:  # Of a normalization, whose filters are others'.
            continue
        size = sum(mask.size for mask in masks)
        zeros = size - sum(int(np.count_nonzero(mask)) for mask in masks)
        layers[unit.name] = zeros / size
        pruned, total = pruned + zeros, total + size
    return {"sparsity": pruned / max(total, 1), "layers": layers}


def finish(
    model: keras.Model, splits, folder: pathlib.Path, seed: int, **machine
) -> None:
    """Writes the compressed model of a seed, its report and its result.

    The test set is looked at here and nowhere else, for the model and for
    the dense one that it was pruned from. What else is given, `machine` and
    `batch_size`, is for the report.
    """
    bare = strip.strip(model)
    npz.save(bare, folder / "model.npz")
    result = {"seed": seed, **measure(bare, splits.test)}
    if (folder / "dense.npz").exists():
        dense = npz.load(folder / "dense.npz")
        result |= _before(dense, splits.test)
    report = summary.report(bare, **machine)
    workdir.write_json(folder / "report.json", report.to_dict())
    workdir.write_json(folder / "result.json", result)


def _before(dense, test):
    """What the net was before it lost anything: ranks say how it may be."""
    found = measure(dense, test)
    before = {f"dense_{name}": found[name] for name in _OF_DENSE}
    return {**before, "dense_ranks": spectra.spectra(dense).ranks()}


def measure(model: keras.Model, test) -> dict:
    """Returns the accuracy on the test set beside the size of the model.

    `macs_kept` are multiply-accumulates with weights that are not zero,
    `file_bytes` the size of the model in a `.keras` file, `winograd_sparsity`
    the fraction of coefficients of at most 1e-4 in each layer that has some.
    """
    total = summary.report(model).to_dict()
    found = accuracy(model, test)["accuracy"]
    return {
        "test_accuracy": found,
        "test_error": 1.0 - found,
        "parameters": total["parameters"],
        "parameters_kept": total["parameters_kept"],
        "compression": total["compression"],
        "macs_kept": total["macs_kept"],
        "file_bytes": _file_bytes(model),
        "winograd_sparsity": winograd.winograd_sparsity(model),
    }


def _file_bytes(model):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "model.keras"
        # A compiled one would bring the state of its optimizer.
        cloning.clone(model, lambda layer, copied: copied).save(file)
        return file.stat().st_size


def summarize(config, path) -> dict:
    """Writes all seeds beside each other and keeps the median's model.

    The median seed is the one of (lower) median test accuracy.
    """
    folders = [workdir.seed_dir(path, seed) for seed in config.seeds]
    results = [json.loads((f / "result.json").read_text()) for f in folders]
    accuracies = [result["test_accuracy"] for result in results]
    median = accuracies.index(statistics.median_low(accuracies))
    for name in ("model.npz", "report.json"):
        shutil.copy(folders[median] / name, pathlib.Path(path) / name)
    outcome = {
        "name": config.name,
        "median_seed": config.seeds[median],
        "median": results[median],
        "seeds": results,
    }
    workdir.write_json(pathlib.Path(path) / "summary.json", outcome)
    return outcome


def evaluate(path, test) -> dict:
    """Measures the compressed model of a workdir again.

    Args:
        path: Workdir of a finished run.
        test: (images, labels) of the test set.

    Returns:
        Dict of `test_accuracy`, `test_error`, `parameters`,
        `parameters_kept`, `compression`, and `seeds`, the list of what every
        seed reached.

    Raises:
        ValueError: if the run is not finished.
    """
    root = pathlib.Path(path)
    if not (root / "model.npz").exists():
        raise ValueError(
            "`workdir` must hold a finished run. Received: "
            f"workdir={str(root)!r}, which has no model.npz. Run "
            "scripts/train.py on it again: it resumes."
        )
    outcome = json.loads((root / "summary.json").read_text())
    found = measure(npz.load(root / "model.npz"), test)
    return {**found, "seeds": outcome["seeds"]}


def evaluate_file(path, test) -> dict:
    """Measures a model of `tfprune.exporters.load_compact`.

    Args:
        path: The file.
        test: (images, labels) of the test set.

    Returns:
        What `measure` finds, `file_bytes` of this file and, of a `.tfprune`
        file, `weight_bytes`: all of it but the architecture.
    """
    found = measure(exporters.load_compact(path), test)
    found["file_bytes"] = pathlib.Path(path).stat().st_size
    return {**found, **(compact.sizes(path) if compact.is_one(path) else {})}


def describe(outcome: dict, path) -> str:
    """Returns the report of the median seed, and before and after of each."""
    model = npz.load(pathlib.Path(path) / "model.npz")
    lines = [str(summary.report(model, outcome["name"])), ""]
    return "\n".join([*lines, *map(_line, outcome["seeds"])])


def _line(seed):
    """Returns what became of one seed; older results have no sizes."""
    line = f"seed {seed['seed']}: test accuracy "
    if "dense_test_accuracy" in seed:
        line += f"{seed['dense_test_accuracy']:.2%} dense, "
    kept = seed["parameters_kept"]
    total = seed.get("dense_parameters", seed["parameters"])
    line += (
        f"{seed['test_accuracy']:.2%} with {kept} of {total} parameters "
        f"({total / max(kept, 1):.1f}x)"
    )
    for name, unit in (("macs_kept", "MACs"), ("file_bytes", "bytes")):
        if f"dense_{name}" in seed:
            share = seed[name] / max(seed[f"dense_{name}"], 1)
            line += f", {share:.1%} of the {unit}"
    return line
