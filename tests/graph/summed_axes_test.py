"""The axes that layers sum over: beside a table by hand, and what they do."""

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.graph import summing_layers
from tfprune.graph import summed_axes


def kernels(layer):
    return [x for x in layer.weights if "kernel" in x.name]


@pytest.mark.parametrize("kind", summing_layers.LAYERS)
def test_by_hand(kind):
    layer = summing_layers.net(kind).get_layer("layer")
    assert kernels(layer)
    for kernel in kernels(layer):
        found = summed_axes.summed_axes(layer, kernel)
        rank = len(kernel.shape)
        found = tuple(axis % rank for axis in (found or (-2,)))
        assert found == summing_layers.axes_of(kind, kernel), kernel.path


@pytest.mark.parametrize(
    "kind",
    [
        "dense",
        "conv2d",
        "conv2d_transpose",
        "depthwise_conv2d",
        "einsum_one_axis",
        "einsum_two_axes",
        "einsum_apart",
        "einsum_last",
    ],
)
def test_one_output_reads_all_along_these_axes_or_nothing(kind):
    model = summing_layers.net(kind)
    kernel = model.get_layer("layer").kernel
    x = tf.ones((1, *summing_layers.LAYERS[kind][0]))
    with tf.GradientTape() as tape:
        output = model(x)
        output = output[tuple(size // 2 for size in output.shape)]
    read = np.array(tape.gradient(output, kernel.value)) != 0
    axes = summing_layers.axes_of(kind, kernel)
    assert read.any() and not read.all()
    np.testing.assert_array_equal(read.all(axis=axes), read.any(axis=axes))


def test_rows_that_are_looked_up_are_in_no_sum():
    embedding = layers.Embedding(8, 4)
    embedding.build()
    assert summed_axes.summed_axes(embedding, embedding.embeddings) == ()


def test_an_embedding_that_gives_logits_sums_over_its_features():
    embedding = layers.ReversibleEmbedding(8, 4)
    embedding.build()
    assert summed_axes.summed_axes(embedding, embedding.embeddings) == (-1,)


def test_a_kernel_that_scales_is_in_no_sum():
    layer = layers.EinsumDense("ab,b->ab", (8,))
    layer.build((None, 8))
    assert summed_axes.summed_axes(layer, layer.kernel) == ()


def test_layers_inside_of_a_layer_of_the_user():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.up = layers.Conv2DTranspose(4, 3)
            self.out = layers.Dense(2)

        def call(self, x):
            return self.out(self.up(x))

    block = Block()
    block(np.zeros((1, 4, 4, 8), "float32"))
    assert summed_axes.summed_axes(block, block.up.kernel) == (-1,)
    assert summed_axes.summed_axes(block, block.out.kernel) is None
