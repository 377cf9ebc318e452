"""No tensor crashes an op: each mistake is an error that names it."""

import numpy as np
import pytest
import tensorflow as tf

from tfprune.ops import library

OPS = library.load().ops
LARGEST = 2**31 - 1
pytestmark = pytest.mark.skipif(OPS is None, reason=library.describe())

# 3 rows, 8 columns: for the convolution 2x2 pixels of 2 channels.
GOOD = {
    "values": np.arange(1.0, 6.0, dtype="float32"),
    "column_indices": [0, 7, 1, 3, 4],
    "row_offsets": [0, 2, 2, 5],
    "stamp": 0,
    "bias": np.zeros(0, "float32"),
}


def ones(*shape):
    return np.ones(shape, "float32")


def columns(index, value):
    changed = list(GOOD["column_indices"])
    changed[index] = value
    return {"column_indices": changed}


OFFSETS = "row_offsets must"
COLUMNS = r"column_indices must be in \[0, "
BAD_CSR = [
    *[
        ({"row_offsets": offsets}, OFFSETS)
        for offsets in (
            [1, 2, 2, 5],
            [-1, 2, 2, 5],
            [5, 5, 5, 5],
            [LARGEST, 2, 2, 5],
            [-LARGEST - 1, 2, 2, 5],
            [0, 3, 2, 5],
            [0, 6, 2, 5],
            [0, 2, -1, 5],
            [0, -5, -5, 5],
            [0, LARGEST, 2, 5],
            [0, 2, LARGEST, 5],
            [0, 5, 0, 5],
            [0, 2, 2, 4],
            [0, 2, 2, 6],
            [0, 2, 2, 2],
            [0, 0, 0, 0],
            [0, 2, 2, LARGEST],
            [0, 2, 2, -1],
            [0, 2, 2, -LARGEST - 1],
            [5, 2, 2, 0],
            [],
        )
    ],
    ({"row_offsets": [0]}, OFFSETS),
    ({"row_offsets": 5}, "row_offsets must have rank 1|must be rank 1"),
    (
        {"row_offsets": [[0, 2, 2, 5]]},
        "row_offsets must have rank 1|must be rank 1",
    ),
    *[
        (columns(index, value), COLUMNS)
        for index in range(5)
        for value in (-1, 8, LARGEST, -LARGEST - 1)
    ],
    ({"column_indices": [0, 7, 1, 3]}, "must have one length"),
    ({"column_indices": [0, 7, 1, 3, 4, 5]}, "must have one length"),
    ({"column_indices": []}, "must have one length"),
    ({"column_indices": 0}, "column_indices must have rank 1"),
    ({"column_indices": [[0, 7, 1, 3, 4]]}, "column_indices must have rank 1"),
    ({"values": ones(4)}, "must have one length"),
    ({"values": ones(6)}, "must have one length"),
    ({"values": ones(0)}, "must have one length"),
    ({"values": ones()}, "values must have rank 1"),
    ({"values": ones(5, 1)}, "values must have rank 1"),
    ({"values": ones(0), "column_indices": []}, OFFSETS),
    ({"stamp": [1]}, "stamp must have rank 0"),
    ({"stamp": []}, "stamp must have rank 0"),
    ({"bias": ones(1)}, r"bias must have shape \[3\]"),
    ({"bias": ones(2)}, r"bias must have shape \[3\]"),
    ({"bias": ones(4)}, r"bias must have shape \[3\]"),
    ({"bias": ones()}, r"bias must have shape \[3\]"),
    ({"bias": ones(3, 1)}, r"bias must have shape \[3\]"),
    ({"bias": ones(0, 3)}, r"bias must have shape \[3\]"),
]
BAD_MATMUL = [
    *BAD_CSR,
    ({"x": ones()}, "rank"),
    ({"x": ones(7)}, COLUMNS),
    ({"x": ones(1, 1, 7)}, COLUMNS),
    ({"x": ones(1, 7)}, COLUMNS),
    ({"x": ones(9, 7)}, COLUMNS),
    ({"x": ones(1, 0)}, COLUMNS),
    ({"x": ones(0, 1)}, COLUMNS),
]
BAD_CONV = [
    *BAD_CSR,
    ({"x": ones()}, "rank"),
    ({"x": ones(4, 4, 2)}, "rank"),
    ({"x": ones(1, 1, 4, 4, 2)}, "rank"),
    ({"x": ones(1, 4, 4, 1)}, COLUMNS),
    ({"x": ones(1, 4, 4, 0)}, COLUMNS),
    ({"residual": ones(1)}, "residual must have shape"),
    ({"residual": ones(1, 3, 3, 2)}, "residual must have shape"),
    ({"residual": ones(2, 3, 3, 3)}, "residual must have shape"),
    ({"residual": ones(3, 3, 3)}, "residual must have shape"),
    ({"kernel_size": []}, "kernel_size must have 2 numbers"),
    ({"kernel_size": [2]}, "kernel_size must have 2 numbers"),
    ({"kernel_size": [2, 2, 2]}, "kernel_size must have 2 numbers"),
    ({"kernel_size": [0, 2]}, "kernel height must be 1 or more"),
    ({"kernel_size": [2, -1]}, "kernel width must be 1 or more"),
    ({"kernel_size": [2**40, 1]}, "kernel height must be"),
    ({"kernel_size": [2**62, 2**62]}, "kernel height must be"),
    ({"kernel_size": [1, 3]}, COLUMNS),
    ({"strides": [1]}, "strides must have 2 numbers"),
    ({"strides": [0, 1]}, "stride height must be 1 or more"),
    ({"strides": [1, -3]}, "stride width must be 1 or more"),
    ({"strides": [1, 2**40]}, "stride width must be"),
    ({"dilations": [0, 1]}, "dilation height must be 1 or more"),
    ({"dilations": [1, -1]}, "dilation width must be 1 or more"),
    ({"dilations": [2**62, 1]}, "dilation height must be"),
    ({"groups": 0}, "groups must be a divisor"),
    ({"groups": -1}, "groups must be a divisor"),
    ({"groups": 3}, "groups must be a divisor|" + COLUMNS),
    ({"groups": 2}, "groups must be a divisor|" + COLUMNS),
    ({"padding": "EXPLICIT"}, "explicit_paddings must have 4"),
    ({"explicit_paddings": [1, 1, 1, 1]}, "explicit_paddings must have 4"),
    (
        {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 0]},
        "explicit_paddings must have 4",
    ),
    (
        {"padding": "EXPLICIT", "explicit_paddings": [-1, 0, 0, 0]},
        "explicit_paddings must have 4",
    ),
    (
        {"padding": "EXPLICIT", "explicit_paddings": [2, 0, 0, 0]},
        "padding height must be from 0 to less than the kernel's 2",
    ),
    (
        {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 0, 9]},
        "output width must be",
    ),
    ({"pool_size": [2]}, "pool_size must have 2 numbers"),
    ({"pool_size": [0, 2]}, "kernel pooling height must be 1 or more"),
    ({"pool_size": [2, -2]}, "kernel pooling width must be 1 or more"),
    (
        {"pool_size": [2, 2], "pool_strides": [0, 1]},
        "stride pooling height must be 1 or more",
    ),
    (
        {"pool_size": [2, 2], "residual": ones(1, 3, 3, 3)},
        "residual must be left out",
    ),
]


