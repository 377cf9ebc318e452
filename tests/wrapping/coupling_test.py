"""Filters of several layers that are scored and masked as one."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.compress.filters import zoo
from tfprune import methods
from tfprune.core import allocation
from tfprune.core import criteria
from tfprune.core import structures
from tfprune.core import units

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")

CLASSES, SIDE, FILTERS = 3, 6, 8
HALF = {"stages": 1, "batches": 1}


def norm(x, name, **arguments):
    x = layers.BatchNormalization(name=name, momentum=0.5, **arguments)(x)
    return x


def residual(**arguments):
    """Two residual blocks with normalizations, and a depthwise layer."""
    keras.utils.set_random_seed(0)
    x = keras.Input((SIDE, SIDE, 3))
    y = norm(zoo.conv(FILTERS, name="stem")(x), "norm", **arguments)
    for block in "ab":
        inner = zoo.conv(FILTERS, name=f"{block}1", use_bias=False)(y)
        inner = layers.ReLU()(norm(inner, f"{block}1_norm", **arguments))
        inner = layers.DepthwiseConv2D(3, padding="same", name=f"{block}_d")(
            inner
        )
        inner = zoo.conv(FILTERS, name=f"{block}2")(inner)
        inner = norm(inner, f"{block}2_norm", **arguments)
        y = layers.ReLU()(layers.Add()([y, inner]))
    y = layers.GlobalAveragePooling2D()(y)
    return keras.Model(x, layers.Dense(CLASSES, name="out")(y))


def train(model, steps=2):
    if not model.compiled:
        sgd = keras.optimizers.SGD(0.01, clipnorm=1.0)
        model.compile(tfprune.PruningOptimizer(sgd), "mse", run_eagerly=True)
    random = np.random.default_rng(0)
    x, y = (
        keras.tree.map_structure(
            lambda tensor: random.normal(size=(4 * steps, *tensor.shape[1:])),
            tensors,
        )
        for tensors in (model.input, model.output)
    )
    model.fit(x, y, 4, shuffle=False, verbose=0)
    return model


def pruned(method, net=residual, **arguments):
    return train(tfprune.prune(net(**arguments), method))


def kept(model):
    """Returns layer and array to one bool for each filter or channel."""
    found = {}
    for unit in units.tagged(model.variables):
        for target in unit.targets:
            mask = np.moveaxis(target.mask.numpy(), target.coupled_axis.axis, 0)
            rows = mask.reshape(len(mask), -1)
            assert (rows == rows[:, :1]).all()
            found[unit.name, target.variable.name] = rows[:, 0]
    return found


def share_removed(model):
    """Returns which share of masked filters of convolutions is removable."""
    x = np.random.default_rng(5).normal(size=(4, SIDE, SIDE, 3))
    before = model(x)
    bare = tfprune.strip(model)
    small = tfprune.remove_filters(bare).model
    masked = removed = 0
    for layer in bare.layers:
        if type(layer) is layers.Conv2D:
            zero = ~np.any(layer.kernel.numpy(), axis=(0, 1, 2))
            masked += zero.sum()
            removed += layer.filters - small.get_layer(layer.name).filters
    np.testing.assert_allclose(small(x), before, 1e-4, 1e-5)
    assert masked >= 10  # Of 40; a channel of the trunk counts once.
    return removed / masked


@pytest.mark.parametrize("arguments", [{}, {"scale": False}, {"center": False}])
@pytest.mark.parametrize(
    "method",
    [
        methods.FilterRanking(0.5, **HALF),
        methods.Magnitude(
            0.5, frequency=1, structure=structures.CoupledFilter()
        ),
    ],
    ids=["ranking", "magnitude"],
)
def test_all_that_is_masked_together_is_removed(method, arguments):
    assert share_removed(pruned(method, **arguments)) == 1


def test_of_what_is_masked_layer_by_layer_little_is_removed():
    independent = structures.Filter()
    method = methods.FilterRanking(0.5, structure=independent, **HALF)
    assert share_removed(pruned(method)) < 0.2


def test_what_is_added_has_one_mask_and_what_follows_has_it_too():
    found = kept(pruned(methods.FilterRanking(0.5, **HALF)))
    trunk = found["stem", "kernel"]
    for name in ("a2", "b2"):
        np.testing.assert_array_equal(found[name, "kernel"], trunk)
        np.testing.assert_array_equal(found[name, "bias"], trunk)
        for array in ("gamma", "beta"):
            np.testing.assert_array_equal(found[f"{name}_norm", array], trunk)
    for block in "ab":
        inner = found[f"{block}1", "kernel"]
        for array in ("kernel", "bias"):
            np.testing.assert_array_equal(found[f"{block}_d", array], inner)
    groups = [found[name, "kernel"] for name in ("stem", "a1", "b1")]
    assert sum(map(np.sum, groups)) == 1.5 * FILTERS


def test_the_kernel_alone_where_asked():
    method = methods.Magnitude(
        0.5, frequency=1, structure=structures.CoupledFilter(covers=["kernel"])
    )
    names = {name for _, name in kept(pruned(method))}
    assert names == {"kernel"}  # Those of depthwise layers, too.


def test_scores_are_those_of_all_that_is_coupled():
    """The trunk's, by the norms of three kernels, taken together."""
    net = residual()
    rows = [
        net.get_layer(name).kernel.numpy().reshape(-1, FILTERS)
        for name in ("stem", "a2", "b2")
    ]
    scores = np.sqrt(np.sum(np.square(np.concatenate(rows)), axis=0))
    method = methods.FilterRanking(
        0.5,
        criterion=criteria.GroupNorm(),
        allocation=allocation.Uniform(),
        stages=1,
    )
    model = tfprune.prune(net, method)
    model.compile(tfprune.PruningOptimizer(keras.optimizers.SGD(0.0)), "mse")
    mask = kept(train(model, 1))["stem", "kernel"]
    assert mask.sum() == FILTERS / 2
    assert scores[mask].min() > scores[~mask].max()


