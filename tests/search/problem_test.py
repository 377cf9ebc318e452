"""Problem: right numbers, no trace, one graph."""

import keras
import numpy as np
import pytest

import tfprune
from tests.search import nets
from tfprune import backend
from tfprune import methods
from tfprune.core import units
from tfprune.graph import pruned
from tfprune.search import problem as problem_lib

CANDIDATES = np.array([[-1.0, 0.0, 0.5], [0.5, 1.0, -0.5], [2.0, 2.0, 2.0]])


def everything(model):
    return [backend.to_numpy(variable) for variable in variables(model)]


def variables(model):
    return [*model.variables, *pruned.hidden_variables(model)]


def by_hand(model, candidate, data):
    """Surgery's rule in NumPy, put into the masks, and `predict`."""
    before = everything(model)
    kept = []
    for unit, c in zip(units.tagged(model.variables), candidate, strict=True):
        weights = [target.dense() for target in unit.targets]
        x = np.abs(np.concatenate([w.ravel() for w in weights]))
        x = x[x != 0].astype("float64")
        t = max(x.mean() + c * x.std(), 0)
        for target, w in zip(unit.targets, weights, strict=True):
            old = target.mask.numpy()
            new = np.where(old, np.abs(w) > 0.9 * t, np.abs(w) > 1.1 * t)
            target.assign(w, new)
            kept.append(new.sum())
    x, y = data
    right = np.argmax(model(x), axis=-1) == y
    for variable, value in zip(variables(model), before, strict=True):
        variable.assign(value)
    return right.mean(), kept


@pytest.fixture(scope="module")
def model():
    return nets.pruned()


both_ways = pytest.mark.parametrize("wrap", [False, True])


@pytest.mark.parametrize("batch_size", [None, 1, 7, 60])
@pytest.mark.parametrize("compiled", [False, True])
@both_ways
def test_equals_masks_set_by_hand(compiled, batch_size, wrap):
    model = nets.pruned(compiled=compiled, wrap=wrap)
    data = nets.data()
    problem = problem_lib.Problem(model, data, 0.1, batch_size=batch_size)
    accuracies, counts = problem.measure(CANDIDATES)
    for row, accuracy, kept in zip(CANDIDATES, accuracies, counts, strict=True):
        expected, sizes = by_hand(model, row, data)
        assert accuracy == pytest.approx(expected, abs=1e-6)
        np.testing.assert_array_equal(kept, sizes)
    assert len(set(counts.sum(axis=1))) == 3


@both_ways
def test_candidates_bring_back_what_is_masked_now(wrap):
    model, data = nets.pruned(wrap=wrap), nets.data()
    problem = problem_lib.Problem(model, data, 0.1)
    problem.apply([1.0, 1.0, 1.0])
    (accuracy, *_), (counts, *_) = problem.measure(CANDIDATES)
    expected, sizes = by_hand(model, CANDIDATES[0], data)
    assert accuracy == pytest.approx(expected, abs=1e-6)
    np.testing.assert_array_equal(counts, sizes)
    assert counts.sum() > sum(mask.sum() for mask in nets.masks(model))
    problem.apply(CANDIDATES[0])
    assert problem.accuracy() == pytest.approx(accuracy)


def test_evaluating_leaves_no_trace(model):
    problem = problem_lib.Problem(model, nets.data(), 0.1)
    before = everything(model)
    first = problem.evaluate(CANDIDATES)
    for one, other in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(one, other)
    # No trace either in what comes after: the order is all the same.
    assert problem.evaluate(CANDIDATES[::-1]) == first[::-1]


def test_is_traced_once(model):
    traced = []

    def metric(labels, outputs):
        traced.append(1)
        return problem_lib.scorer.accuracy(labels, outputs)

    problem = problem_lib.Problem(model, nets.data(), 0.1, metric=metric)
    for count in (1, 2, 3, 10):
        problem.evaluate(np.zeros((count, 3)))
    assert len(traced) == 1


def test_sees_weights_and_masks_of_now():
    model = nets.pruned()
    problem = problem_lib.Problem(model, nets.data(), 0.1)
    before = problem.measure(CANDIDATES)[1]
    tfprune.set_mask(model, "hidden", np.zeros((64, 8), bool))
    after = problem.measure(CANDIDATES)[1]
    assert (after < before).any()
    for weight in model.get_layer("out").weights:
        weight.assign(np.zeros(weight.shape))
    assert problem.measure(CANDIDATES)[1][:, -2:].sum() == 0


