"""What layers and optimizers do by themselves still works in place."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import methods
from tfprune.core import units

HALF = methods.Magnitude(0.5, frequency=1)


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


X, Y = noise(64, 8), noise(64, 1)


def net():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, "relu", name="a"),
            layers.Dense(1, name="b"),
        ]
    )


def pruned(wrap=False, method=HALF, model=None, **optimizer):
    """A model that is pruned and compiled."""
    model = tfprune.prune(model or net(), method, wrap=wrap)
    sgd = keras.optimizers.SGD(0.05, **optimizer)
    model.compile(tfprune.PruningOptimizer(sgd), "mse")
    return model


def fit(model, epochs=1, **kwargs):
    model.fit(X, Y, 8, epochs, shuffle=False, verbose=0, **kwargs)
    return model


def is_masked(model):
    """Whether all weights are zero under their masks."""
    targets = [x for u in units.tagged(model.variables) for x in u.targets]
    masks = [np.asarray(x.mask.numpy()) for x in targets]
    assert any(0 < mask.mean() < 1 for mask in masks)
    return not any(
        np.any(x.variable.numpy()[~mask])
        for x, mask in zip(targets, masks, strict=True)
    )


class Look(keras.callbacks.Callback):
    """Notes what a model predicts while it is tested."""

    def on_test_begin(self, logs=None):
        self.is_masked = is_masked(self.model)
        self.seen = self.model(X).numpy()


slow = pytest.mark.slow
METHODS = [
    HALF,
    pytest.param(methods.Surgery(0.5), marks=slow),
    pytest.param(methods.NM(2, 4, frequency=1), marks=slow),
]


class TestAverages:
    @pytest.mark.parametrize("method", METHODS, ids=lambda x: x.name)
    @pytest.mark.parametrize("frequency", [None, pytest.param(3, marks=slow)])
    def test_are_those_of_the_wrapped_way(self, method, frequency):
        ema = {"use_ema": True, "ema_overwrite_frequency": frequency}
        models = [pruned(wrap, method, **ema) for wrap in (False, True)]
        for model in models:
            fit(model, 2)
        in_place, wrapped = models
        assert is_masked(in_place)
        np.testing.assert_allclose(in_place(X), wrapped(X), atol=1e-6)

    @pytest.mark.parametrize("on_epoch", [False, True])
    def test_are_masked_where_they_are_swapped_in(self, on_epoch):
        looks = []
        for wrap in (False, True):
            model = pruned(wrap, use_ema=True, ema_momentum=0.8)
            swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=on_epoch)
            looks.append(Look())
            fit(model, 2)
            if not on_epoch:
                looks[-1].set_model(model)
                model.evaluate(X, Y, verbose=0, callbacks=[swap, looks[-1]])
            else:
                fit(
                    model,
                    2,
                    callbacks=[swap, looks[-1]],
                    validation_data=(X, Y),
                )
            looks[-1].after = model(X).numpy()
        in_place, wrapped = looks
        assert in_place.is_masked
        np.testing.assert_allclose(in_place.seen, wrapped.seen, atol=1e-6)
        np.testing.assert_allclose(in_place.after, wrapped.after, atol=1e-6)

    def test_are_saved(self, tmp_path):
        model = fit(pruned(use_ema=True, ema_momentum=0.8))
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        for one in (model, loaded):
            fit(one)
        np.testing.assert_array_equal(loaded(X), model(X))


@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have")
class TestWhatReplacesWeights:
    @pytest.mark.parametrize("wrap", [False, True])
    def test_is_refused_until_strip(self, wrap):
        model = fit(pruned(wrap))
        before = model(X).numpy()
        with pytest.raises(ValueError, match=r"Call tfprune\.strip first"):
            model.quantize("int8")
        with pytest.raises(ValueError, match=r"Call tfprune\.strip first"):
            model.layers[1].quantize("int8")
        with pytest.raises(ValueError, match="'a' must have no masks"):
            model.layers[0].enable_lora(2)
        np.testing.assert_array_equal(model(X), before)
        fit(model)
        assert wrap or is_masked(model)
        bare = tfprune.strip(model)
        bare.layers[1].enable_lora(2)
        bare.layers[0].quantize("int8")
        assert bare.layers[0].quantization_mode == "int8"

    def test_may_replace_those_of_layers_that_are_not_pruned(self):
        method = methods.Magnitude(0.5, frequency=1, settings={"b": None})
        model = fit(pruned(method=method))
        model.quantize("int8", filters="b")
        assert model.layers[1].quantization_mode == "int8"
        assert is_masked(fit(model))

    def test_is_allowed_after_a_budget_was_tried(self):
        model = net()
        tfprune.plan_budget(model, HALF, "parameters<=50%")
        model.layers[0].enable_lora(2)
        model.quantize("int8")

    def test_is_refused_of_layers_of_layers(self):
        inputs = keras.Input((8, 4))
        layer = layers.MultiHeadAttention(2, 3, name="mha")
        model = keras.Model(inputs, layer(inputs, inputs))
        tfprune.prune(model, HALF)
        with pytest.raises(ValueError, match="'query' must have no masks"):
            model.quantize("int8", filters="query")


@pytest.mark.parametrize(
    "compiled, optimizer",
    [
        ({"steps_per_execution": 4}, {}),
        ({}, {"gradient_accumulation_steps": 2, "momentum": 0.9}),
        pytest.param({"jit_compile": True}, {"use_ema": True}, marks=slow),
    ],
)
def test_training_is_that_of_the_wrapped_way(compiled, optimizer):
    outputs = []
    for wrap in (False, True):
        model = pruned(wrap, **optimizer)
        model.compile(model.optimizer, "mse", **compiled)
        fit(model, 2)
        outputs.append(model(X))
    np.testing.assert_allclose(*outputs, atol=1e-6)


def test_the_summary_and_the_count_of_parameters_stay():
    model, before, after = net(), [], []
    model.summary(print_fn=before.append)
    count = model.count_params()
    tfprune.prune(model, HALF).summary(print_fn=after.append)
    assert after == before and model.count_params() == count


def test_stateful_layers_are_reset():
    def make():
        keras.utils.set_random_seed(0)
        inputs = keras.Input((4, 2), batch_size=8)
        rnn = layers.LSTM(5, stateful=True, name="rnn")
        return keras.Sequential([inputs, rnn, layers.Dense(1)])

    x, outputs = X.reshape(64, 4, 2), []
    for wrap in (False, True):
        model = pruned(wrap, model=make())
        model.fit(x, Y, 8, shuffle=False, verbose=0)
        runs = []
        for _ in range(2):
            model.get_layer("rnn").reset_state()
            runs.append(model(x[:8]).numpy())
        np.testing.assert_array_equal(*runs)
        outputs.append(runs[0])
    np.testing.assert_allclose(*outputs, atol=1e-6)
