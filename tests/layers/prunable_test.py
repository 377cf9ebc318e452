"""Prunable runs any layer with masked weights, and changes nothing else."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import tfprune
from tfprune import methods

HALF = methods.Magnitude(0.5, frequency=1)

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


def compile_(model, **kwargs):
    optimizer = tfprune.PruningOptimizer(keras.optimizers.SGD(0.1))
    model.compile(optimizer, "mse", **kwargs)


def test_masks_of_time_steps_pass_through():
    plain = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Embedding(9, 4, mask_zero=True),
            layers.Dense(4),
            layers.LSTM(3),
        ]
    )
    model = tfprune.prune(plain, HALF, wrap=True)
    words = np.array([[1, 2, 3, 0, 0, 0], [4, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(model(words), plain(words))
    mask = model.layers[0].compute_mask(words)
    np.testing.assert_array_equal(mask, words != 0)
    shorter = model(words[:, :3])
    np.testing.assert_allclose(model(words), shorter, 1e-6)


@keras.saving.register_keras_serializable(package="prunable_test")
class Composite(layers.Layer):
    """Everything that a layer may do besides multiplying."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(8, kernel_regularizer="l2")
        self.norm = layers.BatchNormalization(momentum=0.5)
        self.dropout = layers.Dropout(0.5, seed=3)
        self.last = layers.Dense(8, activity_regularizer="l1")

    def call(self, x, training=None):
        x = self.norm(self.first(x), training=training)
        self.add_loss(ops.mean(x))
        return self.last(self.dropout(x, training=training))


def composite():
    """The same model twice: plain, and pruned with nothing pruned yet."""
    plain = keras.Sequential([keras.Input((4,)), Composite(name="layer")])
    return plain, tfprune.prune(plain, HALF, wrap=True)


def noise():
    return np.random.default_rng(0).normal(size=(16, 4)).astype("float32")


def state(model, name):
    """Returns the arrays whose path ends like this, targets included."""
    found = [v for v in model.variables if v.path.endswith(name)]
    assert found
    return [v.numpy() for v in found]


@pytest.mark.parametrize("eager", [True, False])
def test_what_a_composite_layer_writes_is_kept(eager):
    plain, model = composite()
    one, other = noise(), np.zeros((16, 8))
    for each in (plain, model):
        each.compile("sgd", "mse", run_eagerly=eager)
        each.fit(one, other, 4, 3, shuffle=False, verbose=0)
    for name in ("moving_mean", "moving_variance", "seed_generator_state"):
        for expected, kept in zip(
            state(plain, name), state(model, name), strict=True
        ):
            np.testing.assert_array_equal(kept, expected)
    assert np.abs(state(model, "moving_mean")).max() > 0.01
    layer = model.get_layer("layer").layer
    np.testing.assert_array_equal(
        layer.first.kernel, plain.get_layer("layer").first.kernel
    )


def test_dropout_differs_from_step_to_step():
    _, model = composite()
    outputs = [np.array(model(noise(), training=True)) for _ in range(3)]
    assert not np.array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[1], outputs[2])
    quiet = [np.array(model(noise())) for _ in range(2)]
    np.testing.assert_array_equal(*quiet)


def test_every_loss_counts_once():
    plain, model = composite()
    plain(noise()), model(noise())
    # add_loss, the activity and the kernel regularizer.
    assert len(plain.losses) == len(model.losses) == 3
    np.testing.assert_array_equal(model.losses, plain.losses)
    for each in (plain, model):
        each.compile("sgd", "mse", run_eagerly=True)
    x, y = noise(), np.zeros((16, 8))
    plain.layers[-1].dropout.rate = 0.0
    model.layers[-1].layer.dropout.rate = 0.0
    assert model.evaluate(x, y, verbose=0) == plain.evaluate(x, y, verbose=0)


def test_the_state_of_a_stateful_rnn_is_kept():
    inputs = keras.Input(batch_shape=(4, 6, 3))
    lstm = layers.LSTM(5, stateful=True, name="layer")
    plain = keras.Model(inputs, lstm(inputs))
    model = tfprune.prune(plain, HALF, wrap=True)
    x = np.ones((4, 6, 3))
    first, second = np.array(model(x)), np.array(model(x))
    np.testing.assert_array_equal(first, plain(x))
    np.testing.assert_array_equal(second, plain(x))
    assert not np.array_equal(first, second)


def test_a_layer_that_is_not_trained_stays_as_it_is():
    plain = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, name="off", trainable=False),
            layers.Dense(8, name="on"),
        ]
    )
    model = tfprune.prune(plain, HALF, wrap=True)
    compile_(model, run_eagerly=True)
    model.fit(noise(), np.zeros((16, 8)), verbose=0)
    off, on = (model.get_layer(name) for name in ("off", "on"))
    np.testing.assert_array_equal(off.layer.kernel, plain.layers[0].kernel)
    assert off.pruning_units[0].targets[0].mask.numpy().all()
    assert not on.pruning_units[0].targets[0].mask.numpy().all()
    with pytest.warns(UserWarning, match="never decided.*decide: off$"):
        stripped = tfprune.strip(model)
    assert not stripped.get_layer("off").trainable


def test_a_frozen_base_is_pruned_and_trained_when_it_is_unfrozen():
    base = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, name="on")], name="base"
    )
    base.trainable = False
    inputs = keras.Input((4,))
    plain = keras.Model(inputs, layers.Dense(8)(base(inputs)))
    model = tfprune.prune(plain, HALF, wrap=True)
    layer = model.get_layer("base").get_layer("on")
    assert not layer.trainable and not layer.trainable_variables
    before = layer.layer.kernel.numpy()
    model.get_layer("base").trainable = True
    assert layer.trainable and layer.layer.trainable
    compile_(model, run_eagerly=True)
    model.fit(noise(), np.zeros((16, 8)), verbose=0)
    after = layer.layer.kernel.numpy()
    assert np.mean(after == 0) == 0.5 and np.all(after != before)


def test_trainable_is_one_flag_of_wrapper_and_layer():
    layer = tfprune.Prunable(layers.Dense(8), HALF, trainable=False)
    assert not layer.layer.trainable
    layer(noise())
    layer.layer.trainable = True
    assert layer.trainable and len(layer.trainable_variables) == 2
    layer.trainable = False
    assert not layer.layer.trainable and not layer.trainable_variables
    config = layer.get_config()
    assert not tfprune.Prunable.from_config(config).layer.trainable


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = tfprune.Prunable(layers.Dense(8, "relu"), HALF)
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def test_a_subclassed_model_may_wrap_its_layers():
    model = Subclassed()
    compile_(model)
    model.fit(noise(), np.ones((16, 1)), verbose=0)
    (target,) = model.hidden.pruning_units[0].targets
    mask, kernel = target.mask.numpy(), model.hidden.layer.kernel.numpy()
    assert mask.mean() == 0.5
    assert not kernel[~mask].any() and kernel[mask].all()
    tfprune.set_mask(model, model.hidden.name, np.zeros((4, 8), bool))
    assert np.ptp(model(noise())) == 0


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="`method` must be .*Method. Received"):
        tfprune.Prunable(layers.Dense(8), "magnitude")
    with pytest.raises(ValueError, match="'relu'.*it has no kernel"):
        tfprune.Prunable(layers.ReLU(name="relu"), HALF)(noise())
