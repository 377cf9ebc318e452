"""ForceRegularized is its inner optimizer on the gradient less the force."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tests.optimizers import force_nets as nets


@pytest.mark.parametrize("inner", nets.INNER)
def test_no_force_is_the_inner_optimizer(inner):
    plain = nets.train(nets.compiled(nets.INNER[inner]()))
    nets.assert_same(
        plain, nets.train(nets.forced(inner, force={"force_decay": 0}))
    )


def test_ranks_fall():
    plain = nets.train(nets.compiled(nets.INNER["momentum"]()))
    other = nets.train(nets.forced(force={"force_decay": 0.3}))
    one, two = (
        tfprune.factorize(model, {"conv": 0.95}, split_where="always").table
        for model in (plain, other)
    )
    assert two.ranks["conv"] < one.ranks["conv"]


def test_eager_graph_and_xla_agree():
    arguments = {"force": {"stop_step": 6}}
    eager = nets.train(nets.forced(run_eagerly=True, **arguments))
    for jit in (False, True):
        other = nets.train(nets.forced(jit_compile=jit, **arguments))
        nets.assert_same(eager, other, 1e-5)


def test_steps_per_execution_changes_nothing():
    nets.assert_same(
        nets.train(nets.forced()),
        nets.train(nets.forced(steps_per_execution=8)),
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    model = nets.train(nets.forced())
    assert all(np.isfinite(v.numpy()).all() for v in model.weights)
    assert model.get_layer("conv").kernel.dtype == "float32"


def test_custom_training_loop_equals_fit():
    model, resolve_settings = nets.forced(), nets.train(nets.forced())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def one(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        weights = model.trainable_variables
        model.optimizer.apply_gradients(
            zip(tape.gradient(value, weights), weights, strict=True)
        )

    x, y = nets.data()
    for begin in range(0, 64, 8):
        one(x[begin : begin + 8], y[begin : begin + 8])
    nets.assert_same(model, resolve_settings, 1e-6)


@pytest.mark.parametrize("inner", nets.INNER)
def test_save_reload_continue_is_no_interruption(inner, tmp_path):
    model = nets.train(nets.forced(inner))
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    nets.assert_same(nets.train(model), nets.train(reloaded))


@pytest.mark.parametrize("inner", nets.INNER)
def test_two_replicas_equal_one(inner):
    one = nets.train(nets.forced(inner, nets.net(extras=False)))
    with nets.two_replicas().scope():
        two = nets.forced(inner, nets.net(extras=False))
    nets.assert_same(one, nets.train(two), 2e-5)


def test_a_model_of_keras_applications_in_one_line():
    model = keras.applications.MobileNetV2(
        (32, 32, 3), 0.35, weights=None, classes=2, classifier_activation=None
    )
    model.compile(tfprune.optimizers.ForceRegularized("sgd", 0.1), "mse")
    before = model.get_layer("Conv1").kernel.numpy()
    model.fit(np.zeros((2, 32, 32, 3)), np.zeros((2, 2)), verbose=0)
    assert not np.array_equal(before, model.get_layer("Conv1").kernel.numpy())
