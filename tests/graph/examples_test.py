"""Random input as models take it."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune.graph import examples


def inputs():
    return {
        "image": keras.Input((None, 6, 3), name="image"),
        "words": keras.Input((5,), dtype="int32", name="words"),
        "flag": keras.Input((1,), dtype="bool", name="flag"),
        "name": keras.Input((1,), dtype="string", name="name"),
    }


def test_each_input_has_its_form():
    x = inputs()
    model = keras.Model(list(x.values()), layers.Identity()(x["image"]))
    found = dict(zip(x, examples.random(model, 4, 8), strict=True))
    shapes = {name: array.shape for name, array in found.items()}
    assert shapes["image"] == (4, 8, 6, 3) and shapes["words"] == (4, 5)
    assert found["image"].dtype == "float32" and found["flag"].dtype == bool
    assert set(found["words"].ravel()) == {0, 1}
    assert set(found["name"].ravel()) <= {"0", "1"}


def test_a_fixed_batch_stays():
    x = keras.Input(batch_shape=(3, 2))
    (found,) = examples.random(keras.Model(x, layers.Dense(2)(x)), 8)
    assert found.shape == (3, 2)


@pytest.mark.parametrize("nest", ["one", "list", "dict", "sequential"])
def test_models_are_called_on_flat_inputs(nest):
    one, other = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    total = layers.Add()([one, layers.Rescaling(2.0)(other)])
    model = {
        "one": lambda: keras.Model(one, layers.ReLU()(one)),
        "list": lambda: keras.Model([one, other], total),
        "dict": lambda: keras.Model({"a": one, "b": other}, total),
        "sequential": lambda: keras.Sequential([one, layers.ReLU()]),
    }[nest]()
    arrays = [np.ones((1, 2)), 3 * np.ones((1, 2))][: len(model.inputs)]
    expected = 7.0 if len(arrays) > 1 else 1.0
    np.testing.assert_array_equal(
        examples.call(model, *arrays), expected * np.ones((1, 2))
    )


def test_open_sizes_are_as_great_as_the_model_takes():
    x = keras.Input((None, 3))
    shift = keras.ops.ones((1, 8, 3))
    y = layers.Lambda(
        lambda x: (
            x + keras.ops.slice(shift, (0, 0, 0), (1, keras.ops.shape(x)[1], 3))
        )
    )
    model = keras.Model(x, y(x))
    (found,) = examples.random(model)
    assert found.shape == (2, 8, 3)