def test_nan_leaves_a_layer_as_it_is(model):
    problem = problem_lib.Problem(model, nets.data(), 0.1)
    counts = problem.measure([[np.nan, 1.0, np.nan]])[1]
    assert counts[0, 0] == 3 * 3 * 2 * 4 and counts[0, 2] < 64 * 8
    assert problem.accuracy() == problem.reference


def test_layers_that_are_not_searched_stay_as_they_are(model):
    problem = problem_lib.Problem(
        model, nets.data(), 0.1, layers=["out", "conv"]
    )
    counts = problem.measure([[5.0, 0.0]])[1][0]
    assert counts[2:4].sum() == 65 * 8 and counts[4:].sum() == 0
    assert 0 < counts[0] < 72


def test_value_is_the_cost_where_the_accuracy_is_within_bounds(model):
    problem = problem_lib.Problem(model, nets.data(), delta=0.1)
    total = sum(mask.size for mask in nets.masks(model))
    for outcome in problem.evaluate(CANDIDATES):
        if outcome.accuracy >= problem.reference - 0.1 - 1e-6:
            assert outcome.value == outcome.kept / total
            assert outcome.is_feasible
        else:
            missing = problem.reference - 0.1 - outcome.accuracy
            assert outcome.value == pytest.approx(1 + missing)
            assert not outcome.is_feasible


def test_from_the_target_cost_on_accuracy_alone_counts(model):
    problem = problem_lib.Problem(model, nets.data(), 0.1, target_cost=0.5)
    total, bound = problem.objective.dense, problem.bound
    counts = np.zeros((5, 6), int)
    counts[:, 0] = [0.6 * total, 0.5 * total, 0.1 * total, 0, 0]
    accuracies = np.array([1.0, bound, bound + 0.1, bound + 0.2, bound - 0.1])
    values = [x.value for x in problem.judge(accuracies, counts)]
    assert values[0] == counts[0, 0] / total > 0.5
    assert values[1:] == pytest.approx([0.5, 0.45, 0.4, 1.1])


def test_exactly_delta_is_allowed(model):
    problem = problem_lib.Problem(model, nets.data(), delta=0.05)
    problem.reference = 0.95
    kept = np.ones((1, 6), int)
    (outcome,) = problem.judge(np.array([0.9], "float32"), kept)
    assert outcome.is_feasible
    (outcome,) = problem.judge(np.array([0.89], "float32"), kept)
    assert outcome.value == pytest.approx(1.01)


def test_send_prunes_and_sets():
    model, data = nets.pruned(compiled=True), nets.data()
    problem = problem_lib.Problem(model, data, 0.1)
    expected = problem.evaluate([[0.5, 1.0, -0.5]])[0]
    problem.apply([0.5, 1.0, -0.5])
    assert sum(mask.sum() for mask in nets.masks(model)) == expected.kept
    assert problem.accuracy() == pytest.approx(expected.accuracy)
    assert tfprune.settings(model)["hidden"]["c"] == 1.0
    problem.apply([np.nan, 2.0, np.nan])
    assert problem.incumbent.tolist() == [0.5, 2.0, -0.5]


def test_frozen_layers_stay_as_they_are():
    model = tfprune.freeze(nets.pruned())
    problem = problem_lib.Problem(model, nets.data(), 0.1)
    assert problem.evaluate([[3.0, 3.0, 3.0]])[0].kept == 72 + 4 + 520 + 36


@pytest.mark.parametrize(
    ("method", "setting"),
    [
        (methods.Magnitude(0.5), "target_sparsity"),
        (methods.Magnitude(0.5, end_step=100), "target_sparsity"),
        (methods.ThresholdSurgery(), "z"),
    ],
)
def test_any_setting_of_any_method(method, setting):
    problem = problem_lib.Problem(
        nets.pruned(method), nets.data(), 0.1, setting=setting
    )
    less, more = problem.evaluate([[0.5] * 3, [0.9] * 3])
    assert more.kept < less.kept < 72 + 512 + 32
    if setting == "target_sparsity":
        assert more.kept == pytest.approx(0.1 * (72 + 512 + 32), abs=2)


