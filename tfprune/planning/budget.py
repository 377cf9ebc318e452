"""Budget: how sparse each layer must be for a net to cost no more than that.

Known before any training: what each layer would keep, what the net would
cost, and how accurate it would be without any training after it.
"""

from __future__ import annotations

import dataclasses
import warnings

import keras
import numpy as np

from tfprune.planning import objectives
from tfprune.planning import rules as rules_lib
from tfprune.planning import sensitivity
from tfprune.utils import quantities
from tfprune.utils import validation

SETTING = "target_sparsity"


@dataclasses.dataclass(frozen=True)
class Table:
    """How a budget is met, layer by layer, before any training.

    Args:
        settings: Dict, layer to `{"target_sparsity": s}`.
        kept: Dict, layer to entries kept.
        sizes: Dict, layer to all entries that may be pruned.
        cost: Float, of the pruned net.
        limit: Float, what it may cost.
        unit: String, of both.
    """

    settings: dict[str, dict]
    kept: dict[str, int]
    sizes: dict[str, int]
    cost: float
    limit: float
    unit: str

    def __str__(self) -> str:
        width = max(map(len, self.settings))
        rows = [
            f"{name:{width}}  {own[SETTING]:>8.2%}  {self.kept[name]:>10,} of "
            f"{self.sizes[name]:,}"
            for name, own in self.settings.items()
        ]
        cost, limit = quantities.text(self.cost), quantities.text(self.limit)
        total = f"{cost} {self.unit}, {limit} allowed"
        head = f"{'layer':{width}}  sparsity        kept"
        return "\n".join([head, *rows, total])


def meet(
    model: keras.Model,
    budget: str,
    found: sensitivity.Sensitivity | None = None,
) -> Table:
    """Returns the least sparsities that meet a budget.

    Args:
        model: Keras model with `Prunable` layers of a method that has the
            setting `target_sparsity`.
        budget: String, as `limits.parse` reads it.
        found: `Sensitivity` of the net, to prune most where that costs least;
            or None (default): all layers alike.

    Raises:
        ValueError: if no sparsity meets it; it says what can be reached.
    """
    wanted = quantities.parse(budget, objectives.OBJECTIVES)
    rules = rules_lib.having(rules_lib.rules(model), SETTING)
    units = [unit for rule in rules for unit in rule.units]
    targets = [target for unit in units for target in unit.targets]
    objective = objectives.build(wanted.objective, model, targets)
    limit = wanted.cost(objective.dense)
    share = _share(found, [unit.name for unit in units])

    def cost(total):
        kept = [_kept(unit, share(total)) for unit in units]
        return float(objective(np.concatenate(kept)[None])[0])

    total = _least(cost, limit, budget, _greatest(found))
    kept = {unit.name: int(_kept(unit, share(total)).sum()) for unit in units}
    sizes = {unit.name: int(_sizes(unit).sum()) for unit in units}
    return Table(share(total), kept, sizes, cost(total), limit, objective.unit)


def check_drop(model, table: Table, data, accuracy_drop: float) -> None:
    """Prints what a table costs before training; warns where it is more.

    Args:
        model: Keras model, the dense one.
        table: `Table`.
        data: Tuple of arrays (examples, labels), held out from training.
        accuracy_drop: Float >= 0, the drop that is all right.
    """
    validation.check("accuracy_drop", accuracy_drop, accuracy_drop >= 0, ">= 0")
    sparsities = {name: own[SETTING] for name, own in table.settings.items()}
    dense, pruned = sensitivity.accuracies(model, data, [{}, sparsities])
    print(f"accuracy before training: {dense:.2%} dense, {pruned:.2%} pruned")
    if dense - pruned > accuracy_drop:
        warnings.warn(
            f"accuracy drops by {dense - pruned:.4f} before training, more "
            f"than accuracy_drop={accuracy_drop}: training has to make up "
            "for it",
            stacklevel=3,
        )


def _share(found, names):
    """Returns a function of the net's sparsity to settings of its layers."""
    if found is None:
        return lambda total: {name: {SETTING: total} for name in names}
    missing = sorted(set(names) - set(found.sizes))
    validation.check(
        "found", missing, not missing, "of the same net: it lacks none"
    )
    chosen = dataclasses.replace(
        found,
        sizes={name: found.sizes[name] for name in names},
        accuracies={name: found.accuracies[name] for name in names},
    )
    return chosen.allocate


def _greatest(found):
    return 0.999 if found is None else found.sparsities[-1]


def _least(cost, limit, budget, greatest):
    """The least sparsity whose cost is within the limit, by bisection."""
    if cost(greatest) > limit:
        raise ValueError(
            f"`budget` must be met by some sparsity. Received: {budget!r}, "
            f"which is {quantities.text(limit)}. At {greatest:.1%}, the net "
            f"still costs {quantities.text(cost(greatest))}: ask for that, or "
            "let more layers be pruned."
        )
    if cost(0.0) <= limit:
        return 0.0
    low, high = 0.0, greatest
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if cost(middle) <= limit else (middle, high)
    return high


def _kept(unit, settings):
    """Entries kept of each array of a unit."""
    sparsity = settings[unit.name][SETTING]
    return np.ceil(_sizes(unit) * (1.0 - sparsity)).astype("int64")


def _sizes(unit):
    return np.array([int(np.prod(t.variable.shape)) for t in unit.targets])
