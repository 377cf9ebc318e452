"""PruningOptimizer is its inner optimizer, and decides masks after it."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops

import tfprune
from tfprune import methods
from tfprune.core import units
from tfprune.graph import pruned

HALF = methods.Magnitude(0.5, frequency=1)

NOT_PRUNED = pytest.mark.filterwarnings("ignore:.*has nothing to prune")


def net(method=HALF):
    dense = [layers.Dense(4, name="a"), layers.Dense(2, name="b")]
    plain = keras.Sequential([keras.Input((4,)), *dense])
    return tfprune.prune(plain, method) if method else plain


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def fit(model, optimizer, epochs=1, **kwargs):
    callbacks = kwargs.pop("callbacks", [])
    if not model.compiled:
        model.compile(optimizer, "mse", run_eagerly=True, **kwargs)
    x, y = noise(8, 4), noise(8, 2)
    model.fit(
        x,
        y,
        4,
        epochs,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
        validation_data=(x, y),
    )
    return model


def masks(model):
    return [
        t.mask.numpy()
        for unit in units.tagged(model.variables)
        for t in unit.targets
    ]


def sgd(**kwargs):
    return tfprune.PruningOptimizer(keras.optimizers.SGD(0.5, **kwargs))


class TestTheInnerOptimizer:
    def test_is_a_name_or_an_instance(self):
        adam = tfprune.PruningOptimizer().inner_optimizer
        assert isinstance(adam, keras.optimizers.Adam)
        named = tfprune.PruningOptimizer("sgd").inner_optimizer
        assert isinstance(named, keras.optimizers.SGD)
        own = keras.optimizers.Lion()
        assert tfprune.PruningOptimizer(own).inner_optimizer is own

    def test_does_not_scale_the_loss(self):
        inner = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
        with pytest.raises(ValueError, match="Put it around PruningOptimizer"):
            tfprune.PruningOptimizer(inner)

    def test_round_trips(self):
        optimizer = sgd(momentum=0.9, clipnorm=2.0)
        saved = keras.optimizers.serialize(optimizer)
        again = keras.optimizers.deserialize(saved)
        assert again.get_config() == optimizer.get_config()
        assert again.inner_optimizer.momentum == 0.9

    def test_alone_trains_a_model_without_prunable_layers(self):
        keras.utils.set_random_seed(1)
        plain = fit(net(None), keras.optimizers.SGD(0.5, momentum=0.9))
        keras.utils.set_random_seed(1)
        with pytest.warns(UserWarning, match="has nothing to prune"):
            other = fit(net(None), sgd(momentum=0.9))
        for one, two in zip(
            plain.get_weights(), other.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, two)

    def test_counts_the_iterations(self):
        model = fit(net(), sgd())
        assert int(model.optimizer.iterations) == 2
        assert int(model.optimizer.inner_optimizer.iterations) == 2


class TestTheLearningRate:
    def test_is_that_of_the_inner_optimizer(self):
        optimizer = sgd()
        assert float(optimizer.learning_rate) == 0.5
        optimizer.learning_rate = 0.25
        assert float(optimizer.inner_optimizer.learning_rate) == 0.25

    def test_may_be_a_schedule(self):
        schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
        optimizer = tfprune.PruningOptimizer(keras.optimizers.SGD(schedule))
        fit(net(), optimizer)
        assert float(optimizer.learning_rate) == 0.125
        with pytest.raises(TypeError, match="LearningRateSchedule"):
            optimizer.learning_rate = 0.1

    def test_obeys_callbacks(self):
        halve = keras.callbacks.LearningRateScheduler(lambda _, lr: lr / 2)
        model = fit(net(), sgd(), 2, callbacks=[halve])
        assert float(model.optimizer.learning_rate) == 0.125
        plateau = keras.callbacks.ReduceLROnPlateau(
            "val_loss", 0.1, patience=1, min_delta=100
        )
        model = fit(net(), sgd(), 2, callbacks=[plateau])
        rate = model.optimizer.inner_optimizer.learning_rate
        np.testing.assert_allclose(float(rate), 0.05)


def swapped(model):
    """The first kernel while averages are in the place of weights."""
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    seen = {}

    class Look(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen["swapped"] = self.model.layers[0].kernel.numpy()

    fit(model, sgd(use_ema=True), callbacks=[swap, Look()])
    return seen["swapped"]


def test_swapped_averages_stay_pruned():
    model = net()
    average, kernel = swapped(model), model.layers[0].kernel.numpy()
    masked = ~masks(model)[0]
    assert masked.any()
    assert not average[masked].any() and not kernel[masked].any()
    expected = model(noise(3, 4))
    np.testing.assert_array_equal(tfprune.strip(model)(noise(3, 4)), expected)


@pytest.mark.parametrize("wrap", [False, True])
def test_averages_do_not_bring_masked_weights_back(wrap):
    """Keras puts them in the place of weights, and methods look at these."""
    model = tfprune.prune(net(None), HALF, wrap=wrap)
    inner = keras.optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2)
    fit(model, tfprune.PruningOptimizer(inner), epochs=3)
    pairs = zip(
        model.optimizer.inner_optimizer._trainable_variables,
        model.optimizer.inner_optimizer._model_variables_moving_average,
        strict=True,
    )
    masked = [
        np.array(average)[~np.array(getattr(variable, units.TAG).mask)]
        for variable, average in pairs
        if hasattr(variable, units.TAG)
    ]
    assert np.concatenate(masked).size and not np.concatenate(masked).any()


class TestTheState:
    def test_is_saved_once(self, tmp_path):
        model = fit(net("surgery"), sgd(momentum=0.9))
        model.save_weights(tmp_path / "model.weights.h5")
        found = []
        with h5py.File(tmp_path / "model.weights.h5") as file:
            file.visititems(
                lambda name, item: (
                    found.append(name)
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
        own = [name for name in found if name.startswith("optimizer")]
        # Each optimizer has iterations and learning rate, the inner one 4
        # momenta.
        assert len(model.optimizer.variables) == 2 + 2 + 4
        # Of 2 layers updates, settings, whether it is frozen, and surgery's
        # mu and sigma; of 4 variables the mask and what is hidden.
        assert len(own) == 2 + 2 + 4 + 2 * (3 + 2) + 4 * 2
        # Nothing else but the weights.
        assert len(found) == len(own) + len(model.weights)

    def test_of_another_method_is_refused(self):
        models = [net(method) for method in ("surgery", "magnitude")]
        states = []
        for model in models:
            optimizer = sgd()
            optimizer.build(model.trainable_variables)
            states.append(optimizer.saved_state)
        store = {}
        states[0].save_own_variables(store)
        states[0].load_own_variables(store)
        with pytest.raises(ValueError, match="pruned by another method"):
            states[1].load_own_variables(store)


class TestApply:
    def test_builds_by_itself(self):
        model, optimizer = net(), sgd()
        variables = model.trainable_variables
        optimizer.apply([ops.ones(v.shape) for v in variables], variables)
        assert [mask.mean() for mask in masks(model)] == [0.5, 0.5]

    def test_takes_a_gradient_that_is_none(self):
        model, optimizer = net(), sgd()
        first, *others = model.trainable_variables
        grads = [ops.ones(v.shape) for v in others]
        with pytest.warns(match="Gradients do not exist for"):
            optimizer.apply([None, *grads], [first, *others])
        assert [mask.mean() for mask in masks(model)] == [0.5, 0.5]

    def test_needs_variables_at_first(self):
        with pytest.raises(ValueError, match="`trainable_variables` must be"):
            sgd().apply([1.0])

    def test_keeps_masks_where_a_scaled_gradient_is_not_finite(self):
        keras.config.set_dtype_policy("mixed_float16")
        model = net()
        model.compile(sgd(momentum=0.9), "mse")
        scaled = model.optimizer
        assert isinstance(scaled, keras.optimizers.LossScaleOptimizer)
        assert isinstance(scaled.inner_optimizer, tfprune.PruningOptimizer)
        known = [*model.variables, *pruned.hidden_variables(model)]
        before = [v.numpy() for v in known]
        x = np.full((4, 4), np.inf, "float32")
        model.fit(x, noise(4, 2), verbose=0)
        for old, new in zip(before, known, strict=True):
            np.testing.assert_array_equal(old, new.numpy())
        assert int(scaled.iterations) == 0
        model.fit(noise(4, 4), noise(4, 2), verbose=0)
        assert int(scaled.iterations) == 1
        assert [mask.mean() for mask in masks(model)] == [0.5, 0.5]


@pytest.mark.parametrize(
    "method", [HALF, methods.Surgery(0.5)], ids=["magnitude", "surgery"]
)
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("use_ema", [False, True])
def test_the_first_step_is_traced_once(method, jit_compile, use_ema):
    """That of plain Keras is traced twice: its optimizer makes variables."""
    model, traced = net(method), []
    inner = keras.optimizers.Adam(use_ema=use_ema)
    model.compile(
        tfprune.PruningOptimizer(inner), "mse", jit_compile=jit_compile
    )
    model.train_step = lambda data: (
        traced.append(1) or type(model).train_step(model, data)
    )
    model.fit(noise(8, 4), noise(8, 2), 4, verbose=0)
    assert len(traced) == 1


@NOT_PRUNED
class TestTwoReplicas:
    """One variable; the replicas' gradients are (3, 0) and (0, 4)."""

    def step(self, optimizer):
        # Two strategies of one process may not both use collectives.
        strategy = tf.distribute.MirroredStrategy(
            ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
        )
        with strategy.scope():
            weights = keras.Variable(np.zeros(2, "float32"))
            optimizer = optimizer()
            optimizer.build([weights])

        def replica(gradient):
            optimizer.apply([gradient], [weights])

        @tf.function
        def run():
            gradients = strategy.experimental_distribute_values_from_function(
                lambda c: tf.constant(
                    [[3.0, 0.0], [0.0, 4.0]][c.replica_id_in_sync_group]
                )
            )
            strategy.run(replica, (gradients,))

        run()
        return weights.numpy()

    def test_sum_their_gradients_once(self):
        def once():
            return tfprune.PruningOptimizer(keras.optimizers.SGD(1.0))

        np.testing.assert_array_equal(self.step(once), [-3.0, -4.0])

    def test_clip_the_sum(self):
        def inner():
            return keras.optimizers.SGD(1.0, clipnorm=1.0)

        def outer():
            return tfprune.PruningOptimizer(inner())

        np.testing.assert_allclose(self.step(outer), [-0.6, -0.8], 1e-6)
        # Keras alone clips before it sums.
        np.testing.assert_allclose(self.step(inner), [-1.0, -1.0], 1e-6)
