import keras
import numpy as np
import pytest

import tfprune
from tfprune import layers
from tfprune.graph import trace
from tfprune.numerics import winograd


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
    leaves = tfprune.graph.traversal.leaves(model)
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
    found = tfprune.compress.to_spatial(own)
    back, errors = found.model, found.errors
    assert str(found).splitlines()[0].split() == ["layer", "error"]
    assert kinds(back) == kinds(model)
    assert set(errors) == {"three", "five"} and max(errors.values()) < 1e-5
    np.testing.assert_allclose(back(images()), model(images()), atol=2e-4)


def test_errors_tell_what_is_lost():
    own = tfprune.to_winograd(net(), "three")
    kernel = own.get_layer("three").kernel
    kernel.assign(np.where(np.abs(kernel) > 1, kernel, 0))
    assert tfprune.compress.to_spatial(own).errors["three"] > 1e-2


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
    model = tfprune.prune(net(), "magnitude", "three", wrap=True)
    with pytest.raises(ValueError, match="three: it is a Prunable"):
        tfprune.to_winograd(model, "three")
    model = tfprune.prune(net(), "magnitude", "three")
    with pytest.raises(ValueError, match="three: it is pruned: call tfprune"):
        tfprune.to_winograd(model, "three")


def test_the_name_of_the_layer_class_is_public():
    assert tfprune.layers.WinogradConv2D is layers.WinogradConv2D


@pytest.mark.filterwarnings("ignore:to_winograd leaves")
def test_data_changes_entries_and_not_what_they_compute():
    model = net()
    plain = tfprune.to_winograd(model)
    own = tfprune.to_winograd(model, data=images())
    np.testing.assert_allclose(own(images()), model(images()), atol=2e-4)
    kernels = [x.get_layer("three").kernel.numpy() for x in (plain, own)]
    assert not np.allclose(*kernels, rtol=0.1)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_data_in_half_precision(policy):
    keras.config.set_dtype_policy(policy)
    model, x = uneven()
    own = tfprune.to_winograd(model, data=x)
    wide = np.array(own.layers[0].balance)
    assert wide.dtype == "float32" and np.std(wide[0, 0]) > 0


def uneven(groups=1):
    """A layer, and images with channels of unequal loudness."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.Conv2D(4, 3, groups=groups, use_bias=False)
    model = keras.Sequential([keras.Input((10, 10, 4)), layer])
    x = np.random.default_rng(0).normal(size=(3, 10, 10, 4))
    return model, (x * [1, 3, 10, 1] + [0, 1, 2, 3]).astype("float32")


@pytest.mark.parametrize(
    "at", [(0, 0, 0, 0), (1, 4, 1, 1), (5, 2, 2, 3), (3, 3, 3, 2)]
)
def test_entries_of_one_size_matter_alike(at):
    """It adds 4 r / M times the inputs' root of mean squares to a tile."""
    model, x = uneven()
    layer = tfprune.to_winograd(model, data=x).layers[0]
    kernel = layer.kernel.numpy()
    before = layer(x).numpy()
    kernel[at] += 1
    layer.kernel.assign(kernel)
    added = np.sum((layer(x).numpy() - before) ** 2, dtype="float64")
    tiles = 3 * 2 * 2
    expected = 2 * np.sqrt(np.mean(x.astype("float64") ** 2) * tiles)
    np.testing.assert_allclose(np.sqrt(added), expected, rtol=1e-3)


@pytest.mark.parametrize("groups", [1, 2])
def test_small_entries_matter_less_with_data(groups):
    model, x = uneven(groups)
    dense = model(x).numpy()
    lost = {}
    for name, data in (("blind", None), ("seen", x)):
        own = tfprune.to_winograd(model, data=data)
        kernel = own.layers[0].kernel.numpy()
        small = np.abs(kernel) <= np.quantile(np.abs(kernel), 0.5)
        own.layers[0].kernel.assign(np.where(small, 0, kernel))
        lost[name] = np.linalg.norm(own(x).numpy() - dense)
    assert 0 < lost["seen"] < 0.5 * lost["blind"]


def test_silent_channels_count_as_faint_ones():
    model, x = uneven()
    for silent in (0 * x, x * [1, 1, 0, 1]):
        own = tfprune.to_winograd(model, data=silent)
        assert np.all(np.isfinite(own.layers[0].kernel))
        np.testing.assert_allclose(own(x), model(x), rtol=0, atol=1e-3)
    # By position: what the output makes of it, by what inputs are.
    transform = winograd.transform(3)
    heard = transform.threshold_factors.reshape(6, 6, 1) / np.array(
        own.layers[0].balance[..., 0]
    )
    np.testing.assert_allclose(heard[..., 2], heard.max() / 100, rtol=1e-3)


def test_every_example_counts_as_much(monkeypatch):
    model, x = uneven()
    x = x * np.array([1, 2, 8], "float32").reshape(3, 1, 1, 1)
    whole = tfprune.to_winograd(model, data=x).layers[0].balance
    monkeypatch.setattr(trace, "_BATCH", 2)
    parts = tfprune.to_winograd(model, data=x).layers[0].balance
    np.testing.assert_allclose(parts, whole, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:to_winograd leaves")
def test_layers_that_were_converted_before_stay():
    first = tfprune.to_winograd(net(), "three")
    both = tfprune.to_winograd(first, "five", data=images())
    for name in ("kernel", "balance"):
        old, new = (getattr(x.get_layer("three"), name) for x in (first, both))
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((0, 10, 10, 4), "float32"), "`data` must have examples"),
        (np.full((1, 10, 10, 4), np.nan, "float32"), "'conv.*' finite inputs"),
    ],
)
def test_data_that_tell_nothing_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        tfprune.to_winograd(uneven()[0], data=data)


def test_gains_must_fit():
    own = tfprune.to_winograd(uneven()[0])
    kernel = own.layers[0].kernel.numpy()
    for gains in (np.ones((6, 6, 3)), np.zeros((6, 6, 4))):
        with pytest.raises(ValueError, match="`gains` must be (of shape|fin)"):
            own.layers[0].rebalance(gains)
    np.testing.assert_array_equal(own.layers[0].kernel, kernel)