def test_gammas_alone():
    method = methods.FilterRanking(
        0.5,
        criterion=criteria.Gamma(),
        allocation=allocation.Uniform(),
        stages=1,
    )
    net = residual()
    order = np.random.default_rng(0).permutation(FILTERS)
    net.get_layer("a1_norm").gamma.assign(1.0 + order)
    model = train(tfprune.prune(net, method))
    np.testing.assert_array_equal(kept(model)["a1", "kernel"], order >= 4)


def test_layers_that_can_not_be_scored_are_listed():
    method = methods.FilterRanking(criterion=criteria.Gamma(), dense=True)
    with pytest.warns(UserWarning, match="out: none of its filters may go"):
        tfprune.prune(residual(), method)
    with pytest.warns(UserWarning, match="conv2d.*can't be scored"):
        x = zoo.image()
        y = norm(zoo.conv(name="first")(x), "norm")
        y = zoo.conv(2)(zoo.conv(name="conv2d_x")(y))
        tfprune.prune(keras.Model(x, y), method)


def test_what_stays_dense_holds_what_it_is_added_to():
    for name in ("a2", "b2_norm"):
        method = methods.FilterRanking(0.5, settings={name: None}, **HALF)
        found = kept(pruned(method))
        assert {x for x, _ in found} >= {"a1", "a1_norm", "a_d", "b1"}
        assert not {x for x, _ in found} & {"stem", "norm", "a2", "b2_norm"}


def test_chosen_layers_bring_what_follows_them():
    model = tfprune.prune(residual(), methods.FilterRanking(), "[ab]1")
    assert set(tfprune.settings(model)) == {
        *("a1", "a1_norm", "a_d", "b1", "b1_norm", "b_d")
    }


def test_a_chosen_layer_whose_filters_must_stay():
    with pytest.raises(
        ValueError, match="'a2', which was chosen: .* coupled to"
    ):
        tfprune.prune(residual(), methods.FilterRanking(), "a[12]")


def coupled_magnitude(**arguments):
    structure = structures.CoupledFilter()
    return methods.Magnitude(0.5, frequency=1, structure=structure, **arguments)


def test_settings_of_one_layer_are_those_of_all_it_is_coupled_to():
    method = coupled_magnitude(settings={"a2": {"target_sparsity": 0.75}})
    found = kept(pruned(method))
    for name in ("stem", "a2", "b2"):
        assert found[name, "kernel"].mean() == 0.25
    assert found["a1", "kernel"].mean() == 0.5


def test_settings_that_contradict():
    settings = {"stem": {"target_sparsity": 0.1}, "a2": {"target_sparsity": 0}}
    with pytest.raises(ValueError, match="coupled must be equal.*'stem'.*'a2'"):
        tfprune.prune(residual(), coupled_magnitude(settings=settings))


def test_two_methods_share_nothing():
    model = tfprune.prune(residual(), coupled_magnitude(), "a1")
    model = tfprune.prune(model, coupled_magnitude(), "b1")
    found = kept(train(model))
    assert found["a1", "kernel"].sum() == found["b1", "kernel"].sum() == 4
    assert (found["a1", "kernel"] != found["b1", "kernel"]).any()


@pytest.mark.parametrize("gradient", ["dense", "masked"])
def test_save_reload_continue_is_no_interruption(gradient, tmp_path):
    half = coupled_magnitude() if gradient == "masked" else None
    model = pruned(half or methods.FilterRanking(0.5, **HALF))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for one in (model, again):
        train(one)
    for old, new in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_frozen_masks_stay():
    model = pruned(methods.FilterRanking(0.5, **HALF))
    before = kept(model)
    tfprune.freeze(model)
    model.compile(tfprune.PruningOptimizer("adam"), "mse", run_eagerly=True)
    after = kept(train(model))
    assert before.keys() == after.keys()
    for name, mask in before.items():
        np.testing.assert_array_equal(mask, after[name])
    assert share_removed(model) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("with itself", "concat then add", "grouped", "depthwise", "shared"),
        *("nested", "channel shuffle", "dense to image", "volumes"),
        *("trunk goes out", "group norm"),
    ],
)
def test_models_of_the_zoo(name):
    make, free = zoo.ZOO[name]
    model = train(tfprune.prune(zoo.randomize(make()), coupled_magnitude()), 2)
    bare = tfprune.strip(model)
    plan = tfprune.plan_removal(bare)
    assert 0.3 * free <= plan.removed[plan.graph.free].sum()
    small = tfprune.remove_filters(bare).model
    assert small.count_params() < bare.count_params()


def test_thresholds_are_refused():
    model = tfprune.prune(residual(), coupled_magnitude())
    with pytest.raises(ValueError, match="filters are coupled: stem"):
        tfprune.search.set_thresholds(model, {"stem": 0.5}, "target_sparsity")
