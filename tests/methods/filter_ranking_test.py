"""Filters that compete, layer against layer, and come back."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune import methods
from tfprune.core import allocation
from tfprune.core import criteria
from tfprune.core import structures
from tfprune.core import units


def net():
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, name="conv1"),
            layers.DepthwiseConv2D(2, name="depthwise"),
            layers.Conv2D(6, 2, name="conv2"),
            layers.Flatten(),
            layers.Dense(3, name="out"),
        ]
    )
    return model


def ranked(**arguments):
    arguments = {"stages": 1, "batches": 1, **arguments}
    with pytest.warns(UserWarning, match="skips these layers"):
        model = tfprune.prune(net(), methods.FilterRanking(**arguments))
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    return model


def train(model, steps=1):
    random = np.random.default_rng(0)
    x = random.normal(size=(8 * steps, 6, 6, 2))
    model.fit(x, random.normal(size=(8 * steps, 3)), 8, verbose=0)
    return model


def by_name(model):
    return {unit.name: unit for unit in units.tagged(model.variables)}


def masks(model):
    """Returns layer name to one bool for each filter."""
    found = {}
    for name, unit in by_name(model).items():
        kernel, *bias = unit.targets
        if kernel.role == "kernel":
            mask = kernel.mask.numpy().reshape(-1, kernel.mask.shape[-1])
            assert (mask == mask[0]).all()
            for target in bias:
                np.testing.assert_array_equal(target.mask, mask[0])
            found[name] = mask[0]
    return found


def test_convolutions_compete_and_depthwise_ones_do_not():
    model = train(ranked(target_sparsity=0.5))
    found = masks(model)
    assert found.keys() == {"conv1", "conv2"}
    assert sum(mask.sum() for mask in found.values()) == 5


def test_the_contribution_is_that_of_the_batch():
    """abs(sum(w * dL/dw)), kernel and bias, before the step."""
    model = ranked(target_sparsity=0.0)
    x = np.random.default_rng(0).normal(size=(8, 6, 6, 2)).astype("float32")
    y = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
    conv = model.get_layer("conv2")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x) - y))
    kernel, bias = tape.gradient(loss, [conv.kernel.value, conv.bias.value])
    expected = np.abs(
        np.sum(conv.kernel * kernel, axis=(0, 1, 2)) + conv.bias * bias
    )
    model.train_on_batch(x, y)
    found = by_name(model)["conv2"].memory["contribution"]
    np.testing.assert_allclose(found, expected, 1e-4, 1e-6)


def test_least_filters_stay_in_each_layer():
    found = masks(
        train(ranked(target_sparsity=0.9, allocation=allocation.Global(3)))
    )
    assert [mask.sum() for mask in found.values()] == [3, 3]


def test_the_original_masks_kernels_alone():
    kernels = structures.Filter(covers=["kernel"])
    model = train(ranked(structure=kernels))
    (target,) = by_name(model)["conv1"].targets
    assert target.role == "kernel"


def test_filters_along_another_axis_need_the_model():
    layer = layers.Conv2DTranspose(4, 2, name="up")
    layer.build((None, 4, 4, 2))
    with pytest.raises(ValueError, match="'up' must be pruned with the model"):
        tfprune.Prunable(layer, methods.FilterRanking())


def test_units_of_dense_layers_where_asked():
    alone = methods.FilterRanking(dense=True, structure=structures.Filter())
    with pytest.warns(UserWarning, match="depthwise"):
        model = tfprune.prune(net(), alone)
    assert "out" in tfprune.settings(model)
    coupled = methods.FilterRanking(dense=True)
    with pytest.warns(UserWarning, match="out: none of its filters may go"):
        model = tfprune.prune(net(), coupled)
    assert "out" not in tfprune.settings(model)


def test_what_was_ranked_is_removed():
    model = train(ranked(target_sparsity=0.5), steps=3)
    kept = {name: int(mask.sum()) for name, mask in masks(model).items()}
    bare = tfprune.strip(model)
    small = tfprune.remove_filters(bare).model
    assert small.get_layer("conv1").filters == kept["conv1"]
    assert small.get_layer("conv2").filters == kept["conv2"]
    x = np.random.default_rng(1).normal(size=(8, 6, 6, 2))
    np.testing.assert_allclose(small(x), bare(x), 1e-4, 1e-5)


@pytest.mark.parametrize(
    "wrong",
    [{"target_sparsity": 1.0}, {"batches": 0}, {"policy": "x"}],
)
def test_wrong_arguments(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        methods.FilterRanking(**wrong)


@pytest.mark.parametrize(
    "criterion",
    [
        criteria.GeometricMedian(),
        criteria.GroupNorm(1),
        criteria.GroupNorm(2),
        criteria.Magnitude(),
    ],
    ids=repr,
)
def test_filters_by_their_weights(criterion):
    model = ranked(criterion=criterion, allocation=allocation.Uniform())
    train(model)
    for name, mask in masks(model).items():
        kernel = by_name(model)[name].targets[0].dense()
        scores = criterion(kernel.reshape(-1, kernel.shape[-1]).T).numpy()
        assert mask.sum() == mask.size / 2
        assert scores[mask].min() >= scores[~mask].max()


def test_each_layer_counts_as_much_where_scores_are_normalized():
    both = []
    for normalize in (False, True):
        model = ranked(
            criterion=criteria.GroupNorm(),
            allocation=allocation.Global(normalize=normalize),
        )
        kernel = model.get_layer("conv2").kernel
        kernel.assign(1e3 * kernel)
        model.optimizer.learning_rate = 0.0
        both.append(masks(train(model))["conv1"].sum())
    assert both[0] == 1 < both[1]
