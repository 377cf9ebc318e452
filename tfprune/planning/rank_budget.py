"""Rank budget: the ranks of a whole net, by what each layer costs by itself."""

from __future__ import annotations

import dataclasses

import keras

from tfprune.compress.low_rank import rank_choice
from tfprune.planning import rank_sensitivity
from tfprune.utils import quantities
from tfprune.utils import validation

_TURNS = 20


def choose_ranks(
    model: keras.Model,
    data,
    accuracy_drop: float = 0.01,
    budget: str | None = None,
    **arguments,
) -> dict[str, int]:
    """Returns ranks that keep the accuracy, without any training after it.

    All layers get the rank that costs each of them, by itself, the same drop
    of accuracy: the greatest one with which the net still has the accuracy
    wanted, or the least one that meets a budget.

    Args:
        model: As `measure_rank_sensitivity` takes it.
        data: Tuple of arrays (examples, labels), held out from training.
        accuracy_drop: Float >= 0: accuracy may drop so far. Defaults to 0.01.
        budget: String, `"macs<=50%"`, `"parameters<=1M"` or
            `"latency<=2ms"` (a call with one example, measured here), or None
            (default): as few MACs as the accuracy allows.
        **arguments: Of `measure_rank_sensitivity`.

    Returns:
        Dict, layer to rank: the `ranks` of `tfprune.factorize`. Layers that
        would not become cheaper are not there.

    Raises:
        ValueError: for bad data, or if no ranks meet the budget at that
            accuracy; it says what was reached.

    Example:

    ```python
    ranks = tfprune.planning.choose_ranks(model, held_out, budget="macs<=50%")
    model, table = tfprune.factorize(model, ranks=ranks)
    ```
    """
    validation.check("accuracy_drop", accuracy_drop, accuracy_drop >= 0, ">= 0")
    found = rank_sensitivity.measure_rank_sensitivity(model, data, **arguments)
    arguments.pop("shares", None)
    trial = rank_sensitivity.Trial(model, data, **arguments)
    wanted = quantities.parse(budget or "macs<=0", rank_choice.BILLS)
    make = rank_choice.BILLS[wanted.objective]
    bill = make(list(trial.found.values()), model)
    net = _Net(found, trial, bill)
    if budget is None:
        return net.cheapest(accuracy_drop)
    return net.within(wanted.cost(bill.dense), budget, accuracy_drop)


@dataclasses.dataclass(frozen=True)
class _Net:
    """Ranks of a whole net by the drop that each layer costs."""

    sensitivity: rank_sensitivity.RankSensitivity
    trial: rank_sensitivity.Trial
    bill: rank_choice.Bill

    def cheapest(self, accuracy_drop):
        """The ranks of the greatest drop that the net bears as a whole."""
        drop = self._last(lambda drop: self._dropped(drop) <= accuracy_drop)
        # Layers may cost nothing each, and something together.
        bears = self._dropped(drop) <= accuracy_drop
        return self._chosen(drop) if bears else {}

    def within(self, limit, budget, accuracy_drop):
        """The ranks of the least drop that meets a budget."""
        above = self._last(lambda drop: self._cost(drop) > limit)
        drop = above + 2.0 / 2**_TURNS if self._cost(0.0) > limit else 0.0
        dropped = self._dropped(drop)
        if self._cost(drop) > limit or dropped > accuracy_drop:
            raise ValueError(
                f"`budget` must be met within accuracy_drop={accuracy_drop}. "
                f"Received: budget={budget!r}, with which the net costs "
                f"{quantities.text(self._cost(drop))} and loses {dropped:.4f} "
                "before training. Allow for more of either, and train after it."
            )
        return self._chosen(drop)

    def _last(self, holds):
        """The greatest drop up to which something holds, by bisection."""
        low, high = 0.0, 2.0
        for _ in range(_TURNS):
            middle = (low + high) / 2
            low, high = (middle, high) if holds(middle) else (low, middle)
        return low

    def _chosen(self, drop):
        ranks = self.sensitivity.at(drop)
        by_layer = {id(x.layer): x for x in self.trial.found.values()}
        wanted = {x: ranks[y.layer.name] for x, y in by_layer.items()}
        kept = self.bill.saving(wanted)
        return {by_layer[x].layer.name: rank for x, rank in kept.items()}

    def _cost(self, drop):
        ranks = self._chosen(drop)
        found = self.trial.found
        return self.bill.cost(
            {id(found[name].layer): rank for name, rank in ranks.items()}
        )

    def _dropped(self, drop):
        (accuracy,) = self.trial.accuracies([self._chosen(drop)])
        return self.sensitivity.dense - accuracy
