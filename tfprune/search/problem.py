"""Problem: prune as much as the accuracy allows, as a function of numbers.

A candidate gives one setting of the method, such as surgery's c, for each
layer, or NaN for a layer that stays as it is. Its masks are those that the
method would decide now, from the masks of now; they exist during a forward
pass only.
"""

from __future__ import annotations

import collections
import hashlib
import json
import typing

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.graph import pruned
from tfprune.planning import cost_models
from tfprune.planning import rules as rules_lib
from tfprune.planning import scorer
from tfprune.utils import validation

# Less than one example is worth, more than float32 loses.
_SLACK = 1e-6
_WORST = 3.0


class Outcome(typing.NamedTuple):
    """What a candidate is worth.

    Args:
        accuracy: Float, the mean metric of the pruned model.
        kept: Integer, entries kept of all arrays that have masks.
        cost: Float, what the pruned model costs, as the objective counts it.
        value: Float, what a search minimises: the cost by that of the dense
            model, in [0, 1], where the accuracy is within bounds, and from the
            target cost on the less of that the more accurate; 1 and what is
            missing, at most 2, where it is not; 3 where it is no number.
    """

    accuracy: float
    kept: int
    cost: float
    value: float

    @property
    def is_feasible(self) -> bool:
        """Whether the accuracy is within bounds."""
        return self.value <= 1.0


