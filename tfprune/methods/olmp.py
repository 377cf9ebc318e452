"""OLMP: surgery whose thresholds are searched, under a bound on accuracy.

Three kinds of steps alternate:

    pruning     every `interval` steps, before `prune_stop`, the c of the
                layers drawn at random are searched: the least parameters
                whose accuracy on held-out data is within `delta` of that of
                the net as it is (`OLMPSearch`, between two steps)
    adjusting   in between, dynamic network surgery with these c
    retraining  from `prune_stop` on, masks are final

The paper is followed in the acceptance of candidates; the released code,
which never accepts one, is `acceptance="sampling"`.
"""

from __future__ import annotations

import dataclasses
import numbers
import typing

from tfprune import search
from tfprune.core import allocation
from tfprune.core import method
from tfprune.core import selection
from tfprune.core import update_schedules
from tfprune.methods import surgery
from tfprune.planning import cost_models
from tfprune.utils import serialization
from tfprune.utils import validation


@method.serializable
class OLMP(method.Method):
    """Searches each layer's threshold, so that nobody has to choose it.

    Train with `OLMPSearch` among the callbacks, which needs the data to
    measure accuracy on. Defaults are those of the paper's LeNet-300-100.

    Args:
        delta: Float >= 0, the drop of accuracy, absolute, that one search may
            cost; training makes up for it. Defaults to 0.08.
        interval: Integer, steps from search to search. Defaults to 1000.
        prune_stop: Integer, the step from which masks are final. Defaults to
            15000.
        c: Float, where the first search starts. Defaults to 0.001.
        gamma: Float, decay of the probability (1 + gamma * step)^-1 that a
            layer is selected. Defaults to 2e-4.
        acceptance: `"ncs"`: Negatively Correlated Search. `"sampling"`: as
            the released code does. `"cma"`: CMA-ES. Defaults to `"ncs"`.
        evaluations: Integer, candidates of one search. Defaults to 1600.
        population: Integer, candidates of a generation. Defaults to 10.
        lower: Float, the least c. Defaults to 0.
        upper: Float, the greatest c. Defaults to 10.
        sigma: Float, deviation of a search's first steps, or a list of
            (step, sigma) from which steps on. Defaults to 5.
        objective: What is minimised: `"parameters"`, `"macs"`, `"bytes"` or
            `"latency"`: measured with the sparse kernels when training begins,
            also that of a resumed run. Defaults to `"parameters"`.
        target_cost: Float in [0, 1), of the dense net's cost, as the objective
            counts it: a search that reaches it goes for accuracy from there
            on. Surgery between searches may leave less. Defaults to 0: as
            little as possible.
        seed: Integer, of random draws and searches. Defaults to 0.
        settings: Dict, layer to any of `c`, `gamma`, `power`, `stop_step`, or
            to None for a layer that is skipped.

    Example:

    ```python
    model = tfprune.prune(model, tfprune.methods.OLMP(0.05))
    model.compile(tfprune.PruningOptimizer("sgd"), loss="mse")
    model.fit(x, y, callbacks=[tfprune.callbacks.OLMPSearch(held_out)])
    ```

    Reference:
        Li, Qian, Jiang, Lu, Tang. Optimization based Layer-wise
        Magnitude-based Pruning for DNN Compression. IJCAI 2018.
    """

    def __init__(
        self,
        delta: float = 0.08,
        *,
        interval: int = 1000,
        prune_stop: int = 15_000,
        c: float = 0.001,
        gamma: float = 2e-4,
        acceptance: str = "ncs",
        evaluations: int = 1600,
        population: int = 10,
        lower: float = 0.0,
        upper: float = 10.0,
        sigma: typing.Any = 5.0,
        objective: str = "parameters",
        target_cost: float = 0.0,
        seed: int = 0,
        settings: dict | None = None,
    ):
        plan = Plan(
            delta=delta,
            interval=interval,
            prune_stop=prune_stop,
            acceptance=acceptance,
            evaluations=evaluations,
            population=population,
            lower=lower,
            upper=upper,
            sigma=sigma,
            objective=objective,
            target_cost=target_cost,
            seed=seed,
        )
        inside = lower <= c <= upper
        validation.check("c", c, inside, f"from lower={lower} to upper={upper}")
        rule = OLMPPruner(
            allocation=allocation.Explicit(),
            update_schedule=update_schedules.Probabilistic(
                gamma, 1.0, prune_stop, seed
            ),
            selection=selection.Hysteresis(),
            gradient="dense",
            c=c,
            plan=plan,
        )
        super().__init__("olmp", rule, ("kernel", "bias"), settings)


@serialization.serializable
class Plan(serialization.Serializable):
    """When and how thresholds are searched: arguments of `OLMP`."""

    delta: float = 0.08
    interval: int = 1000
    prune_stop: int = 15_000
    acceptance: str = "ncs"
    evaluations: int = 1600
    population: int = 10
    lower: float = 0.0
    upper: float = 10.0
    sigma: tuple = ((0, 5.0),)
    objective: str = "parameters"
    target_cost: float = 0.0
    seed: int = 0

    def __post_init__(self):
        object.__setattr__(self, "sigma", _steps(self.sigma))
        validation.check("delta", self.delta, self.delta >= 0, ">= 0")
        inside = 0 <= self.target_cost < 1
        validation.check("target_cost", self.target_cost, inside, "in [0, 1)")
        validation.check_count("interval", self.interval, 1)
        validation.check_count("prune_stop", self.prune_stop)
        validation.check_count("evaluations", self.evaluations)
        validation.check_count("population", self.population, 2)
        validation.check(
            "upper", self.upper, self.lower < self.upper, "> lower"
        )
        for name, known in (
            ("acceptance", search.SEARCHERS),
            ("objective", cost_models.COSTS),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    validation.unknown(name, getattr(self, name), known)
                )

    def due(self, step: int, last: int) -> bool:
        """Tells whether there is a search at a step, after that of `last`."""
        inside = last < step < self.prune_stop
        return inside and step % self.interval == 0

    def sigma_at(self, step: int) -> float:
        """The deviation of the first steps of a search."""
        return [sigma for begin, sigma in self.sigma if begin <= step][-1]


@serialization.serializable
class OLMPPruner(surgery.SurgeryPruner):
    """Surgery, and what is to be known of searches."""

    plan: Plan = dataclasses.field(default_factory=Plan)

    @property
    def settings(self):
        # In the model's file, so that a resumed run does not search twice.
        return {**super().settings, "searched_step": -1.0}


def _steps(sigma):
    """Sigma as ((step, sigma), ...), from step 0 on."""
    if isinstance(sigma, numbers.Real):
        sigma = ((0, sigma),)
    steps = tuple((int(step), float(value)) for step, value in sigma)
    begins = [step for step, _ in steps]
    fine = begins[:1] == [0] and begins == sorted(begins)
    fine = fine and all(value > 0 for _, value in steps)
    expected = "a positive number, or (step, number) pairs from step 0 on"
    validation.check("sigma", sigma, fine, expected)
    return steps
