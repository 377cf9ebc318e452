"""The verbs on a model: prune, freeze, strip, set_mask, settings."""

import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops

import tfprune
from tfprune import methods
from tfprune.core import pruner
from tfprune.graph import pruned

HALF = methods.Magnitude(0.5, frequency=1)


def net(*names, **kwargs):
    dense = [layers.Dense(4, name=name) for name in names or ("a", "b", "c")]
    return keras.Sequential([keras.Input((4,)), *dense], **kwargs)


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def train(model, steps=1):
    if not model.compiled:
        model.compile(
            tfprune.PruningOptimizer(keras.optimizers.SGD(0.1)),
            "mse",
            run_eagerly=True,
        )
    x = [noise(4 * steps, *x.shape[1:]) for x in model.inputs]
    y = [noise(4 * steps, *y.shape[1:]) for y in model.outputs]
    x, y = (z[0] if len(z) == 1 else z for z in (x, y))
    model.fit(x, y, 4, shuffle=False, verbose=0)
    return model


def names_of(model):
    return list(tfprune.settings(model))


def mask_of(model, address):
    return pruned.units(model)[address].targets[0].mask.numpy()


class TestAClone:
    def test_original_is_untouched(self):
        plain = net(name="net")
        before = plain.get_weights()
        model = train(tfprune.prune(plain, HALF, wrap=True))
        assert model is not plain and model.name == "net"
        for old, new in zip(before, plain.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
        assert all(type(x) is layers.Dense for x in plain.layers)

    def test_has_its_names_weights_and_predictions(self):
        plain = net()
        model = tfprune.prune(plain, HALF, wrap=True)
        assert [x.name for x in model.layers] == ["a", "b", "c"]
        inner = model.get_layer("b").layer
        np.testing.assert_array_equal(inner.kernel, plain.layers[1].kernel)
        x = noise(3, 4)
        np.testing.assert_array_equal(model(x), plain(x))

    def test_is_not_compiled(self):
        """Keras would copy an optimizer that never prunes."""
        plain = net()
        plain.compile("sgd", loss=lambda y, out: ops.mean(ops.abs(y - out)))
        assert not tfprune.prune(plain, HALF, wrap=True).compiled
        assert plain.compiled and plain.optimizer is not None

    def test_copies_adapted_statistics_and_vocabularies(self):
        norm, words = layers.Normalization(), layers.StringLookup()
        norm.adapt(5 + 3 * noise(20, 4))
        words.adapt(["a", "b"])
        x, word = keras.Input((4,)), keras.Input((1,), dtype="string")
        embedded = layers.Embedding(4, 4)(words(word))[:, 0]
        plain = keras.Model([x, word], layers.Dense(2)(norm(x) + embedded))
        batch = [tf.constant(noise(2, 4)), tf.constant([["b"], ["z"]])]
        model = tfprune.prune(plain, HALF, wrap=True)
        np.testing.assert_array_equal(model(batch), plain(batch))


class TestAnyGraph:
    def test_nested_models(self):
        inner = net("deep", name="inner")
        x = keras.Input((4,))
        plain = keras.Model(x, layers.Dense(2, name="top")(inner(x)))
        model = train(tfprune.prune(plain, HALF))
        assert names_of(model) == ["deep", "top"]
        assert mask_of(model, "deep").mean() == 0.5

    @pytest.mark.parametrize("nested", [False, True])
    def test_what_is_used_twice_has_one_mask(self, nested):
        x = keras.Input((4,))
        shared = net("twice") if nested else layers.Dense(4, name="twice")
        plain = keras.Model(x, shared(shared(x)))
        model = tfprune.prune(plain, HALF)
        assert names_of(model) == ["twice"]
        train(model)
        assert mask_of(model, "twice").mean() == 0.5
        kernel = tfprune.strip(model).weights[0].numpy()
        assert np.count_nonzero(kernel) == 8

    def test_operations_that_are_no_layers(self):
        x = keras.Input((4,))
        y = layers.Dense(4, name="a")(x)
        plain = keras.Model(x, y + ops.relu(y))
        model = tfprune.prune(plain, HALF, wrap=True)
        np.testing.assert_array_equal(model(noise(3, 4)), plain(noise(3, 4)))
        train(model)

    def test_several_inputs_and_named_losses(self):
        a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
        joined = layers.Concatenate()([a, b])
        outputs = [layers.Dense(2, name=n)(joined) for n in ("one", "two")]
        model = tfprune.prune(keras.Model([a, b], outputs), HALF)
        model.compile(
            tfprune.PruningOptimizer("sgd"),
            loss={"one": "mse", "two": "mae"},
            loss_weights={"one": 1.0, "two": 0.5},
            run_eagerly=True,
        )
        x = {"a": noise(4, 4), "b": noise(4, 3)}
        y = {"one": noise(4, 2), "two": noise(4, 2)}
        history = model.fit(x, y, verbose=0).history
        assert {"one_loss", "two_loss"} <= set(history)
        assert mask_of(model, "two").mean() == 0.5

    def test_layers_of_one_name_in_two_nested_models(self):
        x = keras.Input((4,))
        left, right = net("a", name="left"), net("a", name="right")
        model = tfprune.prune(keras.Model(x, left(x) + right(x)), HALF)
        assert names_of(model) == ["left/a", "right/a"]
        tfprune.set_mask(model, "right/a", np.zeros((4, 4), bool))
        assert mask_of(model, "left/a").all()
        assert not mask_of(model, "right/a").any()
        tfprune.freeze(model)
        assert all(unit.frozen for unit in pruned.units(model).values())

    def test_a_layer_that_creates_its_variables_in_call(self, tmp_path):
        plain = keras.Sequential([keras.Input((4,)), Lazy(name="lazy")])
        # Plain Keras can't load such a layer.
        model = train(tfprune.prune(plain, HALF, wrap=True))
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        before = model(noise(3, 4))
        np.testing.assert_array_equal(reloaded(noise(3, 4)), before)
        bare = tfprune.strip(model)
        np.testing.assert_array_equal(bare(noise(3, 4)), before)


@keras.saving.register_keras_serializable(package="api_test")
class Lazy(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(4)

    def call(self, x):
        return self.dense(x)


class TestChoice:
    @pytest.mark.parametrize(
        "filters, chosen",
        [
            (None, ["a", "b", "c"]),
            ("a", ["a"]),
            ("[ab]", ["a", "b"]),
            (["c", "a"], ["a", "c"]),
            (lambda layer: layer.name > "a", ["b", "c"]),
        ],
    )
    def test_filters(self, filters, chosen):
        assert names_of(tfprune.prune(net(), HALF, filters)) == chosen

    def test_settings_of_a_name_go_before_a_pattern(self):
        settings = {
            "b": {"target_sparsity": 0.75},
            ".*": {"target_sparsity": 0.25},
            "c": None,
        }
        method = methods.Magnitude(0.5, frequency=1, settings=settings)
        model = train(tfprune.prune(net(), method))
        assert names_of(model) == ["a", "b"]
        assert mask_of(model, "a").mean() == 0.75
        assert mask_of(model, "b").mean() == 0.25

    def test_a_method_has_a_name(self):
        assert names_of(tfprune.prune(net(), "surgery")) == ["a", "b", "c"]

    def test_what_a_default_choice_skips_is_listed_with_the_reason(self):
        skips = [keras.Input((6,)), layers.Dense(4, name="odd")]
        plain = keras.Sequential(
            [
                *skips,
                layers.BatchNormalization(name="norm"),
                layers.ReLU(),
                layers.Dense(4, name="fits"),
            ]
        )
        with pytest.warns() as caught:
            model = tfprune.prune(plain, methods.NM(2, 4))
        (warning,) = caught
        assert str(warning.message) == (
            "nm skips these layers:\n"
            "  odd: its kernel: what is summed over has 6 entries, which "
            "m=4 of 2:4 does not divide\n"
            "and 1 layer without kernels, such as BatchNormalization"
        )
        assert names_of(model) == ["fits"]

    def test_another_method_for_the_other_layers(self):
        first = tfprune.prune(net(), HALF, "a")
        with pytest.warns(match="a: it is pruned already, by magnitude"):
            model = tfprune.prune(first, methods.NM(1, 4, frequency=1))
        units = pruned.units(model)
        kinds = {name: unit.method.name for name, unit in units.items()}
        assert kinds == {"a": "magnitude", "b": "nm", "c": "nm"}
        train(model)
        assert mask_of(model, "a").mean() == 0.5
        assert mask_of(model, "b").mean() == 0.25


def subclassed(around=lambda layer, method: layer):
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = around(layers.Dense(4), HALF)

        def call(self, x):
            return self.dense(x)

    model = Mine()
    model(noise(1, 4))
    return model


class Keras2Model:
    """As tf_keras has it: no Keras 3 model."""


def settings(**own):
    return methods.Magnitude(0.5, settings=own)


MISTAKES = {
    "sparsity": (
        lambda: methods.Magnitude(1.2),
        "`target_sparsity` must be in [0, 1). Received: target_sparsity=1.2",
    ),
    "percent": (
        lambda: methods.Surgery(95),
        "`target_sparsity` must be in [0, 1). Received: target_sparsity=95",
    ),
    "method": (
        lambda: tfprune.prune(net(), "magnitud"),
        "Received: method='magnitud'. Did you mean 'magnitude'?",
    ),
    "method that is not made": (
        lambda: tfprune.prune(net(), methods.Magnitude),
        "`method` must be a Method or the name of one. Received: method=<class",
    ),
    "filter": (
        lambda: tfprune.prune(net("conv1"), HALF, "conf1"),
        "Received: filters='conf1'. Did you mean 'conv1'?",
    ),
    "filter pattern": (
        lambda: tfprune.prune(net(), HALF, ["a", "fc.*"]),
        "`filters` must be one of: a, b, c. Received: filters='fc.*'",
    ),
    "filter that is no pattern": (
        lambda: tfprune.prune(net(), HALF, "(a"),
        "`filters` must be layer names or regular expressions. Received: '(a'",
    ),
    "filter callable": (
        lambda: tfprune.prune(net(), HALF, lambda layer: False),
        "`filters` must choose at least one layer.",
    ),
    "settings pattern": (
        lambda: tfprune.prune(net("conv1"), settings(conf1=None)),
        "`settings` must be one of: conv1. Received: settings='conf1'.",
    ),
    "setting": (
        lambda: tfprune.prune(net(), settings(a={"sparsity": 0.5})),
        "Received: settings='sparsity'. Did you mean 'target_sparsity'?",
    ),
    "settings on a layer that can't be pruned": (
        lambda: tfprune.prune(
            keras.Sequential(
                [keras.Input((4,)), layers.ReLU(name="relu"), layers.Dense(4)]
            ),
            settings(relu={"target_sparsity": 0.5}),
        ),
        "does not fit layer 'relu', which was chosen: it has no kernel.",
    ),
    "n:m that does not divide": (
        lambda: tfprune.prune(net(), methods.NM(1, 3), "b"),
        "layer 'b', which was chosen: its kernel: what is summed over has "
        "4 entries, which m=3 of 1:3 does not divide",
    ),
    "nothing to prune": (
        lambda: tfprune.prune(
            keras.Sequential([keras.Input((4,)), layers.ReLU(name="relu")]),
            HALF,
        ),
        "nothing that `method=magnitude` can prune. Received: model=",
    ),
    "pruned already": (
        lambda: tfprune.prune(tfprune.prune(net(), HALF), "surgery"),
        "b: it is pruned already, by magnitude",
    ),
    "pruned already, and chosen": (
        lambda: tfprune.prune(tfprune.prune(net(), HALF), HALF, "a"),
        "layer 'a', which was chosen: it is pruned already, by magnitude",
    ),
    "subclassed model": (
        lambda: tfprune.prune(subclassed(), HALF, wrap=True),
        "Prune it in place, which is the default",
    ),
    "coupled filters of a subclassed model": (
        lambda: tfprune.prune(subclassed(), "filter_ranking"),
        "Give the method `structure=Filter()`",
    ),
    "strip a subclassed model": (
        lambda: tfprune.strip(tfprune.decide(subclassed(tfprune.Prunable))),
        "Call tfprune.freeze and copy the weights of each Prunable's `layer`",
    ),
    "unbuilt model": (
        lambda: tfprune.prune(keras.Sequential([layers.Dense(4)]), HALF),
        "`model` must be built before you prune it.",
    ),
    "tf_keras model": (
        lambda: tfprune.prune(Keras2Model(), HALF),
        "`model` must be a Keras 3 model.",
    ),
    "layer": (
        lambda: tfprune.prune(layers.Dense(4), HALF),
        "`model` must be a Keras 3 model.",
    ),
    "freeze what is not pruned": (
        lambda: tfprune.freeze(net()),
        "`model` must be pruned.",
    ),
    "mask of another shape": (
        lambda: set_mask("a", np.ones((4, 3), bool)),
        "`mask` must be bool of shape (4, 4). Received: mask of dtype bool, "
        "shape (4, 3)",
    ),
    "mask of numbers": (
        lambda: set_mask("a", np.ones((4, 4))),
        "Received: mask of dtype float64",
    ),
    "mask of a layer that is not there": (
        lambda: set_mask("d", np.ones((4, 4), bool)),
        "`layer` must be one of: a, b, c. Received: layer='d'",
    ),
    "mask of a weight that is not pruned": (
        lambda: set_mask("a", np.ones(4, bool), "bias"),
        "Received: weight='bias'",
    ),
}


def set_mask(*arguments):
    tfprune.set_mask(tfprune.prune(net(), HALF), *arguments)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_explained(mistake):
    make, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


class TestALiveModel:
    def test_settings_change_the_next_step_without_a_retrace(self, monkeypatch):
        traces = []
        due = pruner.Pruner.due
        monkeypatch.setattr(
            pruner.Pruner,
            "due",
            lambda *args: traces.append(1) or due(*args),
        )
        model = tfprune.prune(
            net("a", "b"), methods.Magnitude(0.25, frequency=1)
        )
        model.compile(tfprune.PruningOptimizer("sgd"), "mse")
        train(model)
        before = len(traces)
        assert mask_of(model, "a").mean() == 0.75
        tfprune.settings(model)["a"]["target_sparsity"] = 0.5
        assert tfprune.settings(model)["a"]["target_sparsity"] == 0.5
        train(model)
        assert mask_of(model, "a").mean() == 0.5
        assert mask_of(model, "b").mean() == 0.75
        assert len(traces) == before > 0

    def test_settings_that_are_not_there(self):
        live = tfprune.settings(tfprune.prune(net(), HALF))["a"]
        with pytest.raises(KeyError, match="it has: target_sparsity"):
            live["c"] = 1.0
        with pytest.raises(TypeError, match="can be changed, not deleted"):
            del live["target_sparsity"]

    def test_set_mask(self):
        model = tfprune.prune(net("a"), HALF)
        mask = np.eye(4, dtype=bool)
        before = model.layers[0].kernel.numpy()
        tfprune.set_mask(model, "a", mask)
        x, kernel = noise(3, 4), model.layers[0].kernel.numpy()
        np.testing.assert_array_equal(kernel, before * mask)
        np.testing.assert_allclose(model(x), x @ kernel, 1e-5)

    def test_set_mask_where_a_layer_has_several_kernels(self):
        plain = keras.Sequential(
            [keras.Input((5, 4)), layers.LSTM(2, name="lstm")]
        )
        model = tfprune.prune(plain, HALF)
        tfprune.set_mask(model, "lstm", np.zeros((4, 8), bool))
        tfprune.set_mask(
            model, "lstm", np.eye(2, 8, dtype=bool), "recurrent_kernel"
        )
        kernel, recurrent = tfprune.strip(model).get_weights()[:2]
        assert not kernel.any() and np.count_nonzero(recurrent) == 2
        x = keras.Input((5, 4))
        attention = layers.MultiHeadAttention(1, 2, name="mha")
        model = tfprune.prune(keras.Model(x, attention(x, x)), HALF)
        mask = np.zeros((4, 1, 2), bool)
        with pytest.raises(ValueError, match="mha/query/kernel"):
            tfprune.set_mask(model, "mha", mask)
        tfprune.set_mask(model, "mha", mask, "query/kernel")
        masks = [t.mask.numpy() for t in pruned.units(model)["mha"].targets]
        assert [mask.all() for mask in masks] == [False, True, True, True]

    def test_freeze_clears_and_is_idempotent(self):
        model = tfprune.prune(net("a"), "surgery")
        tfprune.set_mask(model, "a", np.eye(4, dtype=bool))
        assert tfprune.freeze(model) is model
        once = model.get_weights()
        tfprune.freeze(model)
        for old, new in zip(once, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
        assert np.count_nonzero(model.layers[0].kernel) == 4
        np.testing.assert_array_equal(
            mask_of(train(model, steps=3), "a"), np.eye(4)
        )


def test_nothing_warns_where_everything_fits():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tfprune.prune(net(), HALF)
