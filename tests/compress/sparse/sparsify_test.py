import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.ops import problems
from tfprune import ops
from tfprune.compress.sparse import alternatives
from tfprune.graph import traversal
from tfprune.ops import library
from tfprune.profiling import timer

compiled = pytest.mark.skipif(library.load().ops is None, reason=ops.describe())


def net(sparsity=0.9):
    model = keras.Sequential(
        [
            keras.Input((10, 10, 4)),
            layers.Conv2D(8, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.Flatten(),
            layers.Dense(30, name="hidden"),
            layers.Dense(5, name="out"),
        ]
    )
    for name in ("conv", "hidden"):
        kernel = model.get_layer(name).kernel
        flat = problems.sparse(1, np.prod(kernel.shape), sparsity)
        kernel.assign(flat.reshape(kernel.shape))
    return model


def predict(model):
    x = np.random.default_rng(0).normal(size=(3, 10, 10, 4)).astype("float32")
    return model.predict(x, verbose=0)


def kinds(model):
    return {x.name: type(x).__name__ for x in traversal.leaves(model)}


@pytest.fixture
def times(monkeypatch):
    """Times that a test sets, in the place of measured ones."""
    own = {"layers": {}, "models": {}}

    def of_layers(candidates, shape, rounds):
        found = own["layers"][candidates["dense"].name]
        return {name: found.get(name, np.inf) for name in candidates}

    def of_models(candidates, batch_size, rounds, shapes):
        return {name: own["models"][name] for name in candidates}

    monkeypatch.setattr(timer, "layers", of_layers)
    monkeypatch.setattr(timer, "models", of_models)
    own["layers"] = {
        "conv": {"dense": 2.0, "sparse": 1.0, "winograd": 1.5},
        "hidden": {"dense": 1.0, "sparse": 0.95},
    }
    own["models"] = {"given": 5.0, "folded": 4.0, "sparse": 3.0}
    return own


@compiled
def test_mixed_precision_and_operators():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        x = keras.Input((10, 10, 4))
        y = keras.ops.relu(layers.Conv2D(4, 3, padding="same")(x) + x)
        model = keras.Model(x, layers.Conv2D(8, 3)(y))
    finally:
        keras.config.set_dtype_policy("float32")
    for layer in traversal.leaves(model):
        if hasattr(layer, "kernel"):
            layer.kernel.assign(layer.kernel * (layer.kernel > 0.05))
    found = tfprune.sparsify(model, rounds=1)
    assert [x.dense_ms > 0 for x in found.decisions] == [True, True]
    np.testing.assert_allclose(
        predict(found.model), predict(model), rtol=0.02, atol=0.02
    )


@compiled
def test_what_pays_becomes_sparse(times):
    model = net()
    found = tfprune.sparsify(model)
    assert kinds(found.model)["conv"] == "SparseConv2D"
    assert kinds(found.model)["hidden"] == kinds(found.model)["out"] == "Dense"
    chosen = {x.layer: (x.chosen, x.why) for x in found.decisions}
    assert chosen["conv"] == ("sparse", "sparse is 2.00x as fast")
    assert chosen["hidden"] == ("dense", "sparse is 1.05x as fast")
    assert chosen["out"] == ("dense", "has no zeros")
    np.testing.assert_allclose(
        predict(found.model), predict(model), rtol=1e-3, atol=1e-3
    )


@compiled
def test_sparse_in_the_winograd_domain_is_a_candidate(times):
    times["layers"]["conv"]["winograd"] = 0.5
    model = net()
    found = tfprune.sparsify(model)
    assert kinds(found.model)["conv"] == "SparseWinogradConv2D"
    decision = found.decisions[0]
    assert (decision.chosen, decision.winograd_ms) == ("winograd", 0.5)
    assert decision.why == "winograd is 4.00x as fast"
    np.testing.assert_allclose(
        predict(found.model), predict(model), rtol=1e-3, atol=1e-3
    )


@compiled
def test_layers_in_the_winograd_domain(times):
    """They are folded into, and run sparse if that pays."""
    model = tfprune.to_winograd(net())
    kernel = model.get_layer("conv").kernel
    keep = np.random.default_rng(0).random(kernel.shape) < 0.1
    kernel.assign(kernel * keep)
    found = tfprune.sparsify(model)
    assert kinds(found.model)["conv"] == "SparseWinogradConv2D"
    assert kinds(found.model)["norm"] == "Identity"
    decision = found.decisions[0]
    assert decision.sparse_ms is None and decision.break_even is None
    assert decision.flops == 2 * 36 * 4 * 8 * 4
    y = predict(model)
    bound = 1e-4 * np.abs(y).max()
    np.testing.assert_allclose(predict(found.model), y, rtol=0, atol=bound)


@compiled
def test_only_some_convolutions_have_a_winograd_form():
    x = keras.Input((6, 6, 4))
    y = layers.Conv2D(8, 3, strides=2, name="conv")(x)
    model = keras.Model(x, y)
    kernel = model.get_layer("conv").kernel
    kernel.assign(kernel * (np.abs(kernel) > 0.1))
    (decision,) = tfprune.sparsify(model, rounds=1).decisions
    assert decision.sparse_ms > 0 and decision.winograd_ms is None


@compiled
def test_filters_that_are_zero_have_no_coefficients():
    conv = layers.Conv2D(6, 3)
    conv.build((None, 8, 8, 4))
    own = tfprune.layers.WinogradConv2D.from_conv2d(conv)
    u = own.kernel.numpy()
    u[np.abs(u) < 0.02] = 0
    u[:, :, 1, 2] = 0
    own.kernel.assign(u)
    spatial = own.to_conv2d().layer
    form = alternatives.forms(spatial, "float32", 0.1)["winograd"]
    assert form.nonzeros <= 36 * (4 * 6 - 1)
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 4)).astype("float32")
    np.testing.assert_allclose(form(x), spatial(x), atol=1e-4)


