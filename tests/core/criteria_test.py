"""What a group is worth, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import criteria

GROUPS = np.array([[3.0, -4.0], [0.0, 0.0], [-1.0, -1.0]], "float32")


@pytest.mark.parametrize(
    "criterion, scores",
    [
        (criteria.Magnitude(), [3.5, 0.0, 1.0]),
        (criteria.GroupNorm(order=1), [7.0, 0.0, 2.0]),
        (criteria.GroupNorm(order=2), [5.0, 0.0, np.sqrt(2.0)]),
        # The means of the groups are -.5, 0 and -1; their mean is -.5.
        (criteria.Deviation(), [0.0, 0.5, 0.5]),
    ],
    ids=repr,
)
def test_scores_of_groups(criterion, scores):
    np.testing.assert_allclose(criterion(GROUPS), scores, rtol=1e-6)


@pytest.mark.parametrize(
    "criterion",
    [
        criteria.Magnitude(),
        criteria.GroupNorm(order=1),
        criteria.GroupNorm(order=2),
    ],
    ids=repr,
)
def test_a_single_weight_is_worth_its_magnitude(criterion):
    weights = np.array([[2.0], [-3.0], [0.0]], "float32")
    np.testing.assert_array_equal(criterion(weights), [2.0, 3.0, 0.0])


def test_deviation_of_a_single_weight_is_the_distance_from_the_mean():
    weights = np.array([[1.0], [2.0], [6.0]], "float32")
    np.testing.assert_array_equal(criteria.Deviation()(weights), [2, 1, 3])


@pytest.mark.parametrize(
    "criterion",
    [criteria.Magnitude(), criteria.GroupNorm(), criteria.Deviation()],
    ids=repr,
)
def test_same_under_xla(criterion):
    rng = np.random.default_rng(0)
    groups = tf.constant(rng.normal(size=(50, 4)), "float32")
    compiled = tf.function(criterion, jit_compile=True)
    np.testing.assert_allclose(compiled(groups), criterion(groups), atol=1e-6)


@pytest.mark.parametrize("order", [0, 3, -1, "2"])
def test_order_must_be_1_or_2(order):
    with pytest.raises(ValueError, match="`order` must be 1 or 2. Received"):
        criteria.GroupNorm(order=order)


def test_contributions_of_filters_by_hand():
    """Two filters of two channels, 2x2, and their gradients."""
    weights = np.array(
        [[1, 2, 0, -1, 0.5, 0, 0, 1], [1, 1, 1, 1, -1, 0, 0, 0]], "float32"
    )
    gradients = np.array(
        [
            [0.1, -0.2, 0.3, 0.4, 0.2, 0.1, 0, 0.5],
            [0.1, 0.1, -0.1, 0.1, 0.2, 0, 0, 1],
        ],
        "float32",
    )
    scores = criteria.Taylor()(weights, gradients)
    np.testing.assert_allclose(scores, [0.1, 0.0], atol=1e-7)


def test_contributions_need_gradients():
    with pytest.raises(ValueError, match="`gradients` must be given"):
        criteria.Taylor()(GROUPS)
