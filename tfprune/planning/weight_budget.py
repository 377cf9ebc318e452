"""Weight budget: how sparse each layer must be for a model to cost no more."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from tfprune.planning import cost_models
from tfprune.planning import plan as plan_lib
from tfprune.planning import rules as rules_lib
from tfprune.planning import sensitivity
from tfprune.utils import validation


def plan_weights(
    model: keras.Model, budget: str, data: tuple | None = None
) -> plan_lib.SparsityPlan:
    """Finds the least sparsities of layers that meet a budget.

    Args:
        model: Keras model that is pruned by a method that has the setting
            `target_sparsity`.
        budget: String: `"parameters<=2%"`, `"macs<=1M"`, `"bytes<=100KB"`,
            `"latency<=2ms"`.
        data: Tuple of arrays (examples, labels), held out from training, to
            prune most where that costs least accuracy; or None (default): all
            layers alike.

    Returns:
        A `SparsityPlan`; with data, it tells the accuracies before training.

    Raises:
        ValueError: for another form of budget, one that no sparsity meets (it
            says what can be reached), or data that cannot be.

    Example:

    ```python
    pruned = tfprune.prune(model, "magnitude")
    print(tfprune.planning.plan_weights(pruned, "macs<=50%"))
    ```
    """
    wanted, cost_model = cost_models.parse(budget)
    rules = rules_lib.having(rules_lib.rules(model), plan_lib.SETTING)
    units = {x: unit for rule in rules for x, unit in rule.units.items()}
    found = sensitivity.measure_sensitivity(model, data) if data else None
    plan = _Sparsities(cost_model, model, units, found).solve(wanted)
    if data is None:
        return plan
    choices = [{}, plan.sparsities]
    dense, pruned = sensitivity.accuracies(model, data, choices)
    return dataclasses.replace(plan, accuracies=(dense, pruned))


class _Sparsities(plan_lib.Choices[plan_lib.SparsityPlan]):
    """The sparsity of each layer by that of the model."""

    kind = "weights"
    result = plan_lib.SparsityPlan
    means = "some sparsity"
    halvings = 40

    def __init__(self, cost_model, model, units, found):
        targets = [x for unit in units.values() for x in unit.targets]
        self._cost = cost_model.of_weights(model, targets)
        super().__init__(self._cost.dense, self._cost.unit)
        self._units, self._found = units, found
        self.most = 0.999
        if found is not None:
            self._found = _chosen(found, list(units))
            self.most = found.sparsities[-1]

    def cost(self, amount):
        sparsities = self._sparsities(amount)
        kept = [
            _kept(unit, sparsities[name]) for name, unit in self._units.items()
        ]
        return float(self._cost(np.concatenate(kept)[None])[0])

    def rows(self, amount):
        sparsities, most = map(self._sparsities, (amount, self.most))
        return [
            plan_lib.LayerPlan(
                (name,),
                int(_sizes(unit).sum()),
                int(_kept(unit, most[name]).sum()),
                int(_kept(unit, sparsities[name]).sum()),
                sparsities[name],
            )
            for name, unit in self._units.items()
        ]

    def advice(self):
        return (
            f", at a sparsity of {self.most:.1%}: ask for that, or let more "
            "layers be pruned."
        )

    def _sparsities(self, amount):
        """Layer to sparsity, of that sparsity of the model."""
        if self._found is None:
            return dict.fromkeys(self._units, amount)
        settings = self._found.allocate(amount)
        return {name: own[plan_lib.SETTING] for name, own in settings.items()}


def _chosen(found, names):
    """The sensitivity of some layers alone."""
    missing = sorted(set(names) - set(found.sizes))
    validation.check(
        "data", missing, not missing, "of a model whose layers have kernels"
    )
    return dataclasses.replace(
        found,
        sizes={name: found.sizes[name] for name in names},
        accuracies={name: found.accuracies[name] for name in names},
    )


def _kept(unit, sparsity):
    """Entries kept of each array of a unit."""
    return np.ceil(_sizes(unit) * (1.0 - sparsity)).astype("int64")


def _sizes(unit):
    return np.array([int(np.prod(t.variable.shape)) for t in unit.targets])
