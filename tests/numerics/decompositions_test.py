"""Decompositions against the sums that define them."""

import keras
import numpy as np
import pytest

from tfprune.numerics import decompositions
from tfprune.numerics import kmeans

ALL = [
    decompositions.PCA(),
    decompositions.PCA(centered=True),
    decompositions.SVD(),
    decompositions.KMeans(),
]
each = pytest.mark.parametrize("method", ALL, ids=str)


def matrix(entries=12, filters=6, rank=None):
    random = np.random.default_rng(0)
    if rank is None:
        return random.normal(size=(entries, filters))
    left = random.normal(size=(entries, rank))
    return left @ random.normal(size=(rank, filters))


@each
@pytest.mark.parametrize("shape", [(12, 6), (5, 9), (6, 6)])
def test_exact_at_full_rank(method, shape):
    x = matrix(*shape)
    fit = method.fit(x)
    left, right, bias = fit.at(fit.full_rank)
    np.testing.assert_allclose(left @ right, x, atol=1e-12)
    assert bias == 0.0


@each
def test_energies_rise_to_1(method):
    energies = method.fit(matrix()).energies
    assert np.all(np.diff(energies) > -1e-12)
    assert energies[-1] == pytest.approx(1)


@each
def test_rank_is_the_least_that_keeps_the_energy(method):
    fit = method.fit(matrix())
    for energy in (0.3, 0.7, 0.95, 1.0):
        rank = fit.rank(energy)
        assert fit.energy(rank) >= energy - 1e-9
        assert rank == 1 or fit.energy(rank - 1) < energy


def test_pca_keeps_the_share_of_squares():
    x = matrix()
    fit = decompositions.PCA().fit(x)
    for rank in range(1, 7):
        left, right, _ = fit.at(rank)
        lost = np.sum((x - left @ right) ** 2) / np.sum(x**2)
        assert fit.energy(rank) == pytest.approx(1 - lost)


def test_pca_centers_by_the_mean_of_each_filter():
    x = matrix()
    values = np.linalg.eigvalsh(np.cov(x.T))[::-1]
    fit = decompositions.PCA(centered=True).fit(x)
    np.testing.assert_allclose(fit.energies, np.cumsum(values) / values.sum())


def test_svd_keeps_the_share_of_the_norm_and_balances_the_factors():
    x = matrix()
    fit = decompositions.SVD().fit(x)
    left, right, _ = fit.at(3)
    share = np.linalg.norm(left @ right) / np.linalg.norm(x)
    assert fit.energy(3) == pytest.approx(share)
    np.testing.assert_allclose(
        np.linalg.norm(left, axis=0), np.linalg.norm(right, axis=1)
    )


def test_svd_and_pca_lose_the_same_at_a_rank():
    x = matrix()
    one, other = (
        np.linalg.multi_dot(method.fit(x).at(2)[:2])
        for method in (decompositions.PCA(), decompositions.SVD())
    )
    np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("method", ALL[:3], ids=str)
def test_the_rank_of_a_matrix_is_found(method):
    x = matrix(rank=2)
    if getattr(method, "centered", False):
        x = x - x.mean(axis=0)
    assert method.fit(x).rank(1.0) == 2


@each
def test_a_matrix_of_zeros_has_rank_1(method):
    fit = method.fit(np.zeros((4, 3)))
    assert fit.rank(0.95) == 1
    left, right, _ = fit.at(1)
    assert not np.any(left @ right)


@each
def test_round_trips(method):
    saved = keras.saving.serialize_keras_object(method)
    assert keras.saving.deserialize_keras_object(saved) == method


class TestResponses:
    def responses(self, x, entries=12):
        patches = np.random.default_rng(1).normal(size=(50, entries)) + 0.5
        patches[:, 6:] *= 0.01
        outputs = patches @ x
        gram = outputs.T @ outputs / 50
        return outputs, decompositions.Responses(gram, outputs.mean(axis=0))

    @pytest.mark.parametrize("centered", [False, True])
    def test_what_filters_answer_is_kept(self, centered):
        x = matrix()
        outputs, responses = self.responses(x)
        fit = decompositions.PCA(centered).fit(x, responses)
        left, right, bias = fit.at(2)
        mean = outputs.mean(axis=0) * centered
        kept = outputs @ right.T @ right + bias
        lost = np.sum((outputs - kept) ** 2) / np.sum((outputs - mean) ** 2)
        assert fit.energy(2) == pytest.approx(1 - lost)
        np.testing.assert_allclose(left, x @ right.T)

    def test_answers_are_nearer_than_by_the_weights_alone(self):
        x = matrix()
        outputs, responses = self.responses(x)
        errors = [
            np.sum((outputs - outputs @ right.T @ right) ** 2)
            for right in (
                decompositions.PCA().fit(x, given).at(2)[1]
                for given in (responses, None)
            )
        ]
        assert errors[0] < errors[1]

    @pytest.mark.parametrize(
        "method", [decompositions.SVD(), decompositions.KMeans()], ids=str
    )
    def test_only_pca_looks_at_them(self, method):
        _, responses = self.responses(matrix())
        with pytest.raises(ValueError, match="`data` must be None: only PCA"):
            method.fit(matrix(), responses)


class TestKMeans:
    def test_clusters_that_are_apart_are_found(self):
        centers = np.array([[0.0, 10.0, -10.0], [5.0, 0.0, 0.0]])
        of = np.array([0, 1, 2, 2, 1, 0, 0])
        noise = np.random.default_rng(0).normal(size=(2, 7))
        x = centers[:, of] + 0.1 * noise
        means, found = kmeans.cluster(x, 3)
        for cluster in range(3):
            (mean,) = set(found[of == cluster])
            expected = x[:, of == cluster].mean(axis=1)
            np.testing.assert_allclose(means[:, mean], expected)

    def test_equal_columns_can_all_be_means(self):
        means, of = kmeans.cluster(np.ones((2, 4)), 4)
        np.testing.assert_array_equal(means[:, of], np.ones((2, 4)))

    def test_each_filter_is_one_of_the_means(self):
        left, right, _ = decompositions.KMeans().fit(matrix()).at(3)
        assert left.shape == (12, 3)
        np.testing.assert_array_equal(right.sum(axis=0), np.ones(6))
        assert set(np.unique(right)) == {0.0, 1.0}
