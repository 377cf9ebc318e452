"""Sensitivity: how much accuracy each layer's sparsity costs by itself.

Each layer in turn loses its smallest weights, up to each sparsity of a grid,
while the others stay as they are. It takes forward passes only, for any
built model, pruned or not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.core import units
from tfprune.graph import leaves
from tfprune.planning import scorer
from tfprune.planning import solver
from tfprune.utils import tables
from tfprune.utils import validation

GRID = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)

# More than an accuracy can drop, and how finely drops are told apart.
_MOST_DROP = 2.0
_HALVINGS = 50


@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """Accuracy by layer and sparsity.

    Args:
        sparsities: List of floats, the grid.
        accuracies: Dict, layer name to one float for each sparsity.
        sizes: Dict, layer name to the entries of its kernels.
    """

    sparsities: list[float]
    accuracies: dict[str, list[float]]
    sizes: dict[str, int]

    def allocate(self, target_sparsity: float) -> dict[str, dict]:
        """Distributes a sparsity over the layers, most where it costs least.

        All layers are pruned to the sparsity that costs each of them, by
        itself, the same drop of accuracy: the least one that gives the model
        the sparsity wanted.

        Args:
            target_sparsity: Float in [0, 1), zeros of all kernels together.

        Returns:
            Dict, layer to `{"target_sparsity": s}`: the `settings` of any
            method that has this setting.

        Raises:
            ValueError: if the grid does not reach that far; it says how far.
        """
        validation.check_sparsity("target_sparsity", target_sparsity)
        greatest = self._total(self._sparsities(np.inf))
        within = target_sparsity <= greatest
        expected = f"at most {greatest:.4f}, the most that the grid reaches"
        validation.check("target_sparsity", target_sparsity, within, expected)
        less, more = dict.fromkeys(self.sizes, 0.0), self._sparsities(0.0)
        if self._total(more) < target_sparsity:
            drops = solver.bracket(
                lambda x: self._total(self._sparsities(x)) >= target_sparsity,
                _MOST_DROP,
                _HALVINGS,
            )
            less, more = map(self._sparsities, drops)
        return self._between(less, more, target_sparsity)

    def __str__(self) -> str:
        head = ["", *(f"{sparsity:.1%}" for sparsity in self.sparsities)]
        rows = [
            [name, *(f"{accuracy:.2%}" for accuracy in values)]
            for name, values in self.accuracies.items()
        ]
        numbers = range(1, len(head))
        return "\n".join(tables.aligned([head, *rows], numbers))

    def _between(self, less, more, target):
        """The part of the way from one to the other that is needed."""
        begin, end = self._total(less), self._total(more)
        share = (target - begin) / (end - begin) if end > begin else 0.0
        return {
            name: {
                "target_sparsity": less[name]
                + share * (more[name] - less[name])
            }
            for name in self.sizes
        }

    def _total(self, sparsities):
        zeros = [self.sizes[name] * s for name, s in sparsities.items()]
        return sum(zeros) / sum(self.sizes.values())

    def _sparsities(self, drop):
        return {name: self._sparsity(name, drop) for name in self.sizes}

    def _sparsity(self, name, drop):
        """The greatest sparsity up to which a layer costs at most `drop`."""
        accuracies = np.array(self.accuracies[name])
        drops = np.maximum.accumulate(accuracies[0] - accuracies)
        last = int(np.searchsorted(drops, drop, side="right")) - 1
        if last + 1 == drops.size or last < 0:
            return self.sparsities[max(last, 0)]
        rise = (drop - drops[last]) / (drops[last + 1] - drops[last])
        here, there = self.sparsities[last : last + 2]
        return float(here + rise * (there - here))


def measure_sensitivity(
    model: keras.Model,
    data,
    sparsities=GRID,
    cache=None,
    metric=None,
    batch_size: int | None = None,
) -> Sensitivity:
    """Measures how much accuracy each layer's sparsity costs.

    Args:
        model: Keras model, built; it is not changed.
        data: Tuple of arrays (examples, labels): training data that is held
            out from training.
        sparsities: Increasing floats from 0 to below 1. Defaults to `GRID`.
        cache: File that keeps the result, and gives it again for the same
            weights, data and grid. Defaults to None.
        metric: As `Scorer` takes it. Defaults to the accuracy.
        batch_size: Integer or None, examples in one pass. Defaults to None.

    Returns:
        A `Sensitivity`. Print it, plot it, or `allocate` by it.

    Raises:
        ValueError: for a grid or data that cannot be, or a model without
            kernels.

    Example:

    ```python
    found = measure_sensitivity(model, held_out)
    method = tfprune.methods.Magnitude(settings=found.allocate(0.9))
    ```
    """
    sparsities = [float(s) for s in sparsities]
    rising = sparsities[:1] == [0.0] and sparsities == sorted(set(sparsities))
    fine = rising and sparsities[-1] < 1
    validation.check(
        "sparsities", sparsities, fine, "increasing from 0 to below 1"
    )
    kernels = _kernels(model)
    key = _digest(model, data, sparsities, metric, batch_size)
    known = _read(cache, key)
    if known is None:
        values = _measure(model, data, sparsities, kernels, metric, batch_size)
        known = {"sparsities": sparsities, **values}
        _write(cache, {"digest": key, **known})
    return Sensitivity(**known)


def accuracies(
    model, data, choices: list[dict], metric=None, batch_size=None
) -> list[float]:
    """The accuracies of a model without its smallest weights.

    Args:
        model: Keras model, built; it is not changed.
        data: Tuple of arrays (examples, labels).
        choices: List of dicts, layer name to a sparsity. Layers that are not
            there stay as they are.
        metric: As `Scorer` takes it. Defaults to the accuracy.
        batch_size: Integer or None, examples in one pass. Defaults to None.

    Returns:
        List of floats, one for each choice.
    """
    kernels = _kernels(model)
    score = scorer.Scorer(
        model,
        data,
        len(kernels),
        lambda row: _pruned(row, kernels),
        metric,
        batch_size,
    )
    rows = [
        [_threshold(own, choice.get(x, 0.0)) for x, own in kernels.items()]
        for choice in choices
    ]
    return score(rows)[0].tolist()


def _measure(model, data, sparsities, kernels, metric, batch_size):
    choices = [{name: s} for name in kernels for s in sparsities]
    found = accuracies(model, data, choices, metric, batch_size)
    each = len(sparsities)
    return {
        "accuracies": {
            name: found[i * each : (i + 1) * each]
            for i, name in enumerate(kernels)
        },
        "sizes": {name: _magnitudes(own).size for name, own in kernels.items()},
    }


def _pruned(row, kernels):
    """Kernels without what is at most their layer's threshold."""
    values = []
    for i, variables in enumerate(kernels.values()):
        for variable in variables:
            value = backend.read(variable)
            keeps = ops.abs(value) > ops.cast(row[i], value.dtype)
            values.append((variable, ops.where(keeps, value, 0)))
    return values, ops.zeros((), "int32")


