"""When a unit is decided again."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import update_schedules

# Every operation is element by element: many steps at once are one call.
STEPS = np.arange(10_000, dtype="int32")


def due(when, steps=STEPS, unit=0, **settings):
    """Returns those of the steps that are due."""
    settings = {**when.settings, **settings}
    return np.asarray(steps)[np.array(when.due(steps, unit, settings))]


class TestEvery:
    def test_begin_and_end_are_included(self):
        when = update_schedules.Every(frequency=10, begin_step=20, end_step=50)
        assert due(when).tolist() == [20, 30, 40, 50]

    def test_the_end_is_due_between_two_turns(self):
        when = update_schedules.Every(frequency=10, begin_step=5, end_step=34)
        assert due(when).tolist() == [5, 15, 25, 34]

    def test_from_0_on_is_from_the_first_update_on(self):
        """A training of 99 updates is not left dense."""
        steps = STEPS[1:]
        when = update_schedules.Every(100)
        assert due(when, steps)[:4].tolist() == [1, 100, 200, 300]
        when = update_schedules.Every(100, end_step=50)
        assert due(when, steps).tolist() == [1, 50]
        when = update_schedules.Every(100, end_step=0)
        assert due(when, steps).tolist() == [1]
        when = update_schedules.Every(1, end_step=3)
        assert due(when, steps).tolist() == [1, 2, 3]

    def test_begin_equal_to_end_is_once(self):
        when = update_schedules.Every(frequency=10, begin_step=7, end_step=7)
        assert due(when).tolist() == [7]

    def test_no_end(self):
        when = update_schedules.Every(frequency=100)
        assert due(when).tolist() == [0, 1, *range(100, 10_000, 100)]
        assert due(when, np.array([2_000_000_000])).size == 1

    def test_every_single_step(self):
        when = update_schedules.Every(frequency=1, begin_step=9_998)
        assert due(when).tolist() == [9_998, 9_999]

    def test_same_in_a_graph_and_under_xla(self):
        when = update_schedules.Every(frequency=3, begin_step=1, end_step=7)
        for jit in (False, True):
            run = tf.function(lambda s: when.due(s, 0, {}), jit_compile=jit)
            decided = [bool(run(tf.constant(step))) for step in range(10)]
            assert np.flatnonzero(decided).tolist() == [1, 4, 7]

    @pytest.mark.parametrize(
        "arguments",
        [
            (100,),
            (1,),
            (7, 3),
            (7, 3, 20),
            (10, 0, 25),
            (100, 0, 50),
            (5, 9, 9),
        ],
    )
    @pytest.mark.parametrize("step", [0, 1, 3, 4, 10, 20, 25, 50, 99, 100])
    def test_when_a_step_is_decided(self, arguments, step):
        when = update_schedules.Every(*arguments)
        found = due(when, STEPS[1:])
        later = found[found >= step]
        expected = later[0] if later.size else found[-1]
        assert when.decided_by(step, {}) == expected

    def test_a_step_may_be_int64(self):
        assert bool(
            update_schedules.Every(5).due(tf.constant(10, "int64"), 0, {})
        )

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"frequency": 0}, "`frequency` must be a positive integer. Rec"),
            ({"frequency": 1.5}, "Received: frequency=1.5"),
            ({"begin_step": -1}, "`begin_step` must be >= 0. Received: beg"),
            (
                {"begin_step": 10, "end_step": 9},
                "`end_step` must be -1 or at least begin_step=10. "
                "Received: end_step=9",
            ),
            ({"end_step": -2}, "Received: end_step=-2"),
        ],
    )
    def test_errors(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            update_schedules.Every(**arguments)


class TestProbabilistic:
    @pytest.mark.parametrize(
        "gamma, power",
        [(1e-3, 1.0), (1e-4, 1.0), (1e-3, 2.0), (0.01, 0.5)],
    )
    def test_frequency_of_heads(self, gamma, power):
        """Around (1 + gamma * step)^-power, in each window of steps."""
        when = update_schedules.Probabilistic(gamma=gamma, power=power)
        heads = [np.isin(STEPS, due(when, unit=unit)) for unit in range(20)]
        observed = np.mean(heads, axis=0).reshape(10, -1).mean(axis=1)
        chance = (1 + gamma * STEPS) ** -power
        expected = chance.reshape(10, -1).mean(axis=1)
        # 20,000 tosses a window: five deviations are below 0.018.
        np.testing.assert_allclose(observed, expected, atol=0.018)

    def test_always_at_step_0(self):
        for unit in range(20):
            assert (
                due(update_schedules.Probabilistic(gamma=10.0), [0], unit).size
                == 1
            )

    def test_the_first_update_is_certain(self):
        never = update_schedules.Probabilistic(gamma=1e6, power=9.0)
        assert due(never, STEPS[1:]).tolist() == [1]
        never = update_schedules.Probabilistic(gamma=1e6, stop_step=1)
        assert not due(never, STEPS[1:]).size

    def test_when_it_is_decided(self):
        assert update_schedules.Probabilistic().decided_by(0, {}) == 1
        assert update_schedules.Probabilistic().decided_by(9, {}) == 9
        stops = update_schedules.Probabilistic(stop_step=30)
        assert stops.decided_by(0, {}) == 30
        assert stops.decided_by(0, {"stop_step": 7.0}) == 7

    @pytest.mark.parametrize("when", [{"gamma": 0.0}, {"power": 0.0}])
    def test_always_without_decay(self, when):
        assert due(update_schedules.Probabilistic(**when)).size == STEPS.size

    def test_stop_step_is_the_first_without_decisions(self):
        when = update_schedules.Probabilistic(gamma=0.0, stop_step=300)
        assert due(when).tolist() == list(range(300))

    def test_stop_step_0_is_never(self):
        assert due(update_schedules.Probabilistic(stop_step=0)).size == 0

    def test_units_have_coins_of_their_own(self):
        when = update_schedules.Probabilistic(gamma=1e-3)
        one, other = due(when, unit=0), due(when, unit=1)
        assert set(one) != set(other)

    def test_a_shared_coin_is_equal_for_all_units(self):
        when = update_schedules.Probabilistic(gamma=1e-3, shared=True)
        first = due(when, unit=0)
        assert 0 < first.size < STEPS.size
        for unit in range(1, 5):
            np.testing.assert_array_equal(due(when, unit=unit), first)

    def test_seeds_differ_and_repeat(self):
        one, same, other = (
            due(update_schedules.Probabilistic(gamma=1e-3, seed=seed))
            for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(one, same)
        assert set(one) != set(other)

    def test_settings_of_a_unit_override(self):
        when = update_schedules.Probabilistic(
            gamma=0.0, power=1.0, stop_step=100
        )
        assert due(when, stop_step=7.0).tolist() == list(range(7))
        assert due(when, stop_step=float("inf")).size == STEPS.size
        faster = due(when, gamma=tf.constant(10.0))
        assert 0 < faster.size < 50
        assert due(when, gamma=10.0, power=0.0).size == 100

    def test_settings_are_named_with_their_defaults(self):
        schedule = update_schedules.Probabilistic(
            gamma=0.5, power=2.0, stop_step=9
        )
        expected = {"gamma": 0.5, "power": 2.0, "stop_step": 9.0}
        assert schedule.settings == expected
        assert update_schedules.Probabilistic().settings["stop_step"] == float(
            "inf"
        )
        assert update_schedules.Every().settings == {}

    def test_a_shared_coin_has_one_probability(self):
        shared = update_schedules.Probabilistic(shared=True, stop_step=5)
        assert shared.settings == {"stop_step": 5.0}

    def test_same_in_a_graph_and_under_xla(self):
        when = update_schedules.Probabilistic(gamma=0.05, stop_step=90)
        settings = {name: tf.constant(v) for name, v in when.settings.items()}
        eager = np.array(when.due(np.arange(100), 3, settings)).tolist()
        assert True in eager[1:90] and False in eager[1:90]
        for jit in (False, True):
            run = tf.function(
                lambda s: when.due(s, 3, settings), jit_compile=jit
            )
            assert [bool(run(tf.constant(s))) for s in range(100)] == eager

    @pytest.mark.parametrize("name", ["gamma", "power"])
    def test_errors(self, name):
        message = f"`{name}` must be >= 0. Received: {name}=-0.1"
        with pytest.raises(ValueError, match=message):
            update_schedules.Probabilistic(**{name: -0.1})


class TestStaged:
    """Intervals of each stage, from the released code."""

    @pytest.mark.parametrize(
        "stages, policy, intervals",
        [
            (3, "minus", [3, 2, 1, 1]),
            (3, "exp", [4, 2, 1, 1]),
            (5, "minus", [5, 4, 3, 2, 1, 1]),
            (5, "exp", [16, 8, 4, 2, 1, 1]),
        ],
    )
    def test_intervals(self, stages, policy, intervals):
        when = update_schedules.Staged(stages, 100, policy)
        for stage, interval in enumerate(intervals):
            steps = np.arange(100 * stage + 1, 100 * (stage + 1) + 1)
            expected = steps[steps % interval == 0]
            assert due(when, steps).tolist() == expected.tolist()

    def test_it_stops(self):
        when = update_schedules.Staged(1, stop_step=5)
        assert due(when, np.arange(1, 9)).tolist() == [1, 2, 3, 4]

    @pytest.mark.parametrize("policy", ["minus", "exp"])
    @pytest.mark.parametrize("step", [0, 1, 5, 100, 199, 5_000])
    def test_when_a_step_is_decided(self, policy, step):
        when = update_schedules.Staged(5, 100, policy)
        found = due(when, STEPS[1:])
        assert when.decided_by(step, {}) == found[found >= step][0]
        when = update_schedules.Staged(5, 100, policy, stop_step=50)
        assert when.decided_by(step, {}) == 50

    @pytest.mark.parametrize(
        "wrong", [{"stages": 0}, {"stage_steps": 0}, {"policy": "linear"}]
    )
    def test_wrong_arguments(self, wrong):
        (name,) = wrong
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            update_schedules.Staged(**wrong)