def test_settings_that_come_from_the_weights():
    """A target's c is the incumbent before training has begun, too."""
    model = nets.pruned(methods.Surgery(0.9))
    problem = problem_lib.Problem(model, nets.data(), 1.0)
    assert np.isnan(tfprune.settings(model)["conv"]["c"])
    (outcome,) = problem.evaluate([problem.incumbent])
    assert outcome.kept == pytest.approx(0.1 * (76 + 520 + 36), abs=3)


class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"delta": -0.1}, "`delta` must be >= 0. Received: delta=-0.1"),
            ({"layers": ["conv", "conv"]}, "`layers` must be .*repeated"),
            ({"layers": ["cnv"]}, "Did you mean 'conv'"),
            ({"target_cost": 1.0}, r"`target_cost` must be in \[0, 1\)"),
            ({"setting": "d"}, "`setting` must be one of: .*c"),
            ({"batch_size": 61}, "`batch_size` must be at most 60"),
            ({"batch_size": 0}, "`batch_size` must be an integer from 1"),
            ({"data": (np.zeros((3, 6, 6, 2)), [0, 1])}, "`data` must be two"),
            ({"data": np.zeros((3, 6, 6, 2))}, "`data` must be two arrays"),
            ({"data": ([], [])}, "`data` must be two arrays"),
            (
                {"metric": lambda y, x: x[:, 0] * np.nan},
                "`metric` must be a number",
            ),
        ],
    )
    def test_is_named_and_loses_nothing(self, model, changes, words):
        before = everything(model)
        arguments = {"data": nets.data(), "delta": 0.1, **changes}
        with pytest.raises(ValueError, match=words):
            problem_lib.Problem(model, **arguments)
        for one, other in zip(before, everything(model), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_a_net_that_has_diverged(self):
        model = nets.pruned()
        model.get_layer("out").bias.assign([np.nan] * 4)
        with pytest.raises(ValueError, match="has diverged"):
            problem_lib.Problem(model, nets.data(), 0.1)

    def test_a_candidate_that_is_no_number_is_the_worst(self, model):
        problem = problem_lib.Problem(model, nets.data(), 0.1)
        (outcome,) = problem.judge(np.array([np.nan]), np.array([[1] * 6]))
        assert outcome.value > 2 and not outcome.is_feasible

    def test_candidates_of_another_length(self, model):
        problem = problem_lib.Problem(model, nets.data(), 0.1)
        with pytest.raises(ValueError, match="`candidates` must be of shape"):
            problem.evaluate([[1.0, 2.0]])

    def test_a_model_that_is_not_pruned(self):
        with pytest.raises(ValueError, match="Call tfprune.prune first"):
            problem_lib.Problem(nets.dense(), nets.data(), 0.1)


def test_one_hot_labels_are_the_same():
    model, (x, y) = nets.pruned(), nets.data()
    one = problem_lib.Problem(model, (x, y), 0.1)
    other = problem_lib.Problem(model, (x, keras.utils.to_categorical(y)), 0.1)
    assert one.reference == other.reference > 0.5


class TestPublicCalls:
    """Thresholds sent to a live net, and its accuracy."""

    def test_sent_and_measured(self):
        model, data = nets.pruned(compiled=True), nets.data()
        expected, counts = by_hand(model, [0.5, 1.0, -0.5], data)
        tried = tfprune.search.pruned_accuracy(model, data, [0.5, 1.0, -0.5])
        assert all(mask.all() for mask in nets.masks(model))
        tfprune.search.set_thresholds(model, [0.5, 1.0, -0.5])
        now = tfprune.search.pruned_accuracy(model, data)
        assert now == tried == pytest.approx(expected)
        assert [mask.sum() for mask in nets.masks(model)] == counts

    def test_some_layers(self):
        model = nets.pruned()
        tfprune.search.set_thresholds(model, {"hidden": 1.0})
        kept = [mask.all() for mask in nets.masks(model)]
        assert kept == [True, True, False, False, True, True]
        settings = tfprune.settings(model)
        assert settings["hidden"]["c"] == 1.0 and settings["out"]["c"] == 0.0

    @pytest.mark.parametrize(
        ("thresholds", "words"),
        [
            ([1.0, 2.0], "`thresholds` must be 3 numbers"),
            ({"hiden": 1.0}, "Did you mean 'hidden'"),
        ],
    )
    def test_bad_input(self, model, thresholds, words):
        with pytest.raises(ValueError, match=words):
            tfprune.search.set_thresholds(model, thresholds)
