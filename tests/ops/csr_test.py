import numpy as np
import pytest

from tests.ops import problems
from tfprune import ops
from tfprune.ops import csr


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1), (5, 7)])
@pytest.mark.parametrize("sparsity", [0, 0.5, 1])
def test_dense_there_and_back(shape, sparsity):
    dense = problems.sparse(*shape, sparsity)
    weights = ops.Csr.from_dense(dense)
    assert weights.rows == shape[0] and weights.columns == shape[1]
    assert len(weights.values) == np.count_nonzero(dense)
    np.testing.assert_array_equal(weights.to_dense(), dense)


def test_stamp_stands_for_the_content():
    dense = problems.sparse(4, 5, 0.5)
    other = dense.copy()
    other[np.nonzero(other)[0][0], np.nonzero(other)[1][0]] += 1
    stamps = [ops.Csr.from_dense(x).stamp for x in (dense, dense.copy(), other)]
    assert stamps[0] == stamps[1] != stamps[2]
    assert csr.UNSTAMPED not in stamps


def test_an_array_of_another_rank_is_refused():
    with pytest.raises(ValueError, match=r"`array` must have shape .*\(3,\)"):
        ops.Csr.from_dense(np.zeros(3))
