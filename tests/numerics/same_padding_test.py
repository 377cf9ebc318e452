import keras
import numpy as np
import pytest

from tfprune.numerics import same_padding


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 8])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("stride, dilation", [(1, 1), (2, 1), (3, 1), (1, 2)])
def test_zeros_are_those_of_a_convolution(size, kernel, stride, dilation):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, size, 1)).astype("float32")
    taps = rng.normal(size=(kernel, 1, 1)).astype("float32")
    zeros = same_padding.zeros(size, (kernel - 1) * dilation, stride)
    padded = np.pad(x, [(0, 0), zeros, (0, 0)])
    got = keras.ops.conv(padded, taps, stride, "valid", None, dilation)
    want = keras.ops.conv(x, taps, stride, "same", None, dilation)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_sizes_do_not_matter_without_strides():
    assert same_padding.zeros(None, 5, 1) == (2, 3)
