"""Numbers in, bytes, the same bits out; and how many bytes."""

import ml_dtypes
import numpy as np
import pytest

from tfprune.exporters.compact import entropy_coding
from tfprune.exporters.compact import values

RNG = np.random.default_rng(0)


def through(*vectors, filters=None):
    """Vectors as they come back, and their bytes."""
    writer = entropy_coding.Writer()
    coded(values.Values(writer), vectors, vectors, filters)
    data = writer.to_bytes()
    reader = values.Values(entropy_coding.Reader(data))
    return coded(reader, [None] * len(vectors), vectors, filters), len(data)


def coded(coder, given, vectors, filters):
    return [
        coder.code(
            one,
            np.zeros(x.size, "int64") if filters is None else filters,
            x.dtype,
        )
        for one, x in zip(given, vectors, strict=True)
    ]


def same(found, expected):
    assert found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()


ODD = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3e38, -1.5, 2.0]
NORMAL = RNG.normal(size=700)


@pytest.mark.parametrize(
    "vector",
    [
        np.array([], "float32"),
        np.array([3.0], "float32"),
        np.array(ODD, "float32"),
        np.array(ODD * 90, "float32"),
        np.array(NORMAL, "float32"),
        np.array(NORMAL, "float16"),
        np.array(NORMAL, ml_dtypes.bfloat16),
        np.array(NORMAL, "float64"),
        np.array(NORMAL * 100, "int32"),
        np.array(NORMAL * 100, "int8"),
        np.array(NORMAL > 0, "bool"),
        np.array([2**32 - 1, 1, 2], "uint32"),
        np.array([], "int64"),
    ],
)
def test_every_bit_comes_back(vector):
    (found,), _ = through(vector)
    same(found, vector)


def test_floats_take_their_fractions_and_the_entropy_of_the_rest():
    vector = RNG.normal(size=20_000).astype("float32")
    bits = 8 * through(vector)[1] / vector.size
    assert 26 < bits < 27  # Sign and fraction 24; exponents 2.5.


@pytest.mark.parametrize("dtype, bits", [("bfloat16", 11), ("float16", 14)])
def test_what_a_fraction_does_not_use_is_free(dtype, bits):
    half = np.dtype(getattr(ml_dtypes, dtype, dtype))
    vector = RNG.normal(size=20_000).astype(half).astype("float32")
    (found,), length = through(vector)
    same(found, vector)
    assert 8 * length / vector.size < bits


def test_few_values_become_a_table_that_the_next_vector_uses():
    table = RNG.normal(size=16).astype("float32")
    kernel = table[RNG.integers(0, 16, 4000)]
    bias = table[RNG.integers(0, 16, 50)]
    found, length = through(kernel, bias)
    same(found[0], kernel)
    same(found[1], bias)
    assert length < 4000 / 2 + 50 / 2 + 16 * 4 + 30
    assert length > through(kernel)[1]


@pytest.mark.parametrize("filters", [1, 8])
def test_steps_take_the_entropy_of_their_numbers(filters):
    own = RNG.integers(0, filters, 8000)
    sizes = RNG.uniform(0.01, 0.02, filters).astype("float16")
    steps = np.clip(np.rint(RNG.normal(size=8000) * 40), -127, 127)
    for one in range(filters):
        steps[np.flatnonzero(own == one)[0]] = 127
    vector = steps.astype("float32") * sizes.astype("float32")[own] + 0.0
    vector = vector.astype("float32")
    (found,), length = through(vector, filters=own)
    same(found, vector)
    entropy = np.log2(40 * np.sqrt(2 * np.pi * np.e))
    assert 8 * length / vector.size < entropy + 0.2


def test_a_table_nobody_wrote_is_an_error():
    writer = entropy_coding.Writer()
    entropy_coding.number(writer, 2, 5)  # "As before", where nothing was.
    coder = values.Values(entropy_coding.Reader(writer.to_bytes()))
    with pytest.raises(ValueError, match="no symbols"):
        coder.code(None, np.zeros(3, "int64"), "float32")
