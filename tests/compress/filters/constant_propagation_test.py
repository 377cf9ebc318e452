"""Filters that give a constant: what can take it in, and what can't."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.compress.filters import zoo
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters import remove


def half_dead(*behind, reader, activation="relu", use_bias=True):
    """A convolution of which two filters have a bias and nothing else."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(6, 3, activation=activation, name="dead"),
            *behind,
            reader,
            layers.GlobalAveragePooling2D(),
        ]
    )
    zoo.randomize(model)
    kernel, bias = model.get_layer("dead").get_weights()
    kernel[..., :2] = 0
    bias[:2] = [0.7, -0.4]
    model.get_layer("dead").set_weights([kernel, bias])
    return model


def filters(model):
    return model.get_layer("dead").filters


def compare(model, small):
    x = np.random.default_rng(1).normal(size=(4, *model.input_shape[1:]))
    np.testing.assert_allclose(small(x), model(x), 1e-4, 1e-5)


READERS = {
    "no border": lambda: layers.Conv2D(4, 3),
    "no bias": lambda: layers.Conv2D(4, 3, use_bias=False),
    "1x1": lambda: layers.Conv2D(4, 1, padding="same"),
    "dense": lambda: layers.Dense(4),
    "separable": lambda: layers.SeparableConv2D(4, 3),
}
BEHIND = {
    "nothing": lambda: [],
    "norm": lambda: [layers.BatchNormalization()],
    "sigmoid": lambda: [layers.Activation("sigmoid")],
    "pooling": lambda: [layers.MaxPooling2D()],
    "means": lambda: [layers.AveragePooling2D(3, 2, padding="same")],
    "upsampling": lambda: [layers.UpSampling2D()],
    "depthwise": lambda: [layers.DepthwiseConv2D(3, depth_multiplier=2)],
    "twice": lambda: [layers.Rescaling(2.0, 1.0), layers.ReLU(6.0)],
}


@pytest.mark.parametrize("reader", READERS)
def test_a_bias_takes_in_constants(reader):
    model = half_dead(reader=READERS[reader](), activation="tanh")
    small = remove.remove_filters(model).model
    assert filters(small) == 4
    compare(model, small)


@pytest.mark.parametrize("behind", BEHIND)
def test_constants_are_followed_through(behind):
    model = half_dead(*BEHIND[behind](), reader=layers.Conv2D(4, 2))
    small = remove.remove_filters(model).model
    assert filters(small) == 4
    compare(model, small)


@pytest.mark.parametrize(
    "reader",
    [
        lambda: layers.Conv2D(4, 3, padding="same", name="reader"),
        lambda: layers.Conv2DTranspose(4, 3, name="reader"),
    ],
    ids=["border", "transposed"],
)
def test_what_sees_a_border_keeps_them_and_says_so(reader):
    """relu(-0.4) is zero and may go."""
    model = half_dead(reader=reader())
    plan = removal_plan.plan_removal(model)
    small = remove.remove_filters(model).model
    assert filters(small) == 5 and "reader: 1 of" in str(plan)
    compare(model, small)


@pytest.mark.parametrize("bias, kept", [(0.0, 4), (0.7, 6)])
def test_groups_lose_the_same_and_zeros_alone(bias, kept):
    model = half_dead(reader=layers.Conv2D(4, 3, groups=2, name="reader"))
    kernel, biases = zoo.randomize(model).get_layer("dead").get_weights()
    kernel[..., [0, 3]], biases[[0, 3]] = 0, bias
    model.get_layer("dead").set_weights([kernel, biases])
    small = remove.remove_filters(model).model
    assert filters(small) == kept
    compare(model, small)


def test_a_padding_keeps_them():
    model = half_dead(layers.ZeroPadding2D(), reader=layers.Conv2D(4, 3))
    small = remove.remove_filters(model).model
    assert filters(small) == 5
    compare(model, small)


def test_a_filter_that_is_used_stays_whatever_its_weights():
    """An untrained BatchNormalization makes zeros of its beta, not of gamma."""
    norm = layers.BatchNormalization(name="norm")
    model = half_dead(norm, reader=layers.Conv2D(4, 3, padding="same"))
    norm.beta.assign(np.zeros(6))
    norm.gamma.assign([1, 1, 0, 1, 1, 1])
    norm.moving_mean.assign(np.zeros(6))
    small = remove.remove_filters(model).model
    # relu(-0.4) is zero; a gamma of zero silences the third.
    assert filters(small) == 4
    compare(model, small)


def test_a_shared_reader_takes_in_what_is_the_same_in_each_call():
    x = keras.Input((8, 8, 3))
    reader = layers.Dense(4)
    one, other = layers.Conv2D(6, 3), layers.Conv2D(6, 3)
    model = keras.Model(x, [reader(one(x)), reader(other(x))])
    zoo.randomize(model)
    for conv, bias in ((one, [1, 2]), (other, [1, 3])):
        kernel, own = conv.get_weights()
        kernel[..., :2], own[:2] = 0, bias
        conv.set_weights([kernel, own])
    small = remove.remove_filters(model).model
    assert [x.shape[-1] for x in small.layers[1].weights] == [5, 5]
    x = np.random.default_rng(1).normal(size=(4, 8, 8, 3))
    for a, b in zip(model(x), small(x), strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)


def test_a_gate_may_be_anything_where_nothing_passes():
    """The gate's sigmoid gives a half, times zero."""
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(6, 3, name="dead")(x)
    gate = layers.Dense(6, "sigmoid")(layers.GlobalAveragePooling2D()(y))
    y = layers.Multiply()([y, layers.Reshape((1, 1, 6))(gate)])
    model = keras.Model(x, layers.Conv2D(2, 3, padding="same")(y))
    zoo.randomize(model)
    kernel, bias = model.get_layer("dead").get_weights()
    kernel[..., 3], bias[3] = 0, 0
    model.get_layer("dead").set_weights([kernel, bias])
    small = remove.remove_filters(model).model
    assert filters(small) == 5
    compare(model, small)


@pytest.mark.parametrize("reader", READERS)
def test_channels_that_nothing_reads_go(reader):
    """A channel of zeros in the kernel that reads frees the filter before."""
    model = half_dead(reader=READERS[reader]())
    layer = model.layers[1]
    name = "pointwise_kernel" if reader == "separable" else "kernel"
    variable = getattr(layer, name)
    value = variable.numpy()
    value[..., 3:5, :] = 0
    variable.assign(value)
    small = remove.remove_filters(model).model
    assert filters(small) == 2
    compare(model, small)


def test_a_branch_of_zeros_frees_what_it_reads():
    """A layer on the short way past it."""
    x = keras.Input((8, 8, 3))
    trunk = layers.Conv2D(4, 1, name="dead")(x)
    y = layers.Conv2D(5, 3, padding="same", activation="relu")(trunk)
    y = layers.Conv2D(4, 3, padding="same", name="zero")(y)
    model = keras.Model(x, layers.Conv2D(2, 1)(layers.Maximum()([trunk, y])))
    zoo.randomize(model)
    zero = model.get_layer("zero")
    zero.set_weights([np.zeros(shape) for shape in ((3, 3, 5, 4), (4,))])
    small = remove.remove_filters(model).model
    assert small.layers[2].filters == 1 and filters(small) == 4
    compare(model, small)
