"""The solver: the least amount within a limit, whatever the cost's form."""

import math

import pytest

from tfprune.planning import solver


@pytest.mark.parametrize("limit", [0.0, 1.0, 17.5, 79.999, 80.0])
def test_the_least_amount_within_a_limit(limit):
    amount = solver.solve(lambda x: 80 * (1 - x), limit)
    assert 80 * (1 - amount) <= limit
    assert amount == pytest.approx(1 - limit / 80, abs=2**-29)


def test_met_by_nothing_at_all():
    asked = []
    assert solver.solve(lambda x: asked.append(x) or 5, limit=5) == 0.0
    assert asked == [1.0, 0.0]


def test_met_by_the_most_alone():
    assert solver.solve(lambda x: float(x < 0.7), 0.0, most=0.7) == 0.7


def test_out_of_reach():
    assert solver.solve(lambda x: 2 - x, limit=0.999) is None
    assert solver.solve(lambda x: math.nan, limit=1.0) is not None


@pytest.mark.parametrize("step", [0.25, 0.3, 1 / 3, 0.998])
@pytest.mark.parametrize("halvings", [1, 16, 40])
def test_a_cost_of_one_step(step, halvings):
    amount = solver.solve(lambda x: x < step, False, 0.999, halvings)
    assert step <= amount <= step + 0.999 / 2**halvings


def test_a_cost_of_many_steps():
    """As when filters are counted: the first amount of the step counts."""
    amount = solver.solve(lambda x: round(10 * (1 - x)), limit=6)
    assert round(10 * (1 - amount)) == 6
    assert amount == pytest.approx(0.35, abs=1e-6)


def test_how_often_the_cost_is_asked():
    asked = []
    solver.solve(lambda x: asked.append(x) or 1 - x, 0.3, halvings=16)
    assert len(asked) == 2 + 16


class TestBracket:
    def test_is_as_narrow_as_asked(self):
        low, high = solver.bracket(lambda x: x >= 0.7, 2.0, 20)
        assert low < 0.7 <= high and high - low == 2.0 / 2**20

    @pytest.mark.parametrize(
        ("holds", "ends"), [(True, (0.0, 0.25)), (False, (1.75, 2.0))]
    )
    def test_stays_at_an_end(self, holds, ends):
        assert solver.bracket(lambda x: holds, 2.0, 3) == ends