@compiled
def test_a_smaller_gain_is_enough_if_asked_for(times):
    found = tfprune.sparsify(net(), gain=0.04)
    assert kinds(found.model)["hidden"] == "SparseDense"


@compiled
@pytest.mark.parametrize("best", ["given", "folded"])
def test_the_whole_model_is_never_slower(times, best):
    times["models"][best] = 1.0
    model = net()
    found = tfprune.sparsify(model)
    assert "SparseConv2D" not in kinds(found.model).values()
    assert (found.model is model) == (best == "given")
    assert [x.chosen for x in found.decisions] == ["dense"] * 3
    assert "but the whole model is not" in found.decisions[0].why


@compiled
def test_break_even(times):
    found = tfprune.sparsify(net())
    conv = found.decisions[0]
    assert conv.break_even == pytest.approx(1 - (1 - conv.sparsity) * 2)
    assert found.decisions[2].break_even is None


@compiled
def test_the_table_is_printed(times):
    lines = str(tfprune.sparsify(net())).splitlines()
    assert lines[0].split()[:2] == ["layer", "sparsity"]
    assert "SparseConv2D" not in lines[1] and "sparse" in lines[1]
    assert lines[-1].endswith(
        "given 5.000 ms, folded 4.000 ms, sparse 3.000 ms"
    )


@compiled
def test_it_measures_by_itself():
    model = net()
    found = tfprune.sparsify(model, batch_size=2, rounds=2)
    np.testing.assert_allclose(
        predict(found.model), predict(model), rtol=1e-3, atol=1e-3
    )
    assert found.decisions[0].dense_ms > 0 and found.decisions[0].sparse_ms > 0


