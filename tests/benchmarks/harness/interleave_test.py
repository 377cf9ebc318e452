"""Calls in turn, and what is computed of their times."""

import pytest

from benchmarks.harness import interleave


class Clock:
    """Time passes only where a call says so."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def __call__(self):
        return self.now

    def call(self, name, seconds):
        def run():
            self.order.append(name)
            self.now += seconds

        return run


def test_calls_take_turns_in_rotation():
    clock = Clock()
    seconds = {"plain": 2.0, "a": 3.0, "b": 4.0}
    calls = {name: clock.call(name, s) for name, s in seconds.items()}
    times = interleave.measure(calls, 4, clock)
    assert times == {name: [s] * 4 for name, s in seconds.items()}
    rounds = ["plain", "a", "b"], ["a", "b", "plain"], ["b", "plain", "a"]
    assert clock.order == sum(rounds, []) + rounds[0]


def test_ratios_are_of_the_same_round():
    times = {"plain": [1.0, 10.0], "a": [1.5, 11.0]}
    assert interleave.ratios(times, "a") == [1.5, 1.1]
    assert interleave.ratios(times, "plain") == [1.0, 1.0]


def test_ratios_over_cycles_are_of_sums_and_leave_out_the_rest():
    times = {"plain": [1.0, 3.0, 2.0, 2.0, 9.0], "a": [2.0, 3.0, 2.0, 3.0, 1.0]}
    assert interleave.ratios(times, "a", cycle=2) == [5 / 4, 5 / 4]
    assert interleave.ratios(times, "a", cycle=6) == []


def test_quartiles():
    assert interleave.quartiles([4.0, 1.0, 3.0, 2.0, 5.0]) == [2.0, 3.0, 4.0]
    with pytest.raises(ValueError, match=r"2 values or more. Received: \[1"):
        interleave.quartiles([1.0])


def test_bursts_take_turns_in_rotation():
    order = []

    def contender(name):
        def run(repeats):
            order.append(name)
            return [float(len(order))] * repeats

        return run

    names = ["a", "b", "c"]
    contenders = {name: contender(name) for name in names}
    times = interleave.bursts(contenders, rounds=2, repeats=3)
    assert order == ["a", "b", "c", "b", "c", "a"]
    assert times["a"] == [1.0] * 3 + [6.0] * 3
