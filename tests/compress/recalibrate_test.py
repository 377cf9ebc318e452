"""Statistics of normalizations, measured anew."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune


def net(*extra):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="bn1"),
            layers.ReLU(),
            *extra,
            layers.Conv2D(3, 2, name="conv2"),
            layers.BatchNormalization(name="bn2"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def data(count=50):
    random = np.random.default_rng(0)
    return random.normal(1.0, 2.0, (count, 6, 6, 2)).astype("float32")


def statistics(model, name):
    layer = model.get_layer(name)
    return layer.moving_mean.numpy(), layer.moving_variance.numpy()


@pytest.mark.parametrize("batch_size", [7, 50])
def test_the_first_sees_mean_and_variance_of_all_data(batch_size):
    model = net()
    assert tfprune.recalibrate(model, data(), batch_size) is model
    outputs = model.get_layer("conv")(data()).numpy()
    mean, variance = statistics(model, "bn1")
    np.testing.assert_allclose(mean, outputs.mean((0, 1, 2)), 1e-4, 1e-5)
    np.testing.assert_allclose(variance, outputs.var((0, 1, 2)), 1e-4)


def test_inference_is_then_training_on_all_data_as_one_batch():
    model = net()
    tfprune.recalibrate(model, data(), 50)
    expected = net()(data(), training=True)
    np.testing.assert_allclose(model(data()), expected, 1e-3, 1e-3)


def test_datasets_tuples_and_arrays_are_alike():
    one, two, three = net(), net(), net()
    dataset = tf.data.Dataset.from_tensor_slices((data(), np.zeros(50)))
    tfprune.recalibrate(one, data(), 20)
    tfprune.recalibrate(two, dataset.batch(20))
    tfprune.recalibrate(three, [data()[:20], data()[20:40], data()[40:]])
    for other in (two, three):
        for a, b in zip(one.weights, other.weights, strict=True):
            np.testing.assert_array_equal(a, b)


def test_nothing_else_changes():
    model = net(layers.Dropout(0.5, seed=1))
    before = [x.numpy() for x in model.variables]
    tfprune.recalibrate(model, data())
    for old, variable in zip(before, model.variables, strict=True):
        same = np.array_equal(old, variable.numpy())
        assert same != variable.name.startswith("moving"), variable.path
    assert model.get_layer("bn1").momentum == 0.99


def test_a_failure_leaves_all_as_it_was():
    model = net()
    tfprune.recalibrate(model, data())
    before = [x.numpy() for x in model.variables]

    def broken():
        yield data()[:10]
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        tfprune.recalibrate(model, broken())
    with pytest.raises(ValueError, match="`data` must have examples"):
        tfprune.recalibrate(model, [])
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable)
    assert model.get_layer("bn1").momentum == 0.99


def test_it_recovers_what_pruning_shifted():
    """A net with fewer filters normalizes again what it now gets."""
    model = net()
    tfprune.recalibrate(model, data())
    model.get_layer("conv").bias.assign([100.0] * 4)
    shifted = statistics(model, "bn1")[0].copy()
    tfprune.recalibrate(model, data())
    mean, _ = statistics(model, "bn1")
    np.testing.assert_allclose(mean, shifted + 100.0, 1e-4)


def test_frozen_layers_keep_theirs():
    model = net()
    model.get_layer("bn1").trainable = False
    before = statistics(model, "bn1")
    tfprune.recalibrate(model, data())
    np.testing.assert_array_equal(statistics(model, "bn1"), before)
    assert np.any(statistics(model, "bn2")[0])


def test_pruned_and_nested_models():
    inner = net()
    model = keras.Sequential([keras.Input((6, 6, 2)), inner])
    model = tfprune.prune(model, "magnitude")
    tfprune.recalibrate(model, data())
    assert np.any(model.layers[0].get_layer("bn1").moving_mean)


def test_a_net_without_normalizations():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="must have trainable BatchNorm"):
        tfprune.recalibrate(model, np.zeros((4, 4)))


def test_an_untrained_one_is_told():
    model = net()
    words = "never trained, and normalize nothing: bn1, bn2"
    assert any(words in note for note in tfprune.report(model).warnings)
    assert words in str(tfprune.plan_removal(model))
    tfprune.recalibrate(model, data())
    assert not any("never" in note for note in tfprune.report(model).warnings)
    assert words not in str(tfprune.plan_removal(model))
