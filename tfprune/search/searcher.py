"""Searcher: what every derivative-free search looks like from outside.

A searcher is asked for candidates and told what they are worth; it knows
nothing of models. All it does follows from its arguments and from what it was
told, so that this is all there is to save in the middle of a search.
"""

from __future__ import annotations

import numpy as np

from tfprune.utils import validation


class Searcher:
    """Minimises a function of a vector within bounds.

    The first generation is the population that the search starts from.

    Args:
        start: Float array `(d,)`, the incumbent, of which the population is
            copies; or None: uniformly random within the bounds.
        lower: Float array `(d,)`, least values.
        upper: Float array `(d,)`, greatest values.
        sigma: Float or array `(d,)` > 0, deviation of the first steps.
            Defaults to None: (upper - lower) / population.
        population: Integer >= 2, candidates of one generation. Defaults to 10.
        evaluations: Integer. The search is done when it has been told more
            values than this. Defaults to 1600.
        seed: Integer. Defaults to 0.

    Raises:
        ValueError: for bounds, a start or a number that cannot be.

    Example:

    ```python
    searcher = tfprune.search.NCS([0.5, 0.5], lower=[0, 0], upper=[1, 1])
    while not searcher.done:
        searcher.tell([function(x) for x in searcher.ask()])
    print(searcher.best, searcher.best_value)
    ```
    """

    def __init__(
        self,
        start,
        lower,
        upper,
        sigma=None,
        population: int = 10,
        evaluations: int = 1600,
        seed: int = 0,
    ):
        validation.check_count("population", population, 2)
        validation.check_count("evaluations", evaluations)
        self.lower, self.upper = _bounds(lower, upper)
        self.population, self.evaluations = population, evaluations
        self.sigma = _sigma(sigma, self.lower, self.upper, population)
        self.start = _start(start, self.lower, self.upper)
        self.seed = seed
        self.random = np.random.default_rng(seed)
        self.told: list[list[float]] = []
        self.best: np.ndarray | None = None
        self.best_value = np.inf
        self._asked: np.ndarray | None = None

    @property
    def count(self) -> int:
        """Values told so far."""
        return sum(map(len, self.told))

    @property
    def done(self) -> bool:
        """Whether all evaluations are used up."""
        return self.count > self.evaluations

    def ask(self) -> np.ndarray:
        """The candidates of this generation, `(population, d)`.

        They stay the same until their values are told.
        """
        if self._asked is None:
            self._asked = self.propose() if self.told else self._first()
        return self._asked.copy()

    def tell(self, values) -> None:
        """Takes the values of the candidates last asked for, less is better.

        Args:
            values: Float array `(population,)`, finite.

        Raises:
            ValueError: if they are not; the search may be told again.
        """
        candidates, values = self.ask(), np.array(values, "float64")
        if values.shape != (len(candidates),) or not np.isfinite(values).all():
            raise ValueError(
                f"`values` must be {len(candidates)} finite numbers, one for "
                f"each candidate. Received: values={values.tolist()}. Give "
                "what can't be measured a value worse than all others."
            )
        self._asked = None
        self.told.append(values.tolist())
        first = int(np.argmin(values))
        if values[first] < self.best_value:
            self.best, self.best_value = candidates[first], values[first]
        self.learn(candidates, values)

    def state(self) -> dict:
        """The whole state of a search, as JSON can have it."""
        return {
            "start": None if self.start is None else self.start.tolist(),
            "lower": self.lower.tolist(),
            "upper": self.upper.tolist(),
            "sigma": self.sigma.tolist(),
            "population": self.population,
            "evaluations": self.evaluations,
            "seed": self.seed,
            "told": self.told,
        }

    @classmethod
    def from_state(cls, state: dict) -> Searcher:
        """The search that `state` was taken of."""
        state = dict(state)
        told = state.pop("told")
        searcher = cls(**state)
        for values in told:
            searcher.tell(values)
        return searcher

    def propose(self) -> np.ndarray:
        """The candidates of a generation that is not the first."""
        raise NotImplementedError

    def learn(self, candidates, values) -> None:
        """Takes note of values; `best` is up to date already."""
        raise NotImplementedError

    def _first(self):
        shape = (self.population, self.lower.size)
        if self.start is None:
            return self.random.uniform(self.lower, self.upper, shape)
        return np.tile(self.start, (self.population, 1))


def _bounds(lower, upper):
    lower, upper = np.array(lower, "float64"), np.array(upper, "float64")
    fine = lower.ndim == 1 and lower.size and lower.shape == upper.shape
    fine = fine and np.isfinite([lower, upper]).all() and (lower < upper).all()
    expected = f"finite numbers above lower={lower.tolist()}, one for each"
    validation.check("upper", upper.tolist(), fine, expected)
    return lower, upper


def _sigma(sigma, lower, upper, population):
    if sigma is None:
        return (upper - lower) / population
    array = np.array(sigma, "float64")
    fine = array.shape in ((), lower.shape) and np.isfinite(array).all()
    fine = fine and (array > 0).all()
    expected = f"a positive number, or {lower.size} of them"
    validation.check("sigma", sigma, fine, expected)
    return np.broadcast_to(array, lower.shape).copy()


def _start(start, lower, upper):
    if start is None:
        return None
    start = np.array(start, "float64")
    fine = start.shape == lower.shape
    fine = fine and ((lower <= start) & (start <= upper)).all()
    expected = (
        f"None or {lower.size} numbers from lower={lower.tolist()} to "
        f"upper={upper.tolist()}"
    )
    validation.check("start", start.tolist(), fine, expected)
    return start
