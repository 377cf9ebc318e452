"""remove_filters: smaller models that give what the masked ones give."""

import json
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.compress.filters import zoo
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import layout
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters import remove
from tfprune.compress.filters import zero

PLAIN_KERAS = """
import sys
sys.modules["tfprune"] = None
import keras, json
import numpy as np
model = keras.saving.load_model(sys.argv[1])
print(json.dumps(np.array(model(np.ones((1, 8, 8, 3)))).tolist()))
"""


def zero_at_random(model, seed):
    """Zeroes some free channels, at least one of each layer stays."""
    random = np.random.default_rng(seed)
    graph = channel_graph.channel_graph(model)
    removed = np.zeros(graph.count, bool)
    for group in graph.groups():
        count = random.integers(0, group.channels.size)
        removed[random.permutation(group.channels)[:count]] = True
    zero.zero(graph, removed)
    return removed.sum()


def sample(tensor):
    random = np.random.default_rng(1)
    shape = [3, *(size or 10 for size in tensor.shape[1:])]
    if "int" in tensor.dtype:
        return random.integers(0, 2, shape)
    return random.normal(size=shape).astype("float32")


def compare(model, small, tolerance=1e-5):
    x = list(map(sample, model.inputs))
    x = x if len(x) > 1 else x[0]
    for one, other in zip(
        keras.tree.flatten(model(x)), keras.tree.flatten(small(x)), strict=True
    ):
        scale = np.abs(one).max()
        np.testing.assert_allclose(other, one, 0, tolerance * scale)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", zoo.ZOO)
def test_random_filters_go_from_every_model_of_the_zoo(name, seed):
    model = zoo.randomize(zoo.ZOO[name][0]())
    removed = zero_at_random(model, seed)
    plan = removal_plan.plan_removal(model)
    assert plan.removed.sum() == removed, str(plan)
    small = remove.remove_filters(model).model
    compare(model, small)
    assert [x.name for x in small.layers] == [x.name for x in model.layers]
    total = plan.total
    assert small.count_params() == total.after.parameters
    assert model.count_params() == total.before.parameters
    assert tfprune.report(small).total.macs == total.after.macs


def net():
    make, _ = zoo.ZOO["chain"]
    return zoo.randomize(make())


def test_the_model_itself_is_untouched():
    model = zero.zero_filters(net())
    before = [np.array(x) for x in model.variables]
    model.compile("sgd", "mse")
    small = remove.remove_filters(model).model
    assert model.compiled and not small.compiled
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_model_without_zeros_is_copied():
    model = net()
    small = remove.remove_filters(model).model
    assert small is not model
    for old, new in zip(model.variables, small.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_layer_that_would_be_empty_keeps_one_filter():
    model = net()
    model.layers[0].kernel.assign(model.layers[0].kernel * 0)
    norm = model.layers[1]
    norm.beta.assign(norm.beta * 0)
    norm.moving_mean.assign(norm.moving_mean * 0)
    plan = removal_plan.plan_removal(model)
    assert "all of its filters could go" in str(plan)
    small = remove.remove_filters(model).model
    assert small.layers[0].filters == 1
    compare(model, small)


@pytest.mark.parametrize("divisor, filters", [(1, 3), (2, 4), (4, 4), (8, 6)])
def test_a_divisor_keeps_more(divisor, filters):
    model = zero.zero_filters(net(), 0.5)
    small = remove.remove_filters(model, divisor).model
    assert small.layers[0].filters == filters
    compare(model, small)


def test_a_pruned_model_goes_all_the_way(tmp_path):
    """Zeros of a mask, kernels alone: tanh is folded, a ReLU's zero goes."""
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(2)]
    )
    method, mask = tfprune.methods.Magnitude(0.5), np.ones((4, 6), bool)
    mask[:, :2] = False
    zoo.randomize(model)
    name = model.layers[0].name
    wrapped = tfprune.prune(model, method, name, wrap=True)
    tfprune.prune(model, method, name)
    for each in (model, wrapped):
        tfprune.set_mask(each, name, mask)
    with pytest.raises(ValueError, match="Call tfprune.strip first"):
        tfprune.remove_filters(wrapped)
    for each in (model, tfprune.strip(wrapped), tfprune.strip(model)):
        small = tfprune.remove_filters(each).model
        assert small.layers[0].units == 4
        compare(wrapped, small)


