"""The matrices of Winograd convolutions, their factors and norms."""

import itertools

import numpy as np
import pytest

from tfprune.numerics import winograd

SIZES = [3, 5]


def correlate(d, g):
    """The obvious loops."""
    r = len(g)
    out = len(d) - r + 1
    return np.array(
        [
            [np.sum(d[y : y + r, x : x + r] * g) for x in range(out)]
            for y in range(out)
        ]
    )


def cook_toom(points, r):
    """A, B and G of F(4, r), up to the scale of each point.

    Products of polynomials at points; the last point is at infinity.
    """
    m = r + 3
    finite = [1.0 * point for point in points[: m - 1]]
    a = np.array([[p**i for i in range(4)] for p in finite] + [[0, 0, 0, 1]])
    g = np.array([[p**i for i in range(r)] for p in finite])
    g = np.vstack([g, [0] * (r - 1) + [1]])
    # B by the transposed interpolation: rows of powers, inverted.
    v = np.array([[p**i for i in range(m)] for p in finite])
    v = np.vstack([v, [0] * (m - 1) + [1]])
    return a, np.linalg.inv(v), g


@pytest.mark.parametrize("r", SIZES)
def test_shapes(r):
    t = winograd.transform(r)
    assert t.size == r + 3
    assert t.weights.shape == (r + 3, r)
    assert t.inputs.shape == (r + 3, r + 3)
    assert t.outputs.shape == (r + 3, 4)


@pytest.mark.parametrize("r, bound", [(3, 1e-13), (5, 1e-12)])
def test_equals_direct_correlation(r, bound):
    t = winograd.transform(r)
    rng = np.random.default_rng(0)
    for _ in range(20):
        d, g = rng.normal(size=(t.size, t.size)), rng.normal(size=(r, r))
        u = t.weights @ g @ t.weights.T
        v = t.inputs.T @ d @ t.inputs
        y = t.outputs.T @ (u * v) @ t.outputs
        np.testing.assert_allclose(y, correlate(d, g), atol=bound)


@pytest.mark.parametrize("r", SIZES)
def test_matrices_are_those_of_the_points(r):
    """Each row of G, column of B and row of A is the point's, scaled."""
    points = [0, 1, -1, 2, -2, 1 / 2, -1 / 2]
    a, b, g = cook_toom(points, r)
    t = winograd.transform(r)
    for p in range(t.size):
        scales = [
            _scale(t.outputs[p], a[p]),
            _scale(t.weights[p], g[p]),
            _scale(t.inputs[:, p], b[:, p]),
        ]
        assert np.prod(scales) == pytest.approx(1.0)


def _scale(ours, theirs):
    """The factor between two proportional vectors."""
    at = np.argmax(np.abs(theirs))
    np.testing.assert_allclose(ours * theirs[at], theirs * ours[at], atol=1e-12)
    return ours[at] / theirs[at]


@pytest.mark.parametrize(
    "p, q, factor",
    [
        (0, 0, 1),
        (0, 1, 0.5),
        (0, 3, 0.1085),
        (1, 1, 0.25),
        (1, 3, 0.0542),
        (3, 3, 0.01176),
    ],
)
def test_threshold_factors(p, q, factor):
    factors = winograd.transform(3).threshold_factors
    classes = {0: (0, 5), 1: (1, 2), 3: (3, 4)}
    for i, j in itertools.product(classes[p], classes[q]):
        assert factors[i, j] == pytest.approx(factor, rel=1e-3)
        assert factors[j, i] == factors[i, j]


@pytest.mark.parametrize(
    "p, q, norm",
    [
        (0, 0, 4.569),
        (0, 1, 5.870),
        (1, 1, 7.542),
        (0, 3, 2.643),
        (1, 3, 3.396),
        (3, 3, 1.529),
        (0, 5, 2.298),
        (1, 5, 2.952),
        (3, 5, 1.329),
        (5, 5, 1.156),
    ],
)
def test_projection_norms(p, q, norm):
    norms = winograd.transform(3).projection_norms
    classes = {0: (0,), 1: (1, 2), 3: (3, 4), 5: (5,)}
    for i, j in itertools.product(classes[p], classes[q]):
        assert norms[i, j] == pytest.approx(norm, abs=1e-3)
        assert norms[j, i] == pytest.approx(norm, abs=1e-3)


@pytest.mark.parametrize("r", SIZES)
def test_norms_are_those_of_kronecker_products(r):
    t = winograd.transform(r)
    rows = np.linalg.norm(np.kron(t.outputs, t.outputs), axis=1)
    np.testing.assert_allclose(t.threshold_factors.ravel(), 1 / rows)
    columns = np.linalg.pinv(np.kron(t.weights, t.weights))
    np.testing.assert_allclose(
        t.projection_norms.ravel(), np.linalg.norm(columns, axis=0)
    )


@pytest.mark.parametrize("r", SIZES)
def test_there_and_back(r):
    g = np.random.default_rng(0).normal(size=(r, r, 3, 4))
    u = winograd.coefficients(g, r)
    assert u.shape == (r + 3, r + 3, 3, 4)
    np.testing.assert_allclose(winograd.weights(u, r), g, atol=1e-12)
    t = winograd.transform(r)
    for c, f in itertools.product(range(3), range(4)):
        own = t.weights @ g[:, :, c, f] @ t.weights.T
        np.testing.assert_allclose(u[:, :, c, f], own, atol=1e-14)


@pytest.mark.parametrize("r", SIZES)
def test_weights_are_the_least_squares_ones(r):
    rng = np.random.default_rng(0)
    u = rng.normal(size=(r + 3, r + 3, 1, 1))
    k = np.kron(*[winograd.transform(r).weights] * 2)
    best = np.linalg.lstsq(k, u.ravel(), rcond=None)[0]
    found = np.ravel(winograd.weights(u, r))
    np.testing.assert_allclose(found, best, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 4, 7, (3, 3), [5]])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="`kernel_size` must be 3 or 5"):
        winograd.transform(size)
