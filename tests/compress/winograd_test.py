import keras
import numpy as np
import pytest

import tfprune
from tfprune import layers


def net():
    """A net with nested and shared layers."""
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [
            keras.Input((10, 10, 8)),
            keras.layers.Conv2D(8, 5, padding="same", name="five"),
        ],
        name="inner",
    )
    inputs = keras.Input((10, 10, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", name="three")(inputs)
    x = keras.layers.ReLU()(inner(inner(x)))
    x = keras.layers.Conv2D(4, 1, name="one")(x)
    x = keras.layers.Conv2D(4, 3, strides=2, name="strided")(x)
    return keras.Model(inputs, x, name="net")


def images():
    return (
        np.random.default_rng(0).normal(size=(2, 10, 10, 3)).astype("float32")
    )


def kinds(model):
    leaves = tfprune.compress.traverse.leaves(model)
    return {x.name: type(x).__name__ for x in leaves if x.weights}


def test_convolutions_that_fit_are_converted():
    model = net()
    with pytest.warns(UserWarning, match="one: its kernel_size is") as seen:
        own = tfprune.to_winograd(model)
    assert "strided: its strides are" in str(seen[0].message)
    assert kinds(own) == {
        "three": "WinogradConv2D",
        "five": "WinogradConv2D",
        "one": "Conv2D",
        "strided": "Conv2D",
    }
    assert kinds(model)["three"] == "Conv2D"
    np.testing.assert_allclose(own(images()), model(images()), atol=2e-4)


@pytest.mark.parametrize(
    "filters", ["th.*", ["three"], lambda x: x.name[0] == "t"]
)
def test_chosen_layers(filters):
    own = tfprune.to_winograd(net(), filters)
    assert kinds(own)["three"] == "WinogradConv2D"
    assert kinds(own)["five"] == "Conv2D"


def test_there_and_back():
    model = net()
    own = tfprune.to_winograd(model, ["three", "five"])
    back, errors = tfprune.to_spatial(own)
    assert kinds(back) == kinds(model)
    assert set(errors) == {"three", "five"} and max(errors.values()) < 1e-5
    np.testing.assert_allclose(back(images()), model(images()), atol=2e-4)


def test_errors_tell_what_is_lost():
    own = tfprune.to_winograd(net(), "three")
    kernel = own.get_layer("three").kernel
    kernel.assign(np.where(np.abs(kernel) > 1, kernel, 0))
    assert tfprune.to_spatial(own).errors["three"] > 1e-2


@pytest.mark.parametrize(
    "filters, message",
    [
        ("thre", "Did you mean 'three'"),
        ("strided", "strided: its strides are"),
        (["three", "one"], "one: its kernel_size is"),
        (lambda layer: False, "which chooses none"),
    ],
)
def test_what_does_not_fit_is_refused(filters, message):
    with pytest.raises(ValueError, match=message):
        tfprune.to_winograd(net(), filters)


def test_a_model_without_fitting_layers_is_refused():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="`filters` must choose convolutions"):
        tfprune.to_winograd(model)


def test_a_subclassed_model_is_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(ValueError, match="WinogradConv2D or Conv2D where"):
        tfprune.to_winograd(Own())


def test_pruned_layers_stay_as_they_are():
    model = tfprune.prune(net(), "magnitude", "three")
    with pytest.raises(ValueError, match="three: it is a Prunable"):
        tfprune.to_winograd(model, "three")


def test_the_name_of_the_layer_class_is_public():
    assert tfprune.WinogradConv2D is layers.WinogradConv2D