def _threshold(variables, sparsity):
    """The greatest magnitude that goes; below all for a sparsity of 0."""
    magnitudes = _magnitudes(variables)
    last = round(sparsity * magnitudes.size) - 1
    return np.partition(magnitudes, last)[last] if last >= 0 else -1.0


def _magnitudes(variables):
    arrays = [units.masked(x).astype("float32").ravel() for x in variables]
    return np.abs(np.concatenate(arrays))


def _kernels(model):
    """Address of a layer to its kernels, of each that has any."""
    found = {
        leaf.address: [v for v in leaf.weights if v.name.endswith("kernel")]
        for leaf in leaves.leaves(model)
    }
    found = {address: kernels for address, kernels in found.items() if kernels}
    if not found:
        raise ValueError(
            "`model` must have layers with kernels. Received: "
            f"model={model.name!r}, which has none. Is it built?"
        )
    return found


def _digest(model, data, *settings):
    digest = hashlib.sha256(repr(settings).encode())
    arrays = [backend.to_numpy(v) for v in model.weights]
    for array in [*arrays, *map(np.asarray, data)]:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _read(cache, digest):
    path = None if cache is None else pathlib.Path(cache)
    if path is None or not path.exists():
        return None
    known = json.loads(path.read_text())
    return known if known.pop("digest", None) == digest else None


def _write(cache, known):
    if cache is not None:
        pathlib.Path(cache).write_text(json.dumps(known, indent=2) + "\n")