def test_loads_with_plain_keras_in_a_fresh_process(tmp_path):
    make, _ = zoo.ZOO["nested"]
    model = zero.zero_filters(zoo.randomize(make()))
    small = remove.remove_filters(model).model
    small.save(tmp_path / "small.keras")
    printed = subprocess.run(
        [sys.executable, "-c", PLAIN_KERAS, str(tmp_path / "small.keras")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    np.testing.assert_allclose(
        json.loads(printed.splitlines()[-1]),
        model(np.ones((1, 8, 8, 3))),
        1e-5,
    )


def test_a_difference_is_an_error(monkeypatch):
    """A rule that is wrong must never pass."""
    monkeypatch.setattr(layout, "has_border", lambda layer: False)
    make, _ = zoo.ZOO["two outputs"]
    model = zoo.randomize(make())
    before = model.get_weights()
    conv = model.layers[1]
    conv.kernel.assign(conv.kernel * ([0.0] * 2 + [1.0] * 4))
    with pytest.raises(RuntimeError, match="must give what it gives"):
        remove.remove_filters(model)
    np.testing.assert_array_equal(model.get_weights()[1], before[1])


def test_a_subclassed_model_is_refused():
    class Mine(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="remove filters of the Functional"):
        remove.remove_filters(Mine())


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_a_low_precision_is_not_a_difference(policy):
    """A shift that is folded is rounded otherwise, and no worse."""

    def net(policy):
        keras.config.set_dtype_policy(policy)
        x = y = keras.Input((12, 12, 3))
        for _ in range(3):
            y = layers.Conv2D(16, 1, use_bias=False)(y)
            y = layers.Activation("swish")(layers.BatchNormalization()(y))
        y = layers.GlobalAveragePooling2D()(y)
        return zoo.randomize(keras.Model(x, layers.Dense(10)(y)))

    model, exact = net(policy), net("float32")
    for each in (model, exact):
        for layer in each.layers:
            if isinstance(layer, layers.Conv2D):
                kernel = np.array(layer.kernel)
                kernel[..., ::2] = 0
                layer.kernel.assign(kernel)
    small = remove.remove_filters(model).model
    expected = remove.remove_filters(exact).model
    assert small.count_params() == expected.count_params()
    assert small.layers[1].compute_dtype == "bfloat16"


def test_tokens_that_are_masked():
    words = keras.Input((6,), dtype="int32")
    y = layers.Embedding(10, 8, mask_zero=True)(words)
    y = layers.BatchNormalization()(layers.Dropout(0.5)(y))
    y = layers.Dense(8, "relu")(layers.GlobalAveragePooling1D()(y))
    model = zoo.randomize(keras.Model(words, layers.Dense(2)(y)))
    removed = zero_at_random(model, 0)
    found = remove.remove_filters(model)
    assert found.plan.removed.sum() == removed > 0, str(found)
    x = np.array([[1, 2, 3, 0, 0, 0], [4, 9, 0, 0, 0, 0]])
    np.testing.assert_allclose(found.model(x), model(x), 1e-4, 1e-5)


TRAINED = ("pre-norm", "tied", "gated", "heads by einsum", "wide heads")


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("name", [*TRAINED, "layer norm", "rms norm"])
def test_what_a_method_masks_goes(name, wrap):
    """Half of each group, and nothing that was not masked."""
    model = zoo.randomize(zoo.ZOO[name][0]())
    method = tfprune.methods.Magnitude(
        0.5, structure=tfprune.structures.CoupledFilter()
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*skips these layers")
        pruned = tfprune.prune(model, method, wrap=wrap)
    masked = tfprune.strip(tfprune.decide(pruned))
    small = remove.remove_filters(masked).model
    compare(masked, small, 1e-4)
    assert small.count_params() <= 0.75 * masked.count_params()
