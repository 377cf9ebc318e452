"""Forces against the sum over pairs, and the potentials they descend."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tfprune.numerics import forces

# phi(D) of a pair, whose sum a force descends.
POTENTIALS = {
    "constant": lambda distance: distance,
    "degradation": lambda distance: distance**2 / 2,
    "linear": np.log,
    "gravity": lambda distance: -1 / distance,
}
FACTORS = {
    "constant": lambda distance: 1 / distance,
    "degradation": lambda distance: 1.0,
    "linear": lambda distance: distance**-2,
    "gravity": lambda distance: distance**-3,
}
EXAMPLE = [[3.0, 0, 4], [0, 2, 0], [1, 1, 0]]
each = pytest.mark.parametrize("name", forces.FORCES)


def filters(count=5, entries=7):
    return np.random.default_rng(0).normal(size=(count, entries))


def force(rows, name):
    tensor = ops.convert_to_tensor(np.asarray(rows, "float32"))
    return ops.convert_to_numpy(forces.force(tensor, name))


def by_pairs(rows, name):
    """The definition, one pair after the other."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / norms
    total = np.zeros_like(rows)
    for i, one in enumerate(unit):
        for j, other in enumerate(unit):
            if i != j:
                distance = np.linalg.norm(other - one)
                pull = FACTORS[name](distance) * (other - one)
                total[i] += pull - (pull @ one) * one
    return norms * total


def potential(rows, name):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [(i, j) for i in range(len(unit)) for j in range(i)]
    return sum(
        POTENTIALS[name](np.linalg.norm(unit[i] - unit[j])) for i, j in pairs
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "degradation",
            [
                [2.2627417, 8.5355339, -1.6970563],
                [2.6142136, 0, 1.6],
                [-0.2828427, 0.2828427, 1.1313708],
            ],
        ),
        (
            "constant",
            [
                [2.1086685, 6.8303285, -1.5815014],
                [2.6962872, 0, 1.1313708],
                [-0.5285042, 0.5285042, 1.0543343],
            ],
        ),
    ],
)
def test_published_example(name, expected):
    np.testing.assert_allclose(force(EXAMPLE, name), expected, atol=2e-6)


@each
def test_sum_over_pairs(name):
    rows = filters()
    expected = by_pairs(rows, name)
    np.testing.assert_allclose(force(rows, name), expected, 1e-4, 1e-4)


@each
def test_descends_its_potential(name):
    rows = filters()
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    gradient, eps = np.zeros_like(rows), 1e-5
    for index in np.ndindex(rows.shape):
        step = np.zeros_like(rows)
        step[index] = eps
        up, down = potential(rows + step, name), potential(rows - step, name)
        gradient[index] = (up - down) / (2 * eps)
    expected = -(norms**2) * gradient
    np.testing.assert_allclose(force(rows, name), expected, 1e-3, 1e-4)


@each
def test_is_orthogonal_and_keeps_norms_to_first_order(name):
    rows = filters(20, 30)
    moved = force(rows, name)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(moved, axis=1)
    assert np.all(np.abs(np.sum(rows * moved, axis=1)) < 1e-5 * lengths)
    norms = np.linalg.norm(rows, axis=1)
    changes = [
        np.abs(np.linalg.norm(rows + eps * moved, axis=1) - norms).max()
        for eps in (1e-2, 1e-3)
    ]
    assert changes[1] < 0.02 * changes[0]


@each
def test_scales_with_the_filters(name):
    rows = filters()
    scale = np.array([[1.0], [2], [3], [4], [5]])
    expected = scale * force(rows, name)
    np.testing.assert_allclose(force(scale * rows, name), expected, 1e-4, 1e-4)


@each
def test_filters_of_no_norm_neither_pull_nor_are_pulled(name):
    rows = filters()
    with_others = np.insert(rows, 2, 0, axis=0)
    with_others = np.insert(with_others, 4, 1e-6, axis=0)
    moved = force(with_others, name)
    np.testing.assert_array_equal(moved[[2, 4]], 0)
    others = np.delete(moved, [2, 4], axis=0)
    np.testing.assert_allclose(others, force(rows, name), 1e-4, 1e-4)


@each
def test_equal_filters_are_at_rest(name):
    rows = np.ones((3, 4)) * [[1], [2], [3]]
    np.testing.assert_allclose(force(rows, name), 0, atol=1e-5)
    assert not np.any(force(np.zeros((3, 4)), name))


@each
def test_one_filter_is_at_rest(name):
    np.testing.assert_allclose(force(filters(1), name), 0, atol=1e-5)


@each
def test_following_it_lowers_the_rank(name):
    rows = filters(8, 6)
    before = np.linalg.svd(rows, compute_uv=False)
    for _ in range(200):
        rows = rows + 0.01 * force(rows, name)
    after = np.linalg.svd(rows, compute_uv=False)
    assert after[0] / after.sum() > 1.3 * before[0] / before.sum()


def test_kernels_hold_filters_in_their_last_axis():
    kernel = np.random.default_rng(0).normal(size=(3, 2, 4, 5))
    moved = forces.of_kernel(ops.convert_to_tensor(kernel, "float32"))
    rows = force(kernel.reshape(-1, 5).T, "degradation")
    expected = rows.T.reshape(kernel.shape)
    np.testing.assert_allclose(moved, expected, 1e-5, 1e-5)


def test_groups_do_not_pull_each_other():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 6))
    tensor = ops.convert_to_tensor(kernel.astype("float32"))
    moved = forces.of_kernel(tensor, "constant", groups=2)
    for half in (slice(0, 3), slice(3, 6)):
        alone = forces.of_kernel(tensor[..., half], "constant")
        np.testing.assert_allclose(moved[..., half], alone, 1e-5, 1e-5)


@each
def test_nothing_is_as_large_as_the_entries_of_all_pairs(name):
    """O(N K + N^2) of 24 filters of 72 entries: at most N K, not N^2 K."""
    kernel = tf.TensorSpec((3, 3, 8, 24))
    function = tf.function(lambda x: forces.of_kernel(x, name))
    operations = function.get_concrete_function(kernel).graph.get_operations()
    tensors = [x for operation in operations for x in operation.outputs]
    assert max(x.shape.num_elements() for x in tensors) == 24 * 72


def test_an_unknown_force():
    with pytest.raises(ValueError, match="Did you mean 'gravity'"):
        forces.get("gravit")
