"""Groups that fade to zero, stay there, and are removed."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune import methods
from tfprune.core import units
from tfprune.regularizers import group_lasso


def net():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, bias_initializer="normal", name="conv1"),
            layers.DepthwiseConv2D(2, name="depthwise"),
            layers.Conv2D(6, 2, name="conv2"),
            layers.Flatten(),
            layers.Dense(3, name="out"),
        ]
    )


def pruned(method, optimizer=None):
    with pytest.warns(UserWarning, match="skips these layers"):
        model = tfprune.prune(net(), method)
    optimizer = optimizer or keras.optimizers.SGD(0.1)
    model.compile(tfprune.PruningOptimizer(optimizer), "mse")
    return model


def train(model, steps=1):
    random = np.random.default_rng(0)
    x = random.normal(size=(32, 6, 6, 2)).astype("float32")[: 8 * steps]
    y = random.normal(size=(32, 3)).astype("float32")[: 8 * steps]
    model.fit(x, y, 8, shuffle=False, verbose=0)
    return model


def values(model, name="conv1"):
    layer = model.get_layer(name)
    return layer.kernel.numpy(), layer.bias.numpy()


def mask(model, name="conv1"):
    found = {unit.name: unit for unit in units.tagged(model.variables)}
    return found[name].targets[0].mask.numpy()


def shrunk(kernel, bias, filters, shapes, rate):
    """One proximal step in NumPy: filters with their bias, then columns."""
    rows = np.concatenate([kernel.reshape(-1, 4), bias[None]])
    norms = np.linalg.norm(rows, axis=0)
    rows = rows * np.maximum(1 - rate * filters * np.sqrt(19) / norms, 0)
    columns, bias = rows[:-1], rows[-1]
    norms = np.linalg.norm(columns, axis=1, keepdims=True)
    weight = rate * shapes * np.sqrt(4)
    scale = np.maximum(1 - weight / np.maximum(norms, 1e-9), 0)
    return (columns * scale).reshape(kernel.shape), bias


def test_a_step_is_the_inner_optimizer_s_and_then_proximal():
    plain = net()
    plain.compile(keras.optimizers.SGD(0.1), "mse")
    kernel, bias = shrunk(*values(train(plain)), 0.2, 0.8, 0.1)
    model = train(pruned(methods.SSL(0.2, shapes=0.8)))
    np.testing.assert_allclose(values(model)[0], kernel, 1e-4, 1e-6)
    np.testing.assert_allclose(values(model)[1], bias, 1e-4, 1e-6)
    zero = (kernel == 0).all(axis=-1)
    assert 0 < zero.sum() < zero.size
    expected = np.broadcast_to(~zero[..., None], kernel.shape)
    np.testing.assert_array_equal(mask(model), expected)


def test_the_rate_is_that_of_the_schedule_in_each_step():
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.5, 0.0])
    one = train(pruned(methods.SSL(0.1), keras.optimizers.SGD(rate)), 1)
    two = train(pruned(methods.SSL(0.1), keras.optimizers.SGD(rate)), 2)
    np.testing.assert_array_equal(values(one)[0], values(two)[0])
    none = train(pruned(methods.SSL(0.0), keras.optimizers.SGD(rate)), 1)
    assert not np.allclose(values(one)[0], values(none)[0])


@pytest.mark.parametrize(
    ("kind", "axes"),
    [("filters", (0, 1, 2)), ("channels", (0, 1, 3)), ("shapes", (3,))],
)
def test_what_goes_is_of_its_kind(kind, axes):
    model = train(pruned(methods.SSL(**{kind: 0.4})), 3)
    kept = mask(model)
    whole = kept.any(axes)
    assert (kept.all(axes) == whole).all()
    norms = np.sqrt(np.square(values(model)[0]).sum(axes))
    np.testing.assert_array_equal(whole, norms > 0)


def residual():
    """A block of two layers with a shortcut, and a gate that has none."""
    keras.utils.set_random_seed(1)
    x = keras.Input((6, 6, 2))
    trunk = layers.Conv2D(4, 3, padding="same", name="stem")(x)
    y = layers.Conv2D(5, 3, padding="same", name="in")(trunk)
    y = layers.Conv2D(4, 3, padding="same", name="back")(y)
    y = layers.Add()([trunk, y])
    gate = layers.Dense(4, "sigmoid", name="gate")(y)
    y = layers.Flatten()(layers.Multiply()([y, gate]))
    return keras.Model(x, layers.Dense(3, name="out")(y))


def test_whole_layers_go_with_their_biases_where_a_shortcut_is():
    model = tfprune.prune(residual(), methods.SSL(layers=50.0))
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    train(model, 3)
    for name in tfprune.settings(model):
        removed = name in ("in", "back")
        assert np.any(values(model, name)[0]) != removed, name
        assert mask(model, name).any() != removed, name
    assert not np.any(values(model, "back")[1])
    x = np.random.default_rng(1).normal(size=(4, 6, 6, 2)).astype("float32")
    assert np.ptp(model(x), axis=0).min() > 0


def test_a_whole_layer_without_a_shortcut():
    method = methods.SSL(layers=0.0, settings={"stem": {"layers": 0.1}})
    with pytest.raises(ValueError, match="no shortcut leads around the layer"):
        tfprune.prune(residual(), method)


def test_before_begin_step_nothing_is_masked():
    model = train(pruned(methods.SSL(5.0, begin_step=2)))
    assert not np.any(values(model)[0]) and mask(model).all()
    train(model)
    assert not mask(model).any()


def test_what_is_zero_may_return_before_begin_step():
    model = pruned(methods.SSL(0.0, begin_step=10**6))
    kernel = model.get_layer("conv1").kernel
    kernel.assign(np.zeros(kernel.shape))
    train(model)
    assert np.all(np.abs(values(model)[0]).sum((0, 1, 2)) > 0)


def test_a_threshold_takes_groups_before_they_are_zero():
    (kernel, bias), model = values(net()), pruned(methods.SSL(0.0))
    assert mask(train(model)).all()
    norms = np.linalg.norm([*kernel.reshape(-1, 4), bias], axis=0)
    between = float(np.sort(norms)[1:3].mean())
    still = keras.optimizers.SGD(0.0)
    model = train(pruned(methods.SSL(0.0, threshold=between), still))
    np.testing.assert_array_equal(mask(model)[0, 0, 0], norms > between)


def test_frozen_layers_do_not_shrink():
    model = train(pruned(methods.SSL(0.1, shapes=0.4)), 2)
    tfprune.freeze(model)
    before, kept = values(model), mask(model)
    still = tfprune.PruningOptimizer(keras.optimizers.SGD(0.0))
    model.compile(still, "mse")
    train(model, 2)
    np.testing.assert_array_equal(values(model)[0], before[0])
    model.compile(tfprune.PruningOptimizer(keras.optimizers.SGD(0.1)), "mse")
    train(model, 2)
    assert not np.any(values(model)[0][~kept])
    assert np.any(values(model)[0] != before[0])


def test_settings_of_a_layer_are_live():
    method = methods.SSL(0.0, settings={"conv2": {"filters": 5.0}})
    model = train(pruned(method))
    assert mask(model).all() and not mask(model, "conv2").any()
    tfprune.settings(model)["conv1"]["filters"] = 5.0
    assert not mask(train(model)).any()


def test_what_faded_is_removed():
    method = methods.SSL(0.4, settings={"out": None})
    model = train(pruned(method), 4)
    kept = int(mask(model).any((0, 1, 2)).sum())
    assert 0 < kept < 4
    bare = tfprune.strip(model)
    bare.get_layer("depthwise").bias.assign([0] * 4)
    small = tfprune.remove_filters(bare).model
    assert small.get_layer("conv1").filters == kept
    x = np.random.default_rng(1).normal(size=(8, 6, 6, 2))
    np.testing.assert_allclose(small(x), bare(x), 1e-4, 1e-5)


def grouped():
    x = keras.Input((8, 8, 4))
    y = layers.Conv2D(4, 3, groups=2, name="grouped")(x)
    return keras.Model(x, layers.Conv2D(4, 3, name="whole")(y))


def test_layers_that_do_not_fit():
    with pytest.warns(UserWarning, match="grouped: its filters do not all"):
        found = tfprune.prune(grouped(), methods.SSL(shapes=0.1))
    assert set(tfprune.settings(found)) == {"whole"}
    found = tfprune.prune(grouped(), methods.SSL(filters=0.1))
    assert set(tfprune.settings(found)) == {"grouped", "whole"}


def test_the_default_is_filters():
    (own,) = [methods.SSL().pruner.settings]
    assert own == {"filters": 0.01}
    assert methods.SSL(shapes=0.1).pruner.settings == {"shapes": 0.1}


@pytest.mark.parametrize("wrong", ["filters", "shapes", "threshold"])
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError, match=f"`{wrong}` must be >= 0"):
        methods.SSL(**{wrong: -0.1})


def test_a_setting_that_is_not_in_use():
    method = methods.SSL(0.1, settings={"conv1": {"shapes": 0.1}})
    with pytest.raises(ValueError, match="must be one of: filters"):
        tfprune.prune(net(), method)


def test_the_regularizer_and_the_step_agree_to_first_order():
    """It is w - rate * gradient of the penalty, where no group is near 0."""
    w = tf.Variable(np.random.default_rng(0).normal(size=(3, 3, 2, 4)))
    lasso = group_lasso.GroupLasso(0.5)
    with tf.GradientTape() as tape:
        penalty = lasso(w)
    (stepped,) = lasso.proximal([w], 1e-3)
    expected = w - 1e-3 * tape.gradient(penalty, w)
    np.testing.assert_allclose(stepped, expected, 1e-6)
