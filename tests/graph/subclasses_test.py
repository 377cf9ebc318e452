"""Verbs on subclasses of Functional that only their authors can build."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import methods
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters import remove
from tfprune.compress.filters import zero
from tfprune.compress.sparse import sparsify
from tfprune.graph import model_graph
from tfprune.graph import rebuilding

RANKING = methods.FilterRanking(criterion=tfprune.criteria.GroupNorm())


def body(x, width, name):
    y = layers.Conv2D(width, 3, padding="same", name=f"{name}_one")(x)
    y = layers.BatchNormalization(name=f"{name}_norm")(y)
    y = layers.ReLU(name=f"{name}_relu")(y)
    return layers.Conv2D(width, 3, padding="same", name=f"{name}_two")(y)


class OwnConfig(keras.Model):
    """As every backbone of KerasHub."""

    def __init__(self, width=8, **kwargs):
        x = keras.Input((8, 8, 4))
        super().__init__(x, body(x, width, "own"), **kwargs)
        self.width = width

    def get_config(self):
        return {"width": self.width, "name": self.name}


class TakesALayer(keras.Model):
    """Its constructor takes what Keras cannot save by itself."""

    def __init__(self, layer, **kwargs):
        x = keras.Input((8, 8, 4))
        super().__init__(x, layer(body(x, 8, "takes")), **kwargs)


class TakesDicts(keras.Model):
    def __init__(self, width, **kwargs):
        x = {"a": keras.Input((8, 8, 4), name="a")}
        y = body(x["a"], width, "dict")
        super().__init__(x, {"head": layers.Flatten()(y), "map": y}, **kwargs)


class Plain(keras.Model):
    """Leaves to Keras how it is built and saved."""

    def loud(self):
        return True


def nested(inner):
    x = keras.Input((8, 8, 4))
    y = layers.Conv2D(6, 3, name="behind")(inner(x))
    return keras.Model(x, layers.Dense(3, name="out")(layers.Flatten()(y)))


MODELS = {
    "own config": lambda: OwnConfig(8, name="net"),
    "takes a layer": lambda: TakesALayer(layers.Conv2D(6, 1, name="given")),
    "takes dicts": lambda: TakesDicts(8),
    "nested, own config": lambda: nested(OwnConfig(8)),
    "nested, takes a layer": lambda: nested(
        TakesALayer(layers.Conv2D(6, 1, name="given"))
    ),
    "nested twice": lambda: nested(
        keras.Sequential([keras.Input((8, 8, 4)), OwnConfig(8)])
    ),
}


@pytest.fixture(params=MODELS)
def model(request):
    keras.utils.set_random_seed(0)
    return MODELS[request.param]()


def predictions(model):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 8, 8, 4)).astype("float32")
    x = {"a": x} if isinstance(model.input, dict) else x
    return keras.tree.flatten(model(x))


def close(got, want):
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def compare(one, other):
    close(predictions(one), predictions(other))


def test_filters_are_removed(model):
    assert channel_graph.channel_graph(model).free.any()
    zeroed = zero.zero_filters(model, 0.5)
    assert removal_plan.plan_removal(zeroed).removed.any()
    found = remove.remove_filters(zeroed)
    compare(found.model, zeroed)
    assert found.model.count_params() < zeroed.count_params()
    # The subclass itself, whose clone is no longer one, works as well.
    model.set_weights(zeroed.get_weights())
    own = remove.remove_filters(model)
    compare(own.model, model)
    assert own.model.count_params() == found.model.count_params()


def test_the_result_says_its_class():
    model = OwnConfig(8, name="net")
    found = remove.remove_filters(model)
    assert type(found.model) is type(nested(OwnConfig(4)))
    note = "OwnConfig (a subclass of Functional) comes back as a Functional"
    assert found.class_change == note and note in str(found)
    assert not remove.remove_filters(nested(model)).class_change


def test_nested_structures_of_inputs_and_outputs_stay():
    small = remove.remove_filters(TakesDicts(8)).model
    assert list(small.input) == ["a"]
    assert sorted(small.output) == ["head", "map"]


def test_layers_become_sparse(model, monkeypatch):
    monkeypatch.setattr(
        sparsify.timer, "layers", lambda x, *_: dict.fromkeys(x, 1.0)
    )
    monkeypatch.setattr(
        sparsify.timer,
        "models",
        lambda x, *_: {name: 2.0 - (name == "folded") for name in x},
    )
    found = sparsify.sparsify(model)
    compare(found.model, model)
    assert found.decisions and found.milliseconds["folded"] == 1.0


def test_layers_are_factorized(model):
    found = tfprune.factorize(model, energy=1.0, split_where="always")
    compare(found.model, model)
    assert found.table.ranks


@pytest.mark.parametrize("wrap", [False, True])
def test_filters_are_ranked(model, wrap):
    dense = predictions(model)
    with pytest.warns(UserWarning):
        pruned = tfprune.prune(model, RANKING, wrap=wrap)
    close(predictions(pruned), dense)
    kept = predictions(tfprune.decide(pruned))
    close(predictions(tfprune.strip(pruned)), kept)


def test_classes_that_leave_it_to_keras_are_kept():
    x = keras.Input((8, 8, 4))
    inner = Plain(x, body(x, 8, "plain"), name="inner")
    model = nested(inner)
    rebuilt = rebuilding.rebuild(
        model_graph.ModelGraph(model), rebuilding.Changes()
    )
    assert type(rebuilt.get_layer("inner")) is Plain
    found = remove.remove_filters(inner)
    assert type(found.model) is Plain and not found.class_change
    assert found.model.loud()


def resnet(keras_hub):
    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
        image_shape=(16, 16, 3),
    )


def mobilenet(keras_hub):
    return keras_hub.models.MobileNetBackbone(
        stackwise_expansion=[[8], [8, 12]],
        stackwise_num_blocks=[1, 2],
        stackwise_num_filters=[[8], [12, 12]],
        stackwise_kernel_size=[[3], [3, 3]],
        stackwise_num_strides=[[2], [2, 1]],
        stackwise_se_ratio=[[0.25], [None, 0.25]],
        stackwise_activation=[["relu"], ["hard_swish", "hard_swish"]],
        stackwise_padding=[[1], [1, 1]],
        output_num_filters=16,
        depthwise_filters=8,
        depthwise_stride=2,
        depthwise_residual=False,
        squeeze_and_excite=0.5,
        last_layer_filter=24,
        input_num_filters=8,
        input_activation="hard_swish",
        output_activation="hard_swish",
        image_shape=(32, 32, 3),
    )


def images(model):
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, *model.input_shape[1:])).astype("float32")


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("make", [resnet, mobilenet])
def test_filters_of_backbones_are_ranked(make, wrap):
    model = make(pytest.importorskip("keras_hub"))
    x = images(model)
    dense = model(x)
    with pytest.warns(UserWarning):
        pruned = tfprune.prune(model, RANKING, wrap=wrap)
    np.testing.assert_array_equal(pruned(x), dense)
    kept = tfprune.decide(pruned)(x)
    np.testing.assert_array_equal(tfprune.strip(pruned)(x), kept)


@pytest.mark.parametrize("make", [resnet, mobilenet])
def test_backbones_of_keras_hub(make):
    model = make(pytest.importorskip("keras_hub"))
    x = images(model)
    zeroed = zero.zero_filters(model, 0.5)
    found = remove.remove_filters(zeroed)
    np.testing.assert_allclose(found.model(x), zeroed(x), rtol=1e-3, atol=1e-4)
    assert removal_plan.plan_removal(zeroed).removed.any()
    own = remove.remove_filters(model)
    assert own.class_change.startswith(type(model).__name__)
    np.testing.assert_allclose(own.model(x), model(x), rtol=1e-3, atol=1e-4)
    found = tfprune.factorize(model, energy=1.0, split_where="always").model
    np.testing.assert_allclose(found(x), model(x), rtol=1e-3, atol=1e-3)
    fast = sparsify.sparsify(model, rounds=1).model
    np.testing.assert_allclose(fast(x), model(x), rtol=1e-3, atol=1e-3)


def test_heads_of_a_transformer_of_keras_hub_are_removed():
    """Its blocks are called on tokens and a mask of them."""
    hub = pytest.importorskip("keras_hub")
    model = hub.models.BertBackbone(
        vocabulary_size=50,
        num_layers=2,
        num_heads=4,
        hidden_dim=16,
        intermediate_dim=32,
        dropout=0.0,
        max_sequence_length=8,
    )
    zeroed = zero.zero_filters(model, 0.5)
    found = remove.remove_filters(zeroed)
    random = np.random.default_rng(0)
    words = {x.name: random.integers(0, 2, (3, 8)) for x in model.inputs}
    for name, output in zeroed(words).items():
        np.testing.assert_allclose(
            found.model(words)[name], output, rtol=1e-3, atol=1e-5
        )
    shapes = [(x.path, tuple(x.shape)) for x in found.model.variables]
    heads = [s for path, s in shapes if path.endswith("query/kernel")]
    assert heads == [(16, 2, 2)] * 2, shapes
    wide = [s for path, s in shapes if "feedforward_intermediate" in path]
    assert {s[-1] for s in wide} == {16}, shapes