BAD_WINOGRAD = [
    *[
        # There are 36 * 2 columns.
        (changes, message)
        for changes, message in BAD_CSR
        if message != COLUMNS
    ],
    (columns(0, -1), COLUMNS),
    (columns(2, 72), COLUMNS),
    (columns(4, LARGEST), COLUMNS),
    ({"x": ones(4, 4, 2)}, "rank"),
    ({"x": ones(1, 4, 4, 0)}, COLUMNS),
    ({"bias": ones(2)}, r"bias must have shape \[3\]"),
    ({"kernel_size": 4}, "kernel_size must be 3 or 5. Received: 4"),
    ({"kernel_size": -3}, "kernel_size must be 3 or 5"),
    ({"kernel_size": 2**62}, "kernel_size must be 3 or 5"),
    ({"groups": 0}, "columns of the coefficients|groups must be a divisor"),
    ({"groups": -1}, "columns of the coefficients|groups must be a divisor"),
    ({"groups": 2}, "groups must be a divisor"),
    ({"padding": "EXPLICIT"}, "EXPLICIT"),
]


def matmul(changes):
    arguments = {"x": ones(2, 8), **GOOD, **changes}
    return call(OPS.tfprune_csr_matmul, arguments, activation="relu")


def convolve(changes):
    attributes = {
        "kernel_size": [2, 2],
        **{k: v for k, v in changes.items() if k not in GOOD and k != "x"},
    }
    arguments = {"x": ones(1, 4, 4, 2), **GOOD}
    arguments["residual"] = attributes.pop("residual", ones(0))
    arguments |= {k: v for k, v in changes.items() if k in arguments}
    return call(OPS.tfprune_sparse_conv2d, arguments, **attributes)


