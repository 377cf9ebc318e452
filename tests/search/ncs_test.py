"""The searches, NCS against a second reading of its rules, in plain loops."""

import json
import math
import sys

import numpy as np
import pytest

from tfprune import search
from tfprune.search import ncs

every_search = pytest.mark.parametrize("name", search.SEARCHERS)


def sphere(x):
    return float(np.sum(np.square(x)))


def rastrigin(x):
    waves = np.square(x) - 10 * np.cos(2 * np.pi * x) + 10
    return float(np.sum(waves))


def rosenbrock(x):
    valley = 100 * np.square(x[1:] - np.square(x[:-1]))
    return float(np.sum(valley + np.square(x[:-1] - 1)))


def minimise(searcher, function):
    while not searcher.done:
        searcher.tell([function(x) for x in searcher.ask()])
    return searcher


def make(name, dimensions=3, **changes):
    arguments = {
        "start": None,
        "lower": [-5.0] * dimensions,
        "upper": [5.0] * dimensions,
        "evaluations": 200,
        "seed": 1,
    }
    return search.build(name, **{**arguments, **changes})


class TestDistance:
    @pytest.mark.parametrize(
        ("other_sigma", "expected"),
        [([0.5, 1.0], 0.25), ([1.0, 0.5], 0.4731436)],
    )
    def test_check_vectors(self, other_sigma, expected):
        distance = ncs.bhattacharyya(
            np.array([1.0, 2.0]),
            np.array([1.5, 1.0]),
            np.array([0.5, 1.0]),
            np.array(other_sigma),
        )
        assert distance == pytest.approx(expected, abs=1e-7)


class TestBounds:
    @pytest.mark.parametrize(
        ("x", "inside"),
        [(0.3, 0.3), (-0.2, 0.2), (1.3, 0.7), (-1.7, 0.3), (5.0, 0.0)],
    )
    def test_reflect(self, x, inside):
        found = ncs.reflect(np.array([x]), np.array([0.0]), np.array([1.0]))
        assert found[0] == pytest.approx(inside)

    @every_search
    def test_candidates_stay_inside(self, name):
        searcher = make(name, sigma=50.0)
        while not searcher.done:
            x = searcher.ask()
            assert (x >= -5).all() and (x <= 5).all()
            searcher.tell([sphere(row) for row in x])


def by_the_rules(function, lower, upper, n, evaluations, random):
    """NCS written down once more: scalars, loops, nothing shared."""
    d = len(lower)
    x = random.uniform(lower, upper, (n, d)).tolist()
    sigma = [[(upper[k] - lower[k]) / n for k in range(d)] for _ in range(n)]
    f = [function(np.array(row)) for row in x]
    best, used, generation, replaced = min(f), n, 0, [0] * n

    def distance(p, a, q, b):
        total = 0.0
        for k in range(d):
            s = (a[k] ** 2 + b[k] ** 2) / 2
            total += (p[k] - q[k]) ** 2 / s / 8
            total += 0.5 * math.log(s / math.sqrt(a[k] ** 2 * b[k] ** 2))
        return total

    while used <= evaluations:
        generation += 1
        noise = random.standard_normal((n, d))
        u = []
        for i in range(n):
            child = [x[i][k] + sigma[i][k] * noise[i][k] for k in range(d)]
            for k in range(d):
                if child[k] < lower[k]:
                    child[k] = min(2 * lower[k] - child[k], upper[k])
                elif child[k] > upper[k]:
                    child[k] = max(2 * upper[k] - child[k], lower[k])
            u.append(child)
        fu = [function(np.array(row)) for row in u]
        used += n
        best = min([best, *fu])
        lam = 0.1 - 0.1 * (generation - 1) / (evaluations / n)
        weights = 1 + lam * random.standard_normal(n)
        parents = [list(row) for row in x]
        for i in range(n):
            others = [j for j in range(n) if j != i]
            near = min(
                distance(parents[i], sigma[i], parents[j], sigma[j])
                for j in others
            )
            far = min(
                distance(u[i], sigma[i], parents[j], sigma[j]) for j in others
            )
            a, b = f[i] - best, fu[i] - best
            nf = b / (a + b) if a + b else 0.5
            nc = far / (near + far) if near + far else 0.5
            if weights[i] * nc > nf:
                x[i], f[i] = u[i], fu[i]
                replaced[i] += 1
        if generation % n == 0:
            for i in range(n):
                rate = replaced[i] / n
                factor = 1 / 0.99 if rate > 0.2 else 0.99 if rate < 0.2 else 1
                sigma[i] = [s * factor for s in sigma[i]]
            replaced = [0] * n
    return best, x


