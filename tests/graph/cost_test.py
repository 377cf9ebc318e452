"""MACs of layers and models, against counts by hand."""

import keras
import pytest

from tfprune.graph import cost
from tfprune.graph import model_graph
from tfprune.reports import report

layers = keras.layers

# Layer, input shape of one example, multiply-accumulates by hand.
CASES = {
    # AlexNet (Krizhevsky, one tower).
    "conv1": (layers.Conv2D(96, 11, 4), (227, 227, 3), 105_415_200),
    "conv2": (layers.Conv2D(256, 5, 1, "same"), (27, 27, 96), 447_897_600),
    "fc6": (layers.Dense(4096), (9216,), 37_748_736),
    "strides": (layers.Conv2D(8, 3, 2, "same"), (16, 16, 3), 64 * 216),
    "depthwise": (layers.DepthwiseConv2D(3), (10, 10, 8), 64 * 72),
    "separable": (layers.SeparableConv2D(4, 3), (10, 10, 8), 64 * 104),
    "grouped": (layers.Conv2D(8, 3, groups=2), (8, 8, 4), 36 * 144),
    "transposed": (layers.Conv2DTranspose(2, 2, 2), (6, 6, 8), 36 * 64),
    "tokens": (layers.Dense(5), (12, 24), 12 * 120),
    "einsum": (
        layers.EinsumDense("abc,cde->abde", (12, 2, 3)),
        (12, 5),
        12 * 30,
    ),
    "last step": (layers.LSTM(3), (7, 6), 7 * (72 + 36)),
    "every step": (layers.GRU(3, return_sequences=True), (7, 4), 7 * 63),
    "both ways": (layers.Bidirectional(layers.LSTM(3)), (7, 6), 14 * 108),
    "conv lstm": (layers.ConvLSTM2D(3, 3), (5, 8, 8, 2), 180 * 540),
    "look-up": (layers.Embedding(11, 4), (7,), 0),
}


@pytest.mark.parametrize("name", CASES)
def test_macs(name):
    layer, shape, macs = CASES[name]
    model = keras.Sequential([keras.Input(shape), layer])
    assert report(model).total.macs == macs
    assert not report(model).warnings


@pytest.mark.parametrize(
    "layer, shape, uses",
    [
        (layers.Dense(10), (None, 3), 1),
        (layers.Dense(10), (32, 3), 1),
        (layers.Dense(10), (None, 7, 3), 7),
        (layers.Conv2D(16, 1), (None, 8, 8, 3), 64),
        (
            layers.Conv2D(16, 1, data_format="channels_first"),
            (None, 3, 8, 8),
            64,
        ),
        (layers.Conv2D(16, 1), (None, None, None, 3), 1),
    ],
)
def test_macs_per_weight(layer, shape, uses):
    layer.build(shape)
    assert cost.macs_per_weight(layer) == uses
    assert cost.macs_per_weight(layer, [[shape], [shape]]) == 2 * uses
    assert cost.is_dynamic(layer) == (None in shape[1:])


def test_activations_are_what_a_layer_reads_and_writes():
    layer = layers.Conv2D(4, 3)
    layer.build((None, 6, 6, 2))
    assert cost.activations(layer) == 6 * 6 * 2 + 4 * 4 * 4
    assert cost.activations(layer, 2 * [[(1, 3, 3, 2)]]) == 2 * (18 + 4)


def test_the_total_of_a_model_counts_calls():
    conv = layers.Conv2D(2, 3, padding="same")
    x = keras.Input((8, 8, 2))
    graph = model_graph.ModelGraph(keras.Model(x, conv(conv(x))))
    assert cost.macs(conv, graph.calls[id(conv)]) == 2 * 64 * 36
    assert cost.parameters(conv) == 38
    assert cost.uses(graph) == {id(conv.kernel): 2 * 64}


def test_mobilenet_v2_has_the_published_macs():
    model = keras.applications.MobileNetV2(weights=None)
    total = report(model).total
    assert total.macs == 300_774_272
    assert total.parameters == 3_504_872


def test_a_shared_layer_counts_macs_at_each_call_and_parameters_once():
    conv = layers.Conv2D(2, 3, padding="same")
    pixels = keras.Input((8, 8, 2))
    small = layers.AveragePooling2D(2)(conv(pixels))
    model = keras.Model(pixels, conv(small))
    total = report(model).total
    assert (total.parameters, total.macs) == (38, (64 + 16) * 36)


def test_a_shared_model_counts_macs_at_each_call():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    inputs = keras.Input((4,))
    model = keras.Model(inputs, inner(inner(inputs)))
    total = report(model).total
    assert (total.parameters, total.macs) == (20, 2 * 16)


def test_open_sizes_are_assumed_and_told():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layers.Conv2D(4, 3, name="free")(inputs))
    found = report(model)
    assert found.total.macs == 30 * 30 * 108
    assert "(32, 32, 3)" in found.warnings[0]


def test_projections_of_attention_count_tokens():
    inputs = keras.Input((6, 8))
    attention = layers.MultiHeadAttention(2, 4, use_bias=False)
    model = keras.Model(inputs, attention(inputs, inputs))
    assert report(model).total.macs == 4 * 6 * 8 * 8


def test_masks_are_no_tokens_of_attention():
    inputs, mask = keras.Input((6, 8)), keras.Input((6, 6))
    attention = layers.MultiHeadAttention(2, 4, use_bias=False)
    outputs = attention(inputs, inputs, attention_mask=mask)
    model = keras.Model([inputs, mask], outputs)
    assert report(model).total.macs == 4 * 6 * 8 * 8


def test_an_array_of_unknown_name_is_told():
    class Own(layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1], 2), name="w")

        def call(self, inputs):
            return inputs @ self.w

    model = keras.Sequential([keras.Input((3,)), Own(name="own")])
    found = report(model)
    assert (found.total.parameters, found.total.macs) == (6, 0)
    assert "own" in found.warnings[0]