def winograd(changes):
    attributes = {
        k: v for k, v in changes.items() if k not in GOOD and k != "x"
    }
    arguments = {"x": ones(1, 4, 4, 2), **GOOD}
    arguments |= {k: v for k, v in changes.items() if k in arguments}
    return call(OPS.tfprune_sparse_winograd_conv2d, arguments, **attributes)


def call(op, arguments, **attributes):
    kinds = {
        "column_indices": "int32",
        "row_offsets": "int32",
        "stamp": "int64",
    }
    tensors = {
        name: value
        if tf.is_tensor(value)
        else tf.constant(np.asarray(value, kinds.get(name, "float32")))
        for name, value in arguments.items()
    }
    return op(**tensors, **attributes)


def expect(run, changes, message):
    with pytest.raises(
        (tf.errors.InvalidArgumentError, ValueError), match=message
    ):
        run(changes)
    graph = tf.function(lambda: run(changes))
    with pytest.raises(
        (tf.errors.InvalidArgumentError, ValueError), match=message
    ):
        graph()


def test_what_is_changed_is_good():
    assert matmul({}).shape == (2, 3)
    assert convolve({}).shape == (1, 3, 3, 3)
    assert winograd({}).shape == (1, 2, 2, 3)
    assert len(BAD_MATMUL) >= 60 and len(BAD_CONV) >= 60
    assert len(BAD_WINOGRAD) >= 30


@pytest.mark.parametrize("case", range(len(BAD_MATMUL)))
def test_csr_matmul(case):
    expect(matmul, *BAD_MATMUL[case])


@pytest.mark.parametrize("case", range(len(BAD_CONV)))
def test_sparse_conv2d(case):
    expect(convolve, *BAD_CONV[case])


@pytest.mark.parametrize("case", range(len(BAD_WINOGRAD)))
def test_sparse_winograd_conv2d(case):
    expect(winograd, *BAD_WINOGRAD[case])


@pytest.mark.parametrize("run", [matmul, convolve, winograd])
def test_a_stamp_that_lies_gives_old_results_and_no_harm(run):
    graph = tf.function(
        lambda indices, offsets: run(
            {"column_indices": indices, "row_offsets": offsets, "stamp": 7}
        )
    )
    good = tf.constant(GOOD["column_indices"]), tf.constant(GOOD["row_offsets"])
    bad = tf.fill([5], LARGEST), tf.constant([9, -9, LARGEST, 0])
    np.testing.assert_array_equal(graph(*good), run({}))
    np.testing.assert_array_equal(graph(*bad), run({}))