@compiled
def test_depthwise_convolutions_need_no_zeros(times):
    model = keras.Sequential(
        [
            keras.Input((10, 10, 16)),
            layers.DepthwiseConv2D(3, name="depthwise"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(6.0, name="relu"),
            layers.Conv2D(8, 1, name="dense"),
        ]
    )
    times["layers"] = {"depthwise": {"dense": 2.0, "sparse": 1.0}}
    found = tfprune.sparsify(model)
    own, decisions = found.model, found.decisions
    assert kinds(own)["depthwise"] == "SparseConv2D"
    assert [x.chosen for x in decisions] == ["sparse", "dense"]
    assert decisions[1].why == "has no zeros"
    x = np.random.default_rng(0).normal(size=(3, 10, 10, 16)).astype("float32")
    np.testing.assert_allclose(own(x), model(x), rtol=1e-5, atol=1e-5)


@compiled
def test_sizes_that_only_a_call_settles():
    inputs = keras.Input((None, None, 4))
    model = keras.Model(inputs, layers.Conv2D(8, 3)(inputs))
    model.layers[1].kernel.assign(model.layers[1].kernel * 0)
    sized = keras.Sequential([keras.Input((5, 5, 4)), model])
    (decision,) = tfprune.sparsify(sized, rounds=1).decisions
    assert decision.flops == 2 * 9 * 9 * 4 * 8


def test_without_the_compiled_ops_nothing_is_sparse(monkeypatch):
    none = library.Library(None, "")
    monkeypatch.setattr(library, "load", lambda: none)
    found = tfprune.sparsify(net(), rounds=1)
    assert "the compiled ops are not there" in found.decisions[1].why
    assert all(x.sparse_ms is None for x in found.decisions)


def columns_net():
    """Half of the columns of one convolution are zero, some of another's."""
    model = net(sparsity=0.0)
    kernel = model.get_layer("conv").kernel
    kernel.assign(np.where(np.arange(36).reshape(3, 3, 4, 1) % 2, kernel, 0))
    return model


@pytest.mark.parametrize("ops_there", [True, False])
def test_columns_where_they_are_fastest(times, monkeypatch, ops_there):
    if not ops_there:
        none = library.Library(None, "")
        monkeypatch.setattr(library, "load", lambda: none)
    elif library.load().ops is None:
        pytest.skip(ops.describe())
    times["layers"]["conv"] = {"dense": 2.0, "sparse": 1.0, "columns": 0.5}
    model = columns_net()
    found = tfprune.sparsify(model)
    assert kinds(found.model)["conv"] == "FilterShapeConv2D"
    conv = found.decisions[0]
    assert (conv.chosen, conv.columns_ms) == ("columns", 0.5)
    assert conv.why == "columns is 4.00x as fast"
    assert (conv.sparse_ms, conv.break_even is None) == (
        (1.0, False) if ops_there else (None, True)
    )
    assert " 0.500 " in str(found).splitlines()[1]
    np.testing.assert_allclose(
        predict(found.model), predict(model), rtol=1e-3, atol=1e-3
    )


def test_columns_are_measured_by_itself():
    model = columns_net()
    found = tfprune.sparsify(model, rounds=2)
    assert found.decisions[0].columns_ms > 0
    np.testing.assert_allclose(
        predict(found.model), predict(model), rtol=1e-3, atol=1e-3
    )


def test_columns_that_save_too_little_are_not_tried():
    model = net(sparsity=0.0)
    kernel = model.get_layer("conv").kernel
    kernel.assign(np.where(np.arange(36).reshape(3, 3, 4, 1) < 34, kernel, 0))
    assert tfprune.sparsify(model, rounds=1).decisions[0].columns_ms is None


def test_a_model_that_is_not_stripped_is_refused():
    model = tfprune.prune(net(), "magnitude", "hidden", wrap=True)
    with pytest.raises(ValueError, match="Call tfprune.strip first"):
        tfprune.sparsify(model)


def test_a_model_that_is_pruned_in_place_is_taken_with_its_zeros():
    model = net(sparsity=0.0)
    tfprune.prune(model, tfprune.methods.Surgery(), "hidden")
    kernel = model.get_layer("hidden").kernel
    mask = np.random.default_rng(0).random(kernel.shape) < 0.1
    tfprune.set_mask(model, "hidden", mask)
    found = tfprune.sparsify(model, rounds=1)
    (decision,) = [x for x in found.decisions if x.layer == "hidden"]
    assert decision.sparsity == pytest.approx(1 - mask.mean())
    assert "hidden" in tfprune.settings(model)


@pytest.mark.parametrize(
    "argument", [{"batch_size": 0}, {"rounds": 0}, {"gain": 1.0}]
)
def test_bad_arguments(argument):
    with pytest.raises(ValueError, match=f"`{next(iter(argument))}` must be"):
        tfprune.sparsify(net(), **argument)


def test_quantized_layers_stay_as_they_are(times):
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4, name="fc")])
    model.layers[0].kernel.assign(np.eye(8, 4))
    model.layers[0].quantize("int8")
    found = tfprune.sparsify(model)
    (decision,) = found.decisions
    assert (decision.chosen, decision.why) == ("dense", "is quantized: int8")
    x = np.ones((2, 8), "float32")
    np.testing.assert_allclose(found.model(x), model(x), rtol=1e-6)


@pytest.mark.parametrize("nest", [list, dict])
def test_models_of_several_inputs(nest):
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b")
    y = layers.Dense(4)(layers.Concatenate()([a, b]))
    inputs = {"a": a, "b": b} if nest is dict else [a, b]
    found = tfprune.sparsify(keras.Model(inputs, y), rounds=1)
    assert found.milliseconds["given"] > 0
    x = np.ones((2, 8))
    x = {"a": x, "b": x} if nest is dict else [x, x]
    assert found.model(x).shape == (2, 4)


def test_models_of_open_sizes():
    x = keras.Input((None, None, 3))
    y = layers.Conv2D(4, 3)(layers.Conv2D(8, 3, activation="relu")(x))
    found = tfprune.sparsify(keras.Model(x, y), rounds=1)
    assert found.milliseconds["given"] > 0
