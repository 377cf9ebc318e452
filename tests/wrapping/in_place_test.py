"""Pruning in place takes any model, and nothing that Keras does loses masks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune import methods
from tfprune.core import units

HALF = methods.Magnitude(0.5, frequency=1)
RAMP = methods.Magnitude(0.8, end_step=20, frequency=1)

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


X, Y = noise(64, 8), noise(64, 1)


def net(**kwargs):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, "relu", name="a", **kwargs),
            layers.Dense(1, name="b"),
        ]
    )


def fit(model, optimizer=None, epochs=1, **kwargs):
    if optimizer is not None:
        model.compile(optimizer, "mse", **kwargs)
    model.fit(X, Y, 8, epochs, shuffle=False, verbose=0)
    return model


def pruning(inner=None):
    return tfprune.PruningOptimizer(inner or keras.optimizers.SGD(0.05))


def zeros(variable):
    return float(np.mean(np.array(variable) == 0))


def masked(model):
    """The fraction that masks take of all kernels."""
    masks = [
        np.array(target.mask)
        for unit in units.tagged(model.variables)
        for target in unit.targets
        if target.role == "kernel"
    ]
    return 1 - np.mean(np.concatenate([mask.ravel() for mask in masks]))


class Own(layers.Layer):  # Not registered.
    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], 4))

    def call(self, x):
        return x @ self.kernel


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolution = layers.Conv1D(4, 2, name="c")
        self.inner = [Own(name="o"), layers.Dense(1, name="d")]

    def call(self, x):
        x = self.convolution(x[:, :, None])
        for layer in self.inner:
            x = layer(x)
        return keras.ops.mean(x, axis=1)


class WithStep(keras.Sequential):
    steps = 0

    def train_step(self, data):
        WithStep.steps += 1
        return super().train_step(data)


SCALE = 2.0


class TestTheModel:
    def test_is_the_same_with_the_same_layers_and_weights(self):
        model = net()
        layers_, weights = model.layers, model.weights
        config = model.get_config()
        assert tfprune.prune(model, HALF) is model
        assert model.layers == layers_ and model.weights == weights
        assert model.get_config() == config

    def test_may_be_subclassed_with_layers_that_are_not_registered(self):
        model = Subclassed()
        model(X)
        fit(tfprune.prune(model, HALF), pruning())
        assert list(tfprune.settings(model)) == ["c", "o", "d"]
        assert zeros(model.inner[0].kernel) == 0.5

    def test_keeps_its_own_train_step(self):
        model = WithStep([keras.Input((8,)), *net().layers])
        fit(tfprune.prune(model, HALF), pruning())
        assert type(model) is WithStep and WithStep.steps

    def test_may_have_a_lambda_with_a_global(self):
        inputs = keras.Input((8,))
        x = layers.Lambda(lambda x: tf.square(x) * SCALE)(inputs)
        model = keras.Model(inputs, layers.Dense(1, name="d")(x))
        fit(tfprune.prune(model, HALF), pruning())
        assert masked(model) == 0.5

    @pytest.mark.parametrize("jit_compile", [False, True])
    def test_may_have_layers_of_layers(self, jit_compile):
        inputs = keras.Input((8,))
        x = layers.Reshape((4, 2))(inputs)
        x = layers.MultiHeadAttention(2, 3, name="mha")(x, x)
        x = layers.Bidirectional(layers.LSTM(3), name="rnn")(x)
        model = keras.Model(inputs, layers.Dense(1, name="d")(x))
        model = tfprune.prune(model, HALF)
        fit(model, pruning(), jit_compile=jit_compile)
        assert abs(masked(model) - 0.5) < 0.05
        for target in units.tagged(model.variables)[0].targets:
            assert not np.any(np.array(target.variable)[~target.mask.numpy()])

    def test_names_layers_of_nested_models_apart(self):
        inputs = keras.Input((8,))
        one, other = (
            keras.Sequential(
                [keras.Input((8,)), layers.Dense(4, name="h")], name=x
            )
            for x in ("e1", "e2")
        )
        outputs = layers.Dense(1, name="o")(
            layers.Concatenate()([one(inputs), other(inputs)])
        )
        model = keras.Model(inputs, outputs)
        method = methods.Magnitude(0.5, settings={"e1/h": None})
        tfprune.prune(model, method)
        assert list(tfprune.settings(model)) == ["e2/h", "o"]
        assert not hasattr(one.layers[0].kernel, units.TAG)

    def test_shares_layers(self):
        inputs = keras.Input((8,))
        shared = layers.Dense(8, name="s")
        outputs = layers.Dense(1, name="o")(shared(shared(inputs)))
        fit(tfprune.prune(keras.Model(inputs, outputs), HALF), pruning())
        assert zeros(shared.kernel) == 0.5

    def test_may_normalize_its_kernels_while_it_runs(self):
        def singular(model):
            return np.linalg.svd(model.layers[0].layer.kernel.numpy())[1][0]

        def make():
            keras.utils.set_random_seed(0)
            layer = layers.SpectralNormalization(layers.Dense(8))
            return keras.Sequential([keras.Input((8,)), layer, layers.Dense(1)])

        plain = fit(make(), keras.optimizers.SGD(0.05), 3)
        model = tfprune.prune(make(), methods.Magnitude(0.0))
        fit(model, pruning(), 3)
        np.testing.assert_allclose(singular(model), singular(plain), 1e-5)

    def test_that_is_not_built_is_refused(self):
        with pytest.raises(ValueError, match="must be built before you prune"):
            tfprune.prune(Subclassed(), HALF)

    def test_is_as_it_was_after_an_error(self):
        model = net()
        before = dict(vars(model))
        with pytest.raises(ValueError, match="one of: a, b"):
            method = methods.Magnitude(settings={"no": None})
            tfprune.prune(model, method)
        assert vars(model) == before and not units.tagged(model.variables)


class TestCompiled:
    def test_prune_and_fit_are_enough(self):
        model = net()
        optimizer = keras.optimizers.SGD(0.05)
        model.compile(optimizer, "mse", metrics=["mae"])
        fit(tfprune.prune(model, HALF))
        assert masked(model) == 0.5
        assert model.optimizer.inner_optimizer is optimizer
        assert "mae" in model.evaluate(X, Y, verbose=0, return_dict=True)
        assert tfprune.strip(model) is model
        assert model.optimizer is optimizer
        fit(model)
        assert zeros(model.layers[0].kernel) < 0.1

    def test_losses_are_still_scaled(self):
        keras.config.set_dtype_policy("mixed_float16")
        model = net()
        model.compile("sgd", "mse")
        scaled = model.optimizer
        fit(tfprune.prune(model, HALF))
        assert model.optimizer is scaled and masked(model) == 0.5
        tfprune.strip(model)
        assert type(model.optimizer.inner_optimizer) is keras.optimizers.SGD

    def test_again_goes_on_where_it_stood(self):
        model = fit(tfprune.prune(net(), RAMP), pruning(), 3)
        assert abs(masked(model) - 0.8) < 0.01
        fit(model, pruning(keras.optimizers.Adam(1e-4)))
        assert abs(masked(model) - 0.8) < 0.01

    @pytest.mark.parametrize("wrap", [False, True])
    @pytest.mark.parametrize(
        "method",
        [RAMP, methods.Surgery(0.8)],
        ids=lambda x: x.name,
    )
    def test_in_the_middle_changes_nothing(self, method, wrap):
        once, twice = (
            fit(tfprune.prune(net(), method, wrap=wrap), pruning())
            for _ in range(2)
        )
        fit(once)
        fit(twice, pruning())
        np.testing.assert_array_equal(once(X), twice(X))

    def test_plainly_it_keeps_its_masks_and_says_so(self):
        model = fit(tfprune.prune(net(), HALF), pruning())
        mask = units.tagged(model.variables)[0].targets[0].mask.numpy()
        with pytest.warns(UserWarning, match="PruningOptimizer"):
            fit(model, keras.optimizers.SGD(0.05, momentum=0.9), 2)
        kernel = model.layers[0].kernel.numpy()
        assert not np.any(kernel[~mask]) and np.all(kernel[mask])

    def test_constraints_hold(self):
        model = net(kernel_constraint=keras.constraints.NonNeg())
        fit(tfprune.prune(model, HALF), pruning())
        assert np.all(model.layers[0].kernel.numpy() >= 0)
        tfprune.strip(model)
        constraint = model.layers[0].kernel.constraint
        assert isinstance(constraint, keras.constraints.NonNeg)


class TestFrozenLayers:
    def test_are_pruned_when_they_train_again(self):
        base = keras.Sequential([keras.Input((8,)), layers.Dense(6, name="d")])
        base.trainable = False
        model = keras.Sequential([base, layers.Dense(1, name="head")])
        fit(tfprune.prune(model, HALF), pruning())
        before = base.layers[0].kernel.numpy()
        assert zeros(before) == 0
        base.trainable = True
        fit(model, pruning())
        assert zeros(base.layers[0].kernel) == 0.5
        assert np.any(before != base.layers[0].kernel.numpy())

    def test_keep_their_masks(self):
        model = fit(tfprune.prune(net(), HALF), pruning())
        model.layers[0].trainable = False
        before = model.layers[0].kernel.numpy()
        fit(model, pruning())
        np.testing.assert_array_equal(before, model.layers[0].kernel.numpy())


class TestDecide:
    @pytest.mark.parametrize("wrap", [False, True])
    def test_prunes_at_once_and_for_good(self, wrap):
        model = tfprune.prune(net(), methods.Magnitude(0.75), wrap=wrap)
        assert tfprune.decide(model) is model
        assert masked(model) == 0.75
        bare = tfprune.strip(model)
        assert zeros(bare.layers[0].kernel) == 0.75

    def test_needs_no_special_optimizer_afterwards(self):
        model = tfprune.decide(tfprune.prune(net(), methods.Magnitude(0.75)))
        fit(model, keras.optimizers.SGD(0.05, momentum=0.9), 2)
        assert zeros(model.layers[0].kernel) == 0.75

    def test_prunes_frozen_layers(self):
        model = net()
        model.layers[0].trainable = False
        tfprune.decide(tfprune.prune(model, HALF))
        assert zeros(model.layers[0].kernel) == 0.5

    def test_refuses_what_acts_on_training(self):
        model = tfprune.prune(net(), methods.Guided())
        with pytest.raises(ValueError, match="Train with a"):
            tfprune.decide(model)


def test_gradients_of_embeddings_may_be_clipped():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Embedding(8, 4),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    tfprune.prune(model, HALF)
    clipped = keras.optimizers.SGD(0.1, momentum=0.9, clipnorm=0.1)
    model.compile(pruning(clipped), "mse")
    words = np.arange(64).reshape(32, 2) % 8
    model.fit(words, Y[:32], 8, 2, verbose=0)
    assert masked(model) == 0.5


@pytest.mark.parametrize(
    "method", [HALF, methods.Surgery(0.5)], ids=lambda x: x.name
)
def test_weights_may_be_bfloat16(method, tmp_path):
    keras.utils.set_random_seed(0)
    dense = [layers.Dense(n, dtype="bfloat16") for n in (16, 1)]
    model = keras.Sequential([keras.Input((8,)), *dense])
    fit(tfprune.prune(model, method), pruning())
    assert 0.3 < masked(model) < 0.7
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)
        )
    assert masked(loaded) == masked(model)
