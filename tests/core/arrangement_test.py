"""Kernels as (..., summed, outputs), and back."""

import numpy as np
import pytest

from tfprune.core import arrangement

CASES = [
    ((3, 4), (-2,), (3, 4)),
    ((3, 4), (1,), (4, 3)),
    ((2, 3, 4, 5), (-1,), (2, 3, 5, 4)),
    ((2, 3, 4, 5), (0, 1), (4, 6, 5)),
    ((2, 3, 4), (2, 0), (8, 3)),
    ((2, 3), (0, 1), (6, 1)),
    ((2, 3), (), (2, 1, 3)),
    ((2, 3, 4), None, (2, 3, 4)),
    ((3,), None, (3,)),
    ((), None, ()),
]
EACH = pytest.mark.parametrize("shape, axes, arranged", CASES)


def count_up(shape):
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


@EACH
def test_shape(shape, axes, arranged):
    own = arrangement.Arrangement(shape, axes)
    assert own.shape == arranged
    assert tuple(own.arrange(count_up(shape)).shape) == arranged


@EACH
def test_restore_undoes_arrange(shape, axes, arranged):
    own = arrangement.Arrangement(shape, axes)
    array = count_up(shape)
    np.testing.assert_array_equal(own.restore(own.arrange(array)), array)


def test_by_hand():
    """Kernel (inputs, outputs, inputs) = (2, 3, 2), of einsum "abc,bdc->ad"."""
    own = arrangement.Arrangement((2, 3, 2), (0, 2))
    arranged = np.array(own.arrange(count_up((2, 3, 2))))
    assert arranged.T.tolist() == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]


def test_the_last_axis_but_one_is_there_already():
    own = arrangement.Arrangement((2, 3, 4), (1,))
    array = count_up((2, 3, 4))
    np.testing.assert_array_equal(own.arrange(array), array)
