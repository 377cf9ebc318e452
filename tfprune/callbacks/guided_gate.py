"""GuidedGate: stops pruning layers that are fast enough, restores others."""

from __future__ import annotations

import json
import logging
import os

import keras
import numpy as np

from tfprune import backend
from tfprune.callbacks import update_interval
from tfprune.core import units as units_lib
from tfprune.graph import leaves
from tfprune.graph import pruned
from tfprune.methods import guided
from tfprune.profiling import projection
from tfprune.profiling import roofline
from tfprune.utils import validation

_LOGGER = logging.getLogger("tfprune")


class GuidedGate(keras.callbacks.Callback):
    """Looks at each layer's projected gain while `methods.Guided` prunes it.

    Every `interval` steps, of each layer that is still pruned:

        its sparsity is at the upper useful bound  -> it is pruned no further
        it has settled below the lower one         -> its weights of before
                                                      pruning are restored

    Decisions are logged by the logger `tfprune` at level INFO, and kept in
    `decisions`. What is restored is not pruned again, so that its capacity
    helps the others. Layers without a projection, such as recurrent ones, are
    left as they are.

    Args:
        dense: Keras model with the weights of before pruning, such as a copy
            made before `tfprune.prune`: that changes the model itself.
        machine: As of `tfprune.profiling.project`.
        batch_size: As of `tfprune.profiling.project`. Defaults to 1.
        interval: Integer, steps between looks. Defaults to 1000.
        patience: Integer: a layer has settled whose sparsity has not grown at
            so many looks in a row. Defaults to 3.
        tolerance: Float >= 0: growth up to it is none. Defaults to 1e-3.
        trace: File to append decisions to, as lines of JSON, or None
            (default).

    Raises:
        ValueError: for a `dense` that is pruned; when training begins, for a
            model that Guided does not prune, layers that `dense` does not
            have, or where `steps_per_execution` does not divide the interval.

    Example:

    ```python
    dense = keras.models.clone_model(model)
    dense.set_weights(model.get_weights())
    tfprune.prune(model, tfprune.methods.Guided())
    model.compile(tfprune.PruningOptimizer("sgd"), loss="mse")
    gate = tfprune.callbacks.GuidedGate(dense, "xeon_e5_2697v4")
    model.fit(x, y, callbacks=[gate])
    ```

    Reference:
        Park et al. Faster CNNs with Direct Sparse Convolutions and Guided
        Pruning. ICLR 2017.
    """

    def __init__(
        self,
        dense: keras.Model,
        machine: str | roofline.MachineProfile,
        batch_size: int = 1,
        interval: int = 1000,
        patience: int = 3,
        tolerance: float = 1e-3,
        trace: str | os.PathLike | None = None,
    ):
        super().__init__()
        validation.check_count("interval", interval, least=1)
        validation.check_count("patience", patience, least=1)
        validation.check("tolerance", tolerance, tolerance >= 0, ">= 0")
        is_dense = not units_lib.tagged(dense.variables)
        validation.check(
            "dense", dense.name, is_dense, "a copy that is not pruned"
        )
        self.projection = projection.project(dense, machine, batch_size)
        self.decisions: list[dict] = []
        self._dense = leaves.addresses(dense)
        self._interval, self._patience = interval, patience
        self._tolerance, self._trace = tolerance, trace

    def on_train_begin(self, logs=None):
        update_interval.check_steps(self.model, self._interval)
        found = pruned.units_by(self.model, guided.GuidedPruner, "Guided")
        for name in found:
            if name not in self._dense:
                raise ValueError(validation.unknown("dense", name, self._dense))
        projected = {row.name for row in self.projection.rows}
        self._units = {x: found[x] for x in found if x in projected}
        self._updates = next(iter(found.values())).updates
        _LOGGER.info("%s", self.projection)

    def on_train_batch_end(self, batch, logs=None):
        step = int(backend.to_numpy(self._updates))
        if step % self._interval:
            return
        for name, unit in self._units.items():
            if unit.settings["active"] and not unit.frozen:
                self._look(step, self.projection[name], unit)

    def _look(self, step, row, unit):
        """Decides about one layer."""
        (kernel,) = [x.variable for x in unit.targets if x.role == "kernel"]
        now = projection.sparsity(kernel)
        if row.worth and now >= row.upper:
            unit.settings["active"] = 0
            self._note(step, row, now, "enough")
        elif self._settled(unit.settings, now) and (
            not row.worth or now < row.lower
        ):
            unit.settings["active"] = 0
            self._restore(row.name, kernel)
            self._note(step, row, now, "restored")

    def _settled(self, settings, now):
        """Counts looks without growth, in what is saved with the model."""
        grown = now > settings["best_sparsity"] + self._tolerance
        settings["looks"] = 0 if grown else settings["looks"] + 1
        if grown:
            settings["best_sparsity"] = now
        return settings["looks"] >= self._patience

    def _restore(self, name, kernel):
        """Gives the layer of a kernel all of its weights of before pruning."""
        (layer,) = [
            leaf.layer
            for leaf in leaves.leaves(self.model)
            if any(x is kernel for x in leaf.weights)
        ]
        before = self._dense[name].weights
        for old, new in zip(before, layer.weights, strict=True):
            target = getattr(new, units_lib.TAG, None)
            if target is None:
                new.assign(old)
            else:
                old = backend.to_numpy(old)
                target.assign(old, np.ones(old.shape, bool))

    def _note(self, step, row, now, decision):
        found = {
            "step": step,
            "layer": row.name,
            "sparsity": now,
            "lower": row.lower,
            "upper": row.upper,
            "decision": decision,
        }
        self.decisions.append(found)
        _LOGGER.info(
            f"step {step}: {row.name} {decision} at {now:.1%}, useful from "
            f"{row.lower:.1%} to {row.upper:.1%}"
        )
        if self._trace is not None:
            with open(self._trace, "a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
