"""Which weights are pruned as a group, on arrays that count from zero."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import structures


def count_up(*shape):
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


FITTING = [
    (structures.Channel(), (3, 4)),
    (structures.Channel(), (2, 3, 4, 5)),
    (structures.FilterShape(), (3, 4)),
    (structures.FilterShape(), (2, 3, 4, 5)),
    (structures.Layer(), (2, 3, 4, 5)),
    (structures.Layer(), (5,)),
    (structures.Filter(), (3, 4)),
    (structures.Filter(), (2, 3, 4, 5)),
    (structures.Filter(), (5,)),
    (structures.Unstructured(), (3, 4)),
    (structures.Unstructured(), (2, 2, 3, 4)),
    (structures.Unstructured(), (5,)),
    (structures.Unstructured(), ()),
    (structures.Unstructured(), (0, 4)),
    (structures.NM(2, 4), (8, 3)),
    (structures.NM(2, 4), (3, 3, 4, 2)),
    (structures.NM(1, 3, axis=-1), (2, 6)),
    (structures.NM(1, 2, axis=0), (4, 3, 5)),
    (structures.NM(1, 2, axis=1), (3, 4, 5)),
    (structures.Block(2, 3), (4, 6)),
    (structures.Block(4, 1), (3, 3, 8, 5)),
    (structures.Block(1, 4), (2, 3, 8)),
    (structures.Block(2, 2), (0, 4)),
]
EACH = pytest.mark.parametrize("structure, shape", FITTING, ids=repr)


@EACH
def test_fits(structure, shape):
    assert structure.unsupported_reason(shape) is None


@EACH
def test_expand_undoes_group(structure, shape):
    """Each decision lands on the members of its own group."""
    array = count_up(*shape)
    groups = np.array(structure.group(array))
    assert groups.shape[0] == structure.count(shape)
    for number, members in enumerate(groups):
        kept = np.arange(len(groups)) == number
        mask = np.array(structure.expand(kept, shape))
        np.testing.assert_array_equal(np.sort(array[mask]), np.sort(members))


@EACH
def test_every_weight_is_in_one_group(structure, shape):
    array = count_up(*shape)
    members = np.sort(np.ravel(structure.group(array)))
    np.testing.assert_array_equal(members, np.ravel(array))


@EACH
def test_same_in_a_graph_of_tensors(structure, shape):
    array = count_up(*shape)

    @tf.function
    def round_trip(array):
        kept = structure.group(array)[:, 0] > 5
        return structure.expand(kept, array.shape)

    kept = np.array(structure.group(array))[:, 0] > 5
    expected = structure.expand(kept, shape)
    np.testing.assert_array_equal(round_trip(array), expected)


def test_a_unit_of_a_kernel_and_its_bias_is_one_list():
    structure = structures.Unstructured()
    kernel, bias = count_up(2, 3), np.array([10.0, 11.0, 12.0], "float32")
    groups = np.array(structure.join([kernel, bias]))
    assert groups.ravel().tolist() == [0, 1, 2, 3, 4, 5, 10, 11, 12]
    kept = np.array([1, 0, 0, 0, 1, 1, 0, 1, 0], bool)
    masks = structure.split(kept, [kernel.shape, bias.shape])
    assert np.array(masks[0]).tolist() == [[1, 0, 0], [0, 1, 1]]
    assert np.array(masks[1]).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    "structure, shapes",
    [
        (structures.Unstructured(), [(2, 3), (3,), (1, 2, 2)]),
        (structures.Block(2, 2), [(4, 6), (2, 2, 2), (2, 4)]),
        (structures.NM(1, 2), [(4, 6), (2, 2)]),
        (structures.Unstructured(), [(4,)]),
    ],
    ids=repr,
)
def test_split_undoes_join(structure, shapes):
    rng = np.random.default_rng(0)
    kept = [rng.random(structure.count(shape)) < 0.5 for shape in shapes]
    masks = structure.split(np.concatenate(kept), shapes)
    for mine, mask, shape in zip(kept, masks, shapes, strict=True):
        expected = structure.expand(mine, shape)
        np.testing.assert_array_equal(mask, expected)
    again = np.array(structure.join(masks)).any(axis=1)
    np.testing.assert_array_equal(again, np.concatenate(kept))


def test_a_structure_across_arrays_joins_members():
    """A column of the kernel and its bias are one group."""

    class Column(structures.Structure):
        join_axis = 1

        def group(self, array):
            return keras.ops.reshape(
                keras.ops.moveaxis(array, -1, 0), (array.shape[-1], -1)
            )

        def expand(self, kept, shape):
            return keras.ops.broadcast_to(kept, shape)

    kernel, bias = count_up(2, 3), np.array([10.0, 11.0, 12.0], "float32")
    groups = np.array(Column().join([kernel, bias]))
    assert groups.tolist() == [[0, 3, 10], [1, 4, 11], [2, 5, 12]]
    kept = np.array([True, False, True])
    masks = Column().split(kept, [(2, 3), (3,)])
    assert np.array(masks[0]).tolist() == [[1, 0, 1], [1, 0, 1]]
    assert np.array(masks[1]).tolist() == [1, 0, 1]


class TestNM:
    def blocks(self, structure, shape):
        groups = structure.group(count_up(*shape))
        return np.reshape(groups, (-1, structure.m)).astype(int).tolist()

    def test_blocks_of_a_dense_kernel_run_along_its_inputs(self):
        """Kernel (inputs, outputs) = (8, 2): two blocks for each output."""
        assert self.blocks(structures.NM(2, 4), (8, 2)) == [
            [0, 2, 4, 6],
            [8, 10, 12, 14],
            [1, 3, 5, 7],
            [9, 11, 13, 15],
        ]

    def test_blocks_of_a_convolution_run_along_its_channels(self):
        """Kernel (height, width, channels, filters) = (1, 2, 4, 2)."""
        assert self.blocks(structures.NM(2, 4), (1, 2, 4, 2)) == [
            [0, 2, 4, 6],
            [1, 3, 5, 7],
            [8, 10, 12, 14],
            [9, 11, 13, 15],
        ]

    def test_blocks_along_another_axis(self):
        blocks = self.blocks(structures.NM(1, 3, axis=-1), (2, 6))
        assert blocks == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]

    def test_expand_back_to_a_dense_kernel(self):
        kept = np.array([1, 1, 0, 0, 0, 1, 0, 1], bool)
        mask = structures.NM(2, 4).expand(kept, (4, 2))
        expected = [[1, 0], [1, 1], [0, 0], [0, 1]]
        assert np.array(mask).astype(int).tolist() == expected

    @pytest.mark.parametrize(
        "shape, message",
        [
            (
                (6, 8),
                r"axis -2 of shape \(6, 8\) has 6 entries, which m=4 of 2:4 "
                "does not divide",
            ),
            ((3, 3, 3, 64), "has 3 entries"),
            ((8,), r"has no axis -2 in shape \(8,\)"),
        ],
    )
    def test_unsupported_shapes(self, shape, message):
        structure = structures.NM(2, 4, axis=-2)
        assert re.search(message, structure.unsupported_reason(shape))

    def test_unsupported_sums(self):
        assert structures.NM(2, 4).unsupported_reason((6, 8)) == (
            "what is summed over has 6 entries, which m=4 of 2:4 does not "
            "divide"
        )

    @pytest.mark.parametrize(
        "n, m", [(4, 2), (2, 2), (0, 4), (-1, 4), (1.0, 4), (1, 4.0)]
    )
    def test_errors(self, n, m):
        message = f"`n:m` must be integers with 0 < n < m .*Received: n:m={n}:"
        with pytest.raises(ValueError, match=message):
            structures.NM(n, m)


class TestBlock:
    def test_members_are_a_rectangle(self):
        groups = structures.Block(2, 2).group(count_up(4, 4))
        assert np.array(groups).astype(int).tolist() == [
            [0, 1, 4, 5],
            [2, 3, 6, 7],
            [8, 9, 12, 13],
            [10, 11, 14, 15],
        ]

    def test_masks_are_constant_on_tiles(self):
        kept = np.array([1, 0, 0, 1], bool)
        mask = structures.Block(2, 3).expand(kept, (4, 6))
        assert np.array(mask).astype(int).tolist() == [
            [1, 1, 1, 0, 0, 0],
            [1, 1, 1, 0, 0, 0],
            [0, 0, 0, 1, 1, 1],
            [0, 0, 0, 1, 1, 1],
        ]

    def test_each_place_of_a_convolution_has_its_own_tiles(self):
        groups = structures.Block(2, 1).group(count_up(1, 2, 2, 2))
        expected = [[0, 2], [1, 3], [4, 6], [5, 7]]
        assert np.array(groups).astype(int).tolist() == expected

    @pytest.mark.parametrize(
        "shape, message",
        [
            ((6, 4), "blocks of 4x2 do not divide shape (6, 4)"),
            ((4, 3), "blocks of 4x2 do not divide shape (4, 3)"),
            ((8,), "shape (8,) has fewer than two axes for blocks of 4x2"),
        ],
    )
    def test_unsupported_shapes(self, shape, message):
        assert structures.Block(4, 2).unsupported_reason(shape) == message

    @pytest.mark.parametrize("name", ["height", "width"])
    @pytest.mark.parametrize("size", [0, -1, 1.5])
    def test_errors(self, name, size):
        message = f"`{name}` must be a positive integer. Received: {name}="
        with pytest.raises(ValueError, match=message):
            structures.Block(**{name: size})


def test_a_filter_is_its_kernel_and_its_bias():
    kernel, bias = count_up(2, 2, 3), -count_up(3)
    groups = structures.Filter().join([kernel, bias])
    np.testing.assert_array_equal(
        groups, [[0, 3, 6, 9, 0], [1, 4, 7, 10, -1], [2, 5, 8, 11, -2]]
    )
    masks = structures.Filter().split(
        np.array([True, False, True]), [kernel.shape, bias.shape]
    )
    np.testing.assert_array_equal(masks[1], [True, False, True])
    np.testing.assert_array_equal(masks[0], kernel % 3 != 1)


class TestConnected:
    """What SkimCaffe lets learn on: rows are filters, columns their taps."""

    KINDS = (structures.Filter(), structures.FilterShape())

    def test_single_weights_stay_as_they_are(self):
        mask = np.random.default_rng(0).random((3, 3, 2, 4)) < 0.5
        found = structures.connected(mask, [structures.Unstructured()])
        np.testing.assert_array_equal(found, mask)

    def test_empty_rows_and_columns_stay_out_and_scattered_zeros_do_not(self):
        mask = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]], bool)
        found = structures.connected(mask, self.KINDS)
        np.testing.assert_array_equal(found, [[1, 1, 0], [1, 1, 0], [0, 0, 0]])

    @pytest.mark.parametrize("groups", [1, 2])
    def test_as_a_matrix_of_filters_in_numpy(self, groups):
        kernel = np.random.default_rng(1).random((2, 2, 3, 8)) < 0.12
        expected = np.ones((8, 12), bool)
        matrix = kernel.reshape(12, 8).T
        for rows in np.split(np.arange(8), groups):
            part = matrix[rows]
            alive = part.any(1)[:, None] & part.any(0)[None, :]
            expected[rows] = alive
        found = structures.connected(kernel, self.KINDS, groups)
        np.testing.assert_array_equal(
            np.asarray(found).reshape(12, 8).T, expected
        )
        assert 0 < expected.sum() < expected.size
        assert expected.sum() > kernel.sum()

    def test_what_does_not_fit_is_left_out(self):
        bias = np.array([True, False])
        found = structures.connected(bias, self.KINDS)
        np.testing.assert_array_equal(found, bias)
