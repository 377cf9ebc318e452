"""The networks for MNIST: names, sizes, scale, seeds."""

import keras
import numpy as np
import pytest

from tfprune import applications

PRUNABLE = {
    "lenet_300_100": ("ip1", "ip2", "ip3"),
    "lenet_5": ("conv1", "conv2", "ip1", "ip2"),
    "vgg_mnist": (
        *("conv1_1", "conv1_2", "conv2_1", "conv2_2"),
        *("fc1", "fc2"),
    ),
}
PARAMETERS = {"lenet_300_100": 266610, "lenet_5": 431080, "vgg_mnist": 467818}


@pytest.mark.parametrize("name", PRUNABLE)
def test_size_and_layers(name):
    model = applications.build(name)
    layers = [layer.name for layer in model.layers if layer.weights]
    assert model.count_params() == PARAMETERS[name]
    assert tuple(layers) == PRUNABLE[name]
    assert model.layers[0].name == "scale"
    assert model.name == name


@pytest.mark.parametrize("name", PRUNABLE)
def test_same_seed_same_weights(name):
    one, same, other = (applications.build(name, seed) for seed in (3, 3, 4))
    for a, b, c in zip(one.weights, same.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a.name == "bias") == np.array_equal(a, c)


def test_each_layer_has_its_own_seed():
    model = applications.build("lenet_300_100", seed=0)
    units = [
        model.get_layer(name).kernel.numpy().ravel()[:100]
        / model.get_layer(name).kernel.numpy().max()
        for name in PRUNABLE["lenet_300_100"]
    ]
    assert abs(np.corrcoef(units) - np.eye(3)).max() < 0.4


def test_no_seed_follows_keras():
    def first():
        keras.utils.set_random_seed(5)
        return (
            applications.build("lenet_300_100").get_layer("ip1").kernel.numpy()
        )

    np.testing.assert_array_equal(first(), first())


@pytest.mark.parametrize("name", PRUNABLE)
def test_weights_are_caffes_xavier(name):
    for layer in applications.build(name, seed=1).layers:
        if layer.weights:
            kernel = layer.kernel.numpy()
            bound = np.sqrt(3 / np.prod(kernel.shape[:-1]))
            assert 0.95 * bound < np.abs(kernel).max() <= bound
            np.testing.assert_allclose(kernel.std(), bound / 3**0.5, rtol=0.1)
            assert not layer.bias.numpy().any()


@pytest.mark.parametrize("name", PRUNABLE)
def test_pixels_are_divided_by_256_and_logits_are_linear(name):
    model = applications.build(name, seed=2)
    pixels = np.full((2, 28, 28, 1), 128, np.uint8)
    scaled = model.get_layer("scale")(pixels)
    np.testing.assert_array_equal(scaled, np.full((2, 28, 28, 1), 0.5))
    logits = model(pixels).numpy()
    assert logits.shape == (2, 10)
    assert (logits < 0).any()


def test_convolutions_of_lenet_5_are_linear():
    model = applications.build("lenet_5")
    linear = keras.activations.linear
    assert model.get_layer("conv1").activation is linear
    assert model.get_layer("conv2").activation is linear
    assert model.get_layer("ip1").activation is keras.activations.relu


def test_unknown_name():
    with pytest.raises(ValueError, match="Did you mean 'lenet_5'"):
        applications.build("lenet5")
    with pytest.raises(ValueError, match=r"`name` must be one of: lenet_300"):
        applications.build("resnet_50")
