"""ForceRegularized is its inner optimizer on the gradient less the force."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras import ops
from keras.optimizers import schedules

import tfprune
from tfprune import methods
from tfprune.core import forces

CONSTANT = {"force_decay": 0.05, "force_type": "constant"}
INNER = {
    "sgd": lambda: keras.optimizers.SGD(0.05),
    "momentum": lambda: keras.optimizers.SGD(
        0.05, momentum=0.9, weight_decay=1e-2
    ),
    "adamw": lambda: keras.optimizers.AdamW(0.01, clipnorm=0.1),
}
WAYS = {
    "outside": lambda inner, **force: tfprune.ForceRegularized(
        tfprune.PruningOptimizer(inner), **force
    ),
    "inside": lambda inner, **force: tfprune.PruningOptimizer(
        tfprune.ForceRegularized(inner, **force)
    ),
}


def net(groups=1, extras=True):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            layers.Conv2D(8, 3, groups=groups, name="conv"),
            *([layers.BatchNormalization(name="bn")] if extras else []),
            layers.ReLU(name="relu"),
            layers.Conv2D(6, 1, name="point"),
            layers.Flatten(name="flatten"),
            layers.Dense(4, name="out"),
        ]
    )


def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 6, 6, 4)).astype("float32")
    return x, random.integers(0, 4, 64)


def compiled(optimizer, model=None, **arguments):
    model = model or net()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, **arguments)
    return model


def train(model):
    model.fit(*data(), 8, shuffle=False, verbose=0)
    return model


def forced(inner="momentum", model=None, **arguments):
    force = {**CONSTANT, **arguments.pop("force", {})}
    optimizer = tfprune.ForceRegularized(INNER[inner](), **force)
    return compiled(optimizer, model, **arguments)


def assert_same(one, other, tolerance=0.0):
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(a, b, 0, tolerance, err_msg=a.path)


def step(optimizer, gradient=None):
    """Returns a kernel before a step, its gradient, and by how much it moved.

    The learning rate of the optimizer must be 1.
    """
    model = net()
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
    return tfprune.ForceRegularized(keras.optimizers.SGD(1.0), **arguments)


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
        before, gradient, moved = step(sgd(direction="same"))
        force = np.array(forces.of_kernel(before, "degradation"))
        expected = np.where(force * -gradient >= 0, 1e-3 * force, 0) - gradient
        np.testing.assert_allclose(moved, expected, 1e-4, 1e-5)

    def test_groups_pull_within_only(self):
        before, gradient, moved = step(sgd(groups={"conv": 2}))
        force = np.array(forces.of_kernel(before, "degradation", groups=2))
        np.testing.assert_allclose(moved, 1e-3 * force - gradient, 1e-4, 1e-5)

    def test_a_gradient_that_is_none(self):
        model, optimizer = net(), sgd()
        weights = model.trainable_variables
        grads = [None, *[ops.ones(v.shape) for v in weights[1:]]]
        before = weights[0].numpy()
        with pytest.warns(match="Gradients do not exist for"):
            optimizer.apply(grads, weights)
        np.testing.assert_array_equal(before, weights[0].numpy())

    def test_a_schedule_and_a_stop(self):
        rate = schedules.PiecewiseConstantDecay([0], [0.1, 0.01])
        optimizer = sgd(force_decay=rate, stop_step=2)
        model = net()
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
        model = model or net()
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
        model = keras.Sequential([*net().layers[:1], inner])
        model.build((None, 6, 6, 4))
        assert len(self.moved(model)) == 2


def test_the_groups_of_a_model():
    assert tfprune.conv_groups(net(2)) == {"conv": 2}
    assert tfprune.conv_groups(net()) == {}


@pytest.mark.parametrize("inner", INNER)
def test_no_force_is_the_inner_optimizer(inner):
    plain = train(compiled(INNER[inner]()))
    assert_same(plain, train(forced(inner, force={"force_decay": 0})))


def test_ranks_fall():
    plain = train(compiled(INNER["momentum"]()))
    other = train(forced(force={"force_decay": 0.3}))
    one, two = (
        tfprune.factorize(model, {"conv": 0.95}, split_where="always").table
        for model in (plain, other)
    )
    assert two.ranks["conv"] < one.ranks["conv"]


def test_eager_graph_and_xla_agree():
    arguments = {"force": {"stop_step": 6}}
    eager = train(forced(run_eagerly=True, **arguments))
    for jit in (False, True):
        other = train(forced(jit_compile=jit, **arguments))
        assert_same(eager, other, 1e-5)


def test_steps_per_execution_changes_nothing():
    assert_same(train(forced()), train(forced(steps_per_execution=8)))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    model = train(forced())
    assert all(np.isfinite(v.numpy()).all() for v in model.weights)
    assert model.get_layer("conv").kernel.dtype == "float32"


def test_gradient_accumulation_averages_the_force():
    inner = keras.optimizers.SGD(1.0, gradient_accumulation_steps=2)
    optimizer = tfprune.ForceRegularized(inner, 0.1)
    model = net()
    weights, kernel = model.trainable_variables, model.get_layer("conv").kernel
    before = kernel.numpy()
    for _ in range(2):
        optimizer.apply([ops.zeros(v.shape) for v in weights], weights)
    expected = 0.1 * np.array(forces.of_kernel(before, "degradation"))
    np.testing.assert_allclose(kernel.numpy() - before, expected, 1e-4, 1e-6)
    assert int(optimizer.iterations) == 1


def test_custom_training_loop_equals_fit():
    model, fitted = forced(), train(forced())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def one(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        weights = model.trainable_variables
        model.optimizer.apply_gradients(
            zip(tape.gradient(value, weights), weights, strict=True)
        )

    x, y = data()
    for begin in range(0, 64, 8):
        one(x[begin : begin + 8], y[begin : begin + 8])
    assert_same(model, fitted, 1e-6)


@pytest.mark.parametrize("inner", INNER)
def test_save_reload_continue_is_no_interruption(inner, tmp_path):
    model = train(forced(inner))
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    assert_same(train(model), train(reloaded))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {
            **CONSTANT,
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


def two_replicas():
    # Two strategies of one process may not both use collectives.
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )


@pytest.mark.parametrize("inner", INNER)
def test_two_replicas_equal_one(inner):
    one = train(forced(inner, net(extras=False)))
    with two_replicas().scope():
        two = forced(inner, net(extras=False))
    assert_same(one, train(two), 2e-5)


class TestWithPruning:
    def pruned(self, way, **force):
        model = tfprune.prune(
            net(extras=False), methods.Magnitude(0.75, frequency=2)
        )
        optimizer = WAYS[way](INNER["momentum"](), **{**CONSTANT, **force})
        return compiled(optimizer, model)

    def test_either_way_round(self):
        outside, inside = (train(self.pruned(way)) for way in WAYS)
        assert_same(outside, inside)

    @pytest.mark.parametrize("way", WAYS)
    def test_no_force_is_pruning_alone(self, way):
        alone = tfprune.prune(
            net(extras=False), methods.Magnitude(0.75, frequency=2)
        )
        alone = compiled(tfprune.PruningOptimizer(INNER["momentum"]()), alone)
        assert_same(train(alone), train(self.pruned(way, force_decay=0)))

    @pytest.mark.parametrize("way", WAYS)
    def test_pruned_weights_stay_zero(self, way):
        model = train(self.pruned(way))
        target = model.get_layer("conv").unit.targets[0]
        mask = target.mask.numpy()
        assert mask.mean() == 0.25
        assert not np.any(target.variable.numpy()[~mask])

    @pytest.mark.parametrize("way", WAYS)
    def test_two_replicas_equal_one(self, way):
        one = train(self.pruned(way))
        with two_replicas().scope():
            two = self.pruned(way)
        assert_same(one, train(two), 2e-5)

    @pytest.mark.parametrize("way", WAYS)
    def test_save_reload_continue(self, way, tmp_path):
        model = train(self.pruned(way))
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        assert_same(train(model), train(reloaded))


def test_a_model_of_keras_applications_in_one_line():
    model = keras.applications.MobileNetV2(
        (32, 32, 3), 0.35, weights=None, classes=2, classifier_activation=None
    )
    model.compile(tfprune.ForceRegularized("sgd", 0.1), "mse")
    before = model.get_layer("Conv1").kernel.numpy()
    model.fit(np.zeros((2, 32, 32, 3)), np.zeros((2, 2)), verbose=0)
    assert not np.array_equal(before, model.get_layer("Conv1").kernel.numpy())


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
            sgd(**arguments).build(net().trainable_variables)

    def test_a_net_without_windows(self):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
        with pytest.raises(ValueError, match="for the layers dense"):
            sgd().build(model.trainable_variables)

    def test_a_loss_scale_inside(self):
        inner = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
        with pytest.raises(ValueError, match="Put it around ForceRegularized"):
            tfprune.ForceRegularized(inner)