@pytest.mark.parametrize("dimensions", [10, 30])
@pytest.mark.parametrize("function", [sphere, rastrigin, rosenbrock])
def test_equals_a_second_reading_of_the_rules(function, dimensions):
    lower, upper = [-5.0] * dimensions, [5.0] * dimensions
    searcher = make("ncs", dimensions, evaluations=600, seed=3)
    minimise(searcher, function)
    best, x = by_the_rules(
        function, lower, upper, 10, 600, np.random.default_rng(3)
    )
    assert searcher.count == 610
    assert searcher.best_value == pytest.approx(best, rel=1e-9)
    np.testing.assert_allclose(searcher._x, x, rtol=1e-9)


@every_search
def test_finds_the_minimum_of_a_sphere(name):
    begun = make(name, dimensions=5, evaluations=3000)
    begun.tell([sphere(x) for x in begun.ask()])
    before = begun.best_value
    after = minimise(begun, sphere).best_value
    # Sampling goes on from random places: it only has to get better.
    assert after < (before if name == "sampling" else 1.0)


@every_search
def test_starts_with_the_incumbent_and_never_ends_worse(name):
    searcher = make(name, start=[1.0, -2.0, 0.5])
    first = searcher.ask()
    np.testing.assert_array_equal(first, np.tile([1.0, -2.0, 0.5], (10, 1)))
    minimise(searcher, sphere)
    assert searcher.best_value < sphere(np.array([1.0, -2.0, 0.5]))
    assert sphere(searcher.best) == searcher.best_value


@every_search
@pytest.mark.parametrize("start", [None, [0.0, 0.0, 0.0]])
def test_goes_on_in_the_middle_as_if_nothing_had_happened(name, start):
    whole = minimise(make(name, start=start), rastrigin)
    half = make(name, start=start)
    while half.count < 100:
        half.tell([rastrigin(x) for x in half.ask()])
    half.ask()
    state = json.loads(json.dumps(half.state()))
    other = minimise(type(half).from_state(state), rastrigin)
    assert other.told == whole.told
    np.testing.assert_array_equal(other.best, whole.best)


@every_search
def test_seeds(name):
    one, same = (minimise(make(name), sphere) for _ in range(2))
    assert one.told == same.told
    assert minimise(make(name, seed=2), sphere).told != one.told


@every_search
def test_numpys_own_random_numbers_are_left_alone(name):
    np.random.seed(0)
    expected = np.random.rand()
    np.random.seed(0)
    minimise(make(name), sphere)
    assert np.random.rand() == expected


@every_search
@pytest.mark.filterwarnings("error")
def test_equal_values_and_equal_places_are_no_trouble(name):
    """0 / 0: all climbers in one place, all values the same."""
    searcher = make(name, start=[1.0, 1.0, 1.0])
    minimise(searcher, lambda x: 0.5)
    assert searcher.best_value == 0.5
    assert np.isfinite(searcher.ask()).all()


def test_sampling_never_leaves_the_incumbent():
    """As released: steps shrink, the centre stays."""
    start = [2.0, 2.0, 2.0]
    searcher = make("sampling", start=start, sigma=0.1, evaluations=3000)
    minimise(searcher, sphere)
    last = searcher.ask()
    np.testing.assert_allclose(last.mean(axis=0), start, atol=0.15)
    margin = make("sampling", sigma=100.0, start=start)
    margin.tell(np.ones(10))
    outside = np.isin(np.abs(margin.ask()), [5 - 1e-4])
    assert outside.any()


class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"upper": [5.0, 5.0]}, "`upper`"),
            ({"upper": [5.0, -6.0, 5.0]}, "`upper`"),
            ({"upper": [5.0, math.nan, 5.0]}, "`upper`"),
            ({"start": [0.0, 9.0, 0.0]}, "`start`"),
            ({"sigma": 0.0}, "`sigma`"),
            ({"sigma": [1.0, 1.0]}, "`sigma`"),
            ({"population": 1}, "`population`"),
            ({"evaluations": -1}, "`evaluations`"),
        ],
    )
    def test_is_named(self, changes, words):
        with pytest.raises(ValueError, match=words):
            make("ncs", **changes)

    def test_unknown_search(self):
        with pytest.raises(ValueError, match="Did you mean 'ncs'"):
            make("nsc")

    @pytest.mark.parametrize("bad", [[math.nan] * 10, [1.0] * 9, [math.inf]])
    def test_values_that_are_none_lose_nothing(self, bad):
        searcher = make("ncs")
        candidates = searcher.ask()
        with pytest.raises(ValueError, match="`values` must be 10 finite"):
            searcher.tell(bad)
        np.testing.assert_array_equal(searcher.ask(), candidates)
        assert minimise(searcher, sphere).told == (
            minimise(make("ncs"), sphere).told
        )


def test_cma_is_imported_when_it_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "cma", None)
    assert make("ncs").ask().shape == (10, 3)
    with pytest.raises(ImportError, match=r"pip install 'tfprune\[search\]'"):
        make("cma")
