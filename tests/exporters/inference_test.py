"""to_function infers as the model does, whatever it takes and gives."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune.graph import examples


def of_dicts():
    inputs = {
        "b": keras.Input((4,), name="b"),
        "a": keras.Input((4,), name="a"),
    }
    x = layers.Dense(3)(inputs["b"]) - layers.Dense(3)(inputs["a"])
    return keras.Model(inputs, {"z": x, "y": [x, layers.Dense(2)(x)]})


def recurrent():
    return keras.Sequential([keras.Input((None, 3)), layers.LSTM(4)])


def of_words():
    table = layers.StringLookup(vocabulary=["0", "1"])
    words = keras.Input((2,), dtype="string")
    return keras.Model(words, layers.Embedding(4, 3)(table(words)))


def attending():
    x = keras.Input((6, 8))
    net = keras.Model(x, layers.MultiHeadAttention(2, 4)(x, x))
    method = tfprune.methods.Magnitude(0.5)
    tfprune.strip(tfprune.decide(tfprune.prune(net, method)))
    return tfprune.sparsify(net, gain=0.0, rounds=1).model


def packed_for(model, inputs):
    if isinstance(model, keras.Sequential):
        return inputs[0]
    return keras.tree.pack_sequence_as(model.input, inputs)


@pytest.mark.parametrize(
    "make", [of_dicts, recurrent, of_words, attending], ids=lambda x: x.__name__
)
def test_it_infers_as_the_model(make):
    model = make()
    infer = tfprune.exporters.to_function(model)
    for batch_size in (1, 3):
        inputs = examples.random(model, batch_size, 5)
        packed = packed_for(model, inputs)
        wanted, found = examples.call(model, *inputs), infer(packed)
        assert keras.tree.is_nested(wanted) == keras.tree.is_nested(found)
        tf.nest.map_structure(
            lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5),
            wanted,
            found,
        )


def test_sizes_may_be_fixed():
    model = recurrent()
    infer = tfprune.exporters.to_function(model, batch_size=2, shapes=[(5, 3)])
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    np.testing.assert_allclose(infer(x), model(x), atol=1e-6)
    with pytest.raises(ValueError, match=r"\(2, 5, 3\). Received: \(2, 4, 3\)"):
        infer(x[:, :4])


def test_weights_are_those_of_then():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    x = np.ones((1, 3), "float64")  # Cast, as Keras does.
    infer = tfprune.exporters.to_function(model)
    before = infer(x)
    model.layers[0].kernel.assign_add(np.ones((3, 2)))
    np.testing.assert_array_equal(infer(x), before)
    np.testing.assert_allclose(model(x), before + 3, rtol=1e-5)


class Subclassed(keras.Model):
    def call(self, x):
        return x


def stateful():
    x = keras.Input(batch_shape=(2, 5, 3))
    return keras.Model(x, layers.LSTM(4, stateful=True)(x))


def wrapped():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    return tfprune.prune(model, tfprune.methods.Magnitude(0.5), wrap=True)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (Subclassed, "Put a tf.function around it"),
        (stateful, "must not change its variables"),
        (wrapped, "tfprune.strip"),
    ],
)
def test_models_that_are_refused(make, why):
    with pytest.raises(ValueError, match=why):
        tfprune.exporters.to_function(make())


@pytest.mark.parametrize(
    "inputs",
    [
        np.ones((1, 4)),
        [np.ones((1, 4))] * 2,
        {"a": np.ones((1, 4)), "c": np.ones((1, 4))},
    ],
)
def test_inputs_have_the_structure_of_the_models(inputs):
    infer = tfprune.exporters.to_function(of_dicts())
    with pytest.raises(ValueError, match="`inputs` must have the structure"):
        infer(inputs)


def test_shapes_are_those_of_the_model():
    infer = tfprune.exporters.to_function(of_dicts())
    with pytest.raises(ValueError, match=r"'a' must have.*\(None, 4\)"):
        infer({"a": np.ones((1, 5)), "b": np.ones((1, 4))})
    with pytest.raises(ValueError, match="`shapes`"):
        tfprune.exporters.to_function(of_dicts(), shapes=[(4,), (5,)])
    with pytest.raises(ValueError, match="`batch_size`"):
        tfprune.exporters.to_function(stateful(), batch_size=3)
