"""Which groups stay: top k against a sort, and the two thresholds."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import selection

MODES = {
    "eager": selection.top_k,
    "graph": tf.function(selection.top_k),
    "xla": tf.function(selection.top_k, jit_compile=True),
}
IN_ALL_MODES = pytest.mark.parametrize("mode", MODES)
# Eager loops are slow; what they do is tested at every size.
COMPILED = pytest.mark.parametrize("mode", ["graph", "xla"])

SIZES = [0, 1, 2, 7, 8, 9, 127, 128, 1009]


def reference(scores, k):
    """A whole sort; of equal scores, the first ones stay."""
    best = np.argsort(-scores, axis=-1, kind="stable")[..., :k]
    kept = np.zeros(scores.shape, bool)
    np.put_along_axis(kept, best, True, axis=-1)
    return kept


def budgets(n):
    """0, 1, n - 1, n and some fractions."""
    return sorted({0, min(1, n), n // 10, n // 2, max(n - 1, 0), n})


def check(mode, scores, ks=None):
    scores = np.array(scores, "float32")
    for k in budgets(scores.shape[-1]) if ks is None else ks:
        kept = MODES[mode](tf.constant(scores), tf.constant(k))
        np.testing.assert_array_equal(kept, reference(scores, k), f"{k=}")


@pytest.mark.parametrize("n", SIZES)
@IN_ALL_MODES
def test_against_a_sort(mode, n):
    check(mode, np.random.default_rng(n).normal(size=n))


@pytest.mark.parametrize("n", [s for s in SIZES if s > 1])
def test_many_ties(n):
    rng = np.random.default_rng(n)
    check("graph", rng.integers(-2, 3, n))
    check("graph", rng.random(n) < 0.1)


@pytest.mark.parametrize(
    "scores",
    [
        np.zeros(128),
        np.full(128, 0.1),
        np.full(128, -3.0),
        np.where(np.arange(128) % 2, 0.0, -0.0),
        np.arange(128.0),
        -np.arange(128.0),
        np.sort(np.random.default_rng(0).integers(0, 9, 128)),
        np.nextafter(np.float32(1), np.float32([2] * 64 + [0] * 64)),
        2.0 ** np.random.default_rng(1).integers(-126, 128, 128),
        -(2.0 ** np.random.default_rng(2).integers(-126, 128, 128)),
        np.where(np.arange(128) == 77, 3e38, 1e-37),
        np.random.default_rng(3).normal(size=128) * 2e37,
        np.where(np.arange(128) % 3, -3e38, 3e38) * np.linspace(0, 1, 128),
    ],
    ids=[
        "zeros",
        "equal",
        "equal and negative",
        "both zeros",
        "ascending",
        "descending",
        "sorted ties",
        "neighbours",
        "all exponents",
        "all exponents, negative",
        "one giant",
        "huge",
        "the difference overflows",
    ],
)
@COMPILED
def test_edges(mode, scores):
    check(mode, scores)


@IN_ALL_MODES
def test_denormals_count_as_zero_but_k_is_exact(mode):
    """Threads of TensorFlow flush them; the order of the rest holds."""
    rng = np.random.default_rng(0)
    scores = rng.random(128).astype("float32") * np.float32(1e-40)
    scores[::4] = rng.random(32)
    for k in budgets(128):
        kept = np.array(MODES[mode](tf.constant(scores), tf.constant(k)))
        assert kept.sum() == k
        best = reference(scores, min(k, 32))
        np.testing.assert_array_equal(kept & best, best)


@IN_ALL_MODES
def test_rows_are_apart(mode):
    rng = np.random.default_rng(0)
    check(mode, rng.integers(0, 4, (2, 3, 8)))
    check(mode, rng.normal(size=(2, 3, 8)) * [[[1.0]], [[1e20]]])


@IN_ALL_MODES
def test_no_rows(mode):
    check(mode, np.zeros((0, 4)))


@IN_ALL_MODES
def test_every_k(mode):
    check(mode, [3.0, 1.0, 2.0, 2.0, 2.0, -1.0, 5.0, 2.0], range(9))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_other_floats(dtype):
    scores = np.random.default_rng(0).integers(0, 50, 127)
    kept = selection.top_k(tf.cast(scores, dtype), 40)
    np.testing.assert_array_equal(kept, reference(scores, 40))


def test_k_may_be_an_integer_or_any_integer_tensor():
    scores = np.array([1.0, 4.0, 2.0, 3.0], "float32")
    for k in (2, np.int64(2), tf.constant(2, "int64"), tf.Variable(2)):
        kept = np.array(selection.top_k(scores, k))
        assert kept.tolist() == [False, True, False, True]


@pytest.mark.parametrize("jit", [False, True])
def test_k_may_be_computed_in_the_graph(jit):
    @tf.function(jit_compile=jit)
    def best(scores, sparsity):
        kept = tf.round((1.0 - sparsity) * scores.shape[0])
        return selection.top_k(scores, tf.cast(kept, "int32"))

    scores = np.random.default_rng(0).normal(size=128).astype("float32")
    for sparsity, k in [(0.0, 128), (0.5, 64), (0.75, 32), (1.0, 0)]:
        kept = best(tf.constant(scores), tf.constant(sparsity))
        np.testing.assert_array_equal(kept, reference(scores, k))


class TestTopK:
    def test_all_groups_compete(self):
        scores = np.array([0.1, 0.9, 0.2, 0.8, 0.3, 0.7], "float32")
        kept = selection.TopK()(scores, 3, None)
        assert np.array(kept).tolist() == [0, 1, 0, 1, 0, 1]

    def test_groups_compete_in_rows(self):
        scores = np.array([4.0, 1.0, 2.0, 3.0, 0.1, 0.4, 0.4, 0.4], "float32")
        kept = selection.TopK(row=4)(scores, 2, None)
        assert np.array(kept).tolist() == [1, 0, 0, 1, 0, 1, 1, 0]


class TestThreshold:
    def test_at_least_the_budget_stays(self):
        scores = np.array([0.0, 0.4, 0.5, 0.6], "float32")
        for kept in (np.zeros(4, bool), np.ones(4, bool)):
            decided = selection.Threshold()(scores, 0.5, kept)
            assert np.array(decided).tolist() == [0, 0, 1, 1]


class TestHysteresis:
    # Dynamic network surgery with c = 0 on the check vector of its paper's
    # code: t = .2314286, bounds .2082857 and .2545714.
    T = 0.2314286
    W = np.array([0.2, -0.3, 0.02, 0.2, -0.22, 0.25], "float32")

    def test_check_vector(self):
        old = np.array([1, 1, 0, 0, 1, 0], bool)
        new = selection.Hysteresis()(np.abs(self.W), self.T, old)
        assert np.array(new).tolist() == [0, 1, 0, 0, 1, 0]

    def test_at_the_bounds(self):
        """Kept at `lower * t` goes, and pruned at `upper * t` stays."""
        rule = selection.Hysteresis(lower=0.5, upper=2.0)
        scores = np.array([0.5, 0.5, 0.51, 0.51, 2.0, 2.0, 2.1], "float32")
        old = np.array([1, 0, 1, 0, 1, 0, 0], bool)
        new = rule(scores, 1.0, old)
        assert np.array(new).tolist() == [0, 0, 1, 0, 1, 0, 1]

    def test_a_threshold_of_zero_prunes_zeros_only(self):
        scores = np.array([0.0, 0.0, 1e-6, 1e-6], "float32")
        old = np.array([1, 0, 1, 0], bool)
        new = selection.Hysteresis()(scores, 0.0, old)
        assert np.array(new).tolist() == [0, 0, 1, 1]

    def test_without_a_gap_the_past_does_not_matter(self):
        rule = selection.Hysteresis(lower=1.0, upper=1.0)
        scores = np.array([0.9, 1.0, 1.1], "float32")
        for old in (np.zeros(3, bool), np.ones(3, bool)):
            assert np.array(rule(scores, 1.0, old)).tolist() == [0, 0, 1]

    @pytest.mark.parametrize("lower, upper", [(1.2, 1.1), (-0.1, 1.0)])
    def test_errors(self, lower, upper):
        message = (
            rf"`lower` must be in \[0, upper={upper}\]. "
            f"Received: lower={lower}"
        )
        with pytest.raises(ValueError, match=message):
            selection.Hysteresis(lower, upper)
