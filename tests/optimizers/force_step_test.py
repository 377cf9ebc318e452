"""One step of ForceRegularized: what moves, how far, and what is refused."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops
from keras.optimizers import schedules

import tfprune
from tests.optimizers import force_nets as nets
from tfprune.numerics import forces


def step(optimizer, gradient=None):
    """Returns a kernel before a step, its gradient, and by how much it moved.

    The learning rate of the optimizer must be 1.
    """
    model = nets.net()
    kernel = model.get_layer("conv").kernel
    before = kernel.numpy()
    if gradient is None:
        gradient = np.random.default_rng(1).normal(size=before.shape)
    gradient = gradient.astype("float32")
    grads = [
        ops.convert_to_tensor(gradient) if v is kernel else ops.zeros(v.shape)
        for v in model.trainable_variables
    ]
    optimizer.apply(grads, model.trainable_variables)
    return before, gradient, kernel.numpy() - before


def sgd(**arguments):
    return tfprune.optimizers.ForceRegularized(
        keras.optimizers.SGD(1.0), **arguments
    )


class TestOneStep:
    @pytest.mark.parametrize("name", forces.FORCES)
    def test_follows_the_gradient_and_the_force(self, name):
        before, gradient, moved = step(
            sgd(force_decay=0.01, force_type=name, force_mult={"conv": 2.0})
        )
        expected = 0.02 * np.array(forces.of_kernel(before, name)) - gradient
        np.testing.assert_allclose(moved, expected, 1e-4, 1e-5)

    def test_adaptive_strength_is_that_of_the_gradient(self):
        _, gradient, moved = step(sgd(force_decay=0.3, adaptive=True))
        added = np.linalg.norm(moved + gradient)
        assert added == pytest.approx(0.3 * np.linalg.norm(gradient), rel=1e-4)

    def test_the_same_direction_leaves_opposed_entries_out(self):
        before, gradient, moved = step(sgd(force_decay=0.3, direction="same"))
        force = np.array(forces.of_kernel(before, "degradation"))
        expected = np.where(force * -gradient >= 0, 0.3 * force, 0) - gradient
        np.testing.assert_allclose(moved, expected, 1e-4, 1e-5)

    def test_groups_pull_within_only(self):
        before, gradient, moved = step(sgd(force_decay=0.3, groups={"conv": 2}))
        force = np.array(forces.of_kernel(before, "degradation", groups=2))
        np.testing.assert_allclose(moved, 0.3 * force - gradient, 1e-4, 1e-5)

    def test_a_gradient_that_is_none(self):
        model, optimizer = nets.net(), sgd()
        weights = model.trainable_variables
        grads = [None, *[ops.ones(v.shape) for v in weights[1:]]]
        before = weights[0].numpy()
        with pytest.warns(match="Gradients do not exist for"):
            optimizer.apply(grads, weights)
        np.testing.assert_array_equal(before, weights[0].numpy())

    def test_a_schedule_and_a_stop(self):
        rate = schedules.PiecewiseConstantDecay([0], [0.1, 0.01])
        optimizer = sgd(force_decay=rate, stop_step=2)
        model = nets.net()
        weights = model.trainable_variables
        kernel = model.get_layer("conv").kernel
        for strength in (0.1, 0.01, 0.0, 0.0):
            before = kernel.numpy()
            optimizer.apply([ops.zeros(v.shape) for v in weights], weights)
            force = np.array(forces.of_kernel(before, "degradation"))
            moved = kernel.numpy() - before
            np.testing.assert_allclose(moved, strength * force, 1e-3, 1e-6)


class TestWhatFeelsIt:
    def moved(self, model=None, **arguments):
        model = model or nets.net()
        weights = model.trainable_variables
        before = [v.numpy() for v in weights]
        optimizer = sgd(force_decay=0.1, **arguments)
        optimizer.apply([ops.zeros(v.shape) for v in weights], weights)
        return {
            v.path.partition("/")[2]
            for v, old in zip(weights, before, strict=True)
            if not np.array_equal(v.numpy(), old)
        }

    def test_windows_by_default(self):
        assert self.moved() == {"conv/kernel"}

    def test_what_is_named(self):
        mult = {"conv": 0, ".*": 1}
        assert self.moved(force_mult=mult) == {"point/kernel", "out/kernel"}

    def test_depthwise_filters_and_single_ones_do_not(self):
        model = keras.Sequential(
            [
                keras.Input((6, 6, 4)),
                layers.DepthwiseConv2D(3, name="depthwise"),
                layers.Conv2D(1, 2, name="single"),
                layers.Conv2D(2, 2, name="pair"),
            ]
        )
        assert self.moved(model) == {"pair/kernel"}

    def test_layers_of_one_name_in_nested_models(self):
        inner = [layers.Conv2D(4, 3, name="conv")]
        inner = keras.Sequential(inner, name="inner")
        model = keras.Sequential([*nets.net().layers[:1], inner])
        model.build((None, 6, 6, 4))
        assert len(self.moved(model)) == 2


def test_the_groups_of_a_model():
    assert tfprune.graph.conv_groups(nets.net(2)) == {"conv": 2}
    assert tfprune.graph.conv_groups(nets.net()) == {}


def test_gradient_accumulation_averages_the_force():
    inner = keras.optimizers.SGD(1.0, gradient_accumulation_steps=2)
    optimizer = tfprune.optimizers.ForceRegularized(inner, 0.1)
    model = nets.net()
    weights, kernel = model.trainable_variables, model.get_layer("conv").kernel
    before = kernel.numpy()
    for _ in range(2):
        optimizer.apply([ops.zeros(v.shape) for v in weights], weights)
    expected = 0.1 * np.array(forces.of_kernel(before, "degradation"))
    np.testing.assert_allclose(kernel.numpy() - before, expected, 1e-4, 1e-6)
    assert int(optimizer.iterations) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {
            **nets.CONSTANT,
            "force_mult": {"conv.*": 0.5},
            "groups": {"conv": 2},
            "direction": "same",
            "adaptive": True,
            "stop_step": 7,
        },
        {
            "force_decay": keras.optimizers.schedules.ExponentialDecay(
                0.1, 9, 0.5
            )
        },
    ],
)
def test_round_trips(arguments):
    optimizer = sgd(**arguments)
    saved = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(saved)
    assert again.get_config() == optimizer.get_config()
    assert isinstance(again.inner_optimizer, keras.optimizers.SGD)


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"force_decay": -0.1}, "`force_decay` must be a number >= 0"),
            ({"force_decay": float("nan")}, "`force_decay` must be a number"),
            ({"force_decay": "high"}, "`force_decay` must be a number"),
            ({"force_type": "constants"}, "Did you mean 'constant'"),
            ({"direction": "sane"}, "Did you mean 'same'"),
            ({"force_mult": {"a": -1}}, r"`force_mult\['a'\]` must be >= 0"),
            ({"groups": {"a": 0}}, r"`groups\['a'\]` must be an integer"),
            ({"stop_step": 0.5}, "`stop_step` must be an integer"),
        ],
    )
    def test_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            sgd(**arguments)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"force_mult": {"cnv": 1}}, "Did you mean 'conv'"),
            ({"force_mult": {".*": 0}}, "`force_mult` must name a layer"),
            ({"groups": {"cnv": 2}}, "Did you mean 'conv'"),
            ({"groups": {"conv": 3}}, "must be a divisor of its 8 filters"),
        ],
    )
    def test_layers(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            sgd(**arguments).build(nets.net().trainable_variables)

    def test_a_net_without_windows(self):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
        with pytest.raises(ValueError, match="for the layers dense"):
            sgd().build(model.trainable_variables)

    def test_a_loss_scale_inside(self):
        inner = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
        with pytest.raises(ValueError, match="Put it around ForceRegularized"):
            tfprune.optimizers.ForceRegularized(inner)