class Problem:
    """Minimises a pruned model's cost where accuracy is within `delta`.

    Evaluating changes nothing in the model. It is one compiled function, which
    sees the weights and masks as they are at each call.

    Args:
        model: Keras model that is pruned. What its method remembers of the
            weights (surgery's mean and deviation) is what counts; before the
            first step, the weights of now.
        data: Tuple of arrays (examples, labels): training data that is held
            out from training.
        delta: Float >= 0, the drop of accuracy that is allowed, absolute.
        setting: String, the setting that candidates give. Defaults to `"c"`.
        layers: List of names, in the order of a candidate's entries. Defaults
            to all layers that have the setting.
        objective: `"parameters"`, `"macs"`, `"bytes"`, `"latency"`, or a
            callable as `CostModel.of_weights` gives it. Defaults to
            `"parameters"`.
        target_cost: Float in [0, 1), of the dense model's cost: where a
            candidate costs no more, accuracy alone counts. Defaults to 0.
        metric: As `Scorer` takes it. Defaults to the accuracy.
        batch_size: Integer or None, examples in one pass. Defaults to None:
            all of them.

    Raises:
        ValueError: for a negative delta, an unknown or repeated layer, an
            unknown setting or objective, a target cost out of range, data that
            do not fit, or a model whose metric is not a number.

    Example:

    ```python
    problem = Problem(model, held_out, delta=0.01)
    search = tfprune.search.NCS([0.001] * 3, lower=[0.0] * 3, upper=[10.0] * 3)
    while not search.done:
        outcomes = problem.evaluate(search.ask())
        search.tell([outcome.value for outcome in outcomes])
    problem.apply(search.best)
    ```
    """

    def __init__(
        self,
        model: keras.Model,
        data,
        delta: float,
        setting: str = "c",
        layers: list[str] | None = None,
        objective: typing.Any = "parameters",
        target_cost: float = 0.0,
        metric: typing.Callable | None = None,
        batch_size: int | None = None,
    ):
        validation.check("delta", delta, delta >= 0, ">= 0")
        inside = 0 <= target_cost < 1
        validation.check("target_cost", target_cost, inside, "in [0, 1)")
        self.delta, self.setting = delta, setting
        self.target_cost = target_cost
        self.model = model
        self.arguments = {
            "data": data,
            "delta": delta,
            "setting": setting,
            "layers": layers,
            "objective": objective,
            "target_cost": target_cost,
            "metric": metric,
            "batch_size": batch_size,
        }
        self._rules = rules_lib.having(rules_lib.rules(model), setting)
        self.layers = _named(layers, self._rules)
        targets = [target for rule in self._rules for target in rule.targets]
        self.objective = cost_models.of_weights(objective, model, targets)
        self._scorer = scorer.Scorer(
            model, data, len(self.layers), self._substitute, metric, batch_size
        )
        self.refresh()

    @property
    def incumbent(self) -> np.ndarray:
        """The settings of now, `(layers,)`."""
        known: dict[str, dict] = {}
        for rule in self._rules:
            known |= rule.settings()
        return np.array([known[name][self.setting] for name in self.layers])

    @property
    def variables(self) -> list:
        """All variables that outcomes depend on."""
        return [*self.model.weights, *pruned.hidden_variables(self.model)]

    @property
    def bound(self) -> float:
        """The least accuracy that is allowed."""
        return self.reference - self.delta

    def refresh(self) -> float:
        """Takes the accuracy of the model as it is now for the reference.

        Raises:
            ValueError: if it is no number; nothing is changed.
        """
        now = self.accuracy()
        if not np.isfinite(now):
            raise ValueError(
                "`metric` must be a number for the model as it is. Received: "
                f"{now}. Either the model's outputs are not finite, because it "
                "has diverged, or the metric does not fit the labels."
            )
        self.reference = now
        return now

    def accuracy(self) -> float:
        """The mean metric of the model as it is now."""
        as_it_is = np.full((1, len(self.layers)), np.nan)
        return float(self.measure(as_it_is)[0][0])

    def measure(self, candidates) -> tuple[np.ndarray, np.ndarray]:
        """The metric `(n,)` and entries kept `(n, arrays)`.

        Args:
            candidates: Float array `(n, layers)`.
        """
        return self._scorer(self._checked(candidates))

    def evaluate(self, candidates) -> list[Outcome]:
        """An `Outcome` for each candidate; changes nothing."""
        return self.judge(*self.measure(candidates))

    def fingerprint(self) -> str:
        """A digest of all that outcomes depend on."""
        digest = hashlib.sha256(
            json.dumps(
                [self.layers, self.setting, self.delta, self.target_cost]
            ).encode()
        )
        for variable in self.variables:
            digest.update(backend.to_numpy(variable).tobytes())
        for array in self.arguments["data"]:
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def judge(self, accuracies, counts) -> list[Outcome]:
        """What was measured, as a list of `Outcome`."""
        costs = self.objective(counts)
        rows = zip(accuracies.tolist(), counts.sum(axis=1), costs, strict=True)
        return [
            Outcome(
                accuracy, int(kept), float(cost), self._value(accuracy, cost)
            )
            for accuracy, kept, cost in rows
        ]

    def apply(self, candidate) -> None:
        """Prunes the live model by these settings, which it keeps.

        Args:
            candidate: Float array `(layers,)`; NaN leaves a layer as it is.
        """
        row = self._checked([candidate])[0]
        values = dict(zip(self.layers, row, strict=True))
        rules_lib.apply(self._rules, self.setting, values)

    def _checked(self, candidates):
        candidates = np.array(candidates, "float32")
        fits = candidates.ndim == 2 and candidates.shape[1] == len(self.layers)
        expected = f"of shape (n, {len(self.layers)}), for {self.layers}"
        validation.check("candidates", candidates.shape, fits, expected)
        return candidates

    def _value(self, accuracy, cost):
        if not np.isfinite(accuracy):
            return _WORST
        missing = self.bound - accuracy
        if missing > _SLACK:
            return 1.0 + min(missing, 1.0)
        share = float(cost / self.objective.dense)
        if share > self.target_cost:
            return share
        return self.target_cost * (1.0 - min(max(-missing, 0.0), 1.0))

    def _substitute(self, row):
        """Pairs (variable, tensor) of all arrays, and entries kept."""
        given = {name: row[i] for i, name in enumerate(self.layers)}
        masks = rules_lib.masks(self._rules, self.setting, given)
        kept = [ops.sum(ops.cast(mask, "int32")) for _, mask in masks]
        values = [rules_lib.substitute(target, mask) for target, mask in masks]
        return values, ops.stack(kept)


def _named(layers, rules):
    """The names of the layers that candidates are about."""
    known = [name for rule in rules for name in rule.units]
    if layers is None:
        return known
    for name in layers:
        if name not in known:
            raise ValueError(validation.unknown("layers", name, known))
    twice = [x for x, n in collections.Counter(layers).items() if n > 1]
    validation.check(
        "layers", layers, not twice, "names of which none is repeated"
    )
    return list(layers)
