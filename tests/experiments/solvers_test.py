"""Caffe's SGD against a NumPy loop, and its policies against formulas."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments import solvers

INV = dict(policy="inv", base=0.1, gamma=0.5, power=0.75)


def variables():
    rng = np.random.default_rng(3)
    values = {"kernel": rng.normal(size=(4, 3)), "bias": rng.normal(size=3)}
    return [
        keras.Variable(value.astype("float32"), name=name)
        for name, value in values.items()
    ]


def tiny_model(seed=1):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(5), keras.layers.Dense(3)]
    )
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 6)), rng.integers(0, 3, 32)
    return model, x.astype("float32"), y


def numpy_caffe(weights, gradients, decay=0.01, momentum=0.9):
    """Five lines of sgd_solver.cpp, for a kernel and its bias."""
    histories = [np.zeros_like(weight) for weight in weights]
    for step, gradient in enumerate(gradients):
        rate = 0.1 * (1 + 0.5 * step) ** -0.75
        for i, (lr_mult, decay_mult) in enumerate([(1, 1), (2, 0)]):
            g = gradient[i] + decay * decay_mult * weights[i]
            histories[i] = momentum * histories[i] + rate * lr_mult * g
            weights[i] = weights[i] - histories[i]
    return weights


@pytest.mark.parametrize("compiled", [None, False, True])
def test_against_numpy(compiled):
    kernel_and_bias = variables()
    rng = np.random.default_rng(4)
    gradients = [
        [rng.normal(size=v.shape).astype("float32") for v in kernel_and_bias]
        for _ in range(5)
    ]
    expected = numpy_caffe([v.numpy() for v in kernel_and_bias], gradients)
    optimizer = solvers.build(
        "caffe_sgd", learning_rate=INV, momentum=0.9, weight_decay=0.01
    )
    optimizer.build(kernel_and_bias)
    apply = optimizer.apply
    if compiled is not None:
        apply = tf.function(apply, jit_compile=compiled)
    for gradient in gradients:
        apply([tf.constant(g) for g in gradient])
    for variable, value in zip(kernel_and_bias, expected, strict=True):
        np.testing.assert_allclose(variable, value, rtol=2e-5, atol=1e-6)


def test_config_round_trip():
    optimizer = solvers.build(
        "caffe_sgd",
        learning_rate=INV,
        momentum=0.5,
        weight_decay=0.01,
        bias_lr_multiplier=3.0,
        bias_decay_multiplier=0.5,
        clipnorm=1.0,
    )
    config = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(config)
    assert isinstance(again, solvers.CaffeSGD)
    assert again.get_config() == optimizer.get_config()
    assert again.l2 == 0.01
    assert again.weight_decay is None  # Keras' decoupled decay stays off.
    np.testing.assert_allclose(again.learning_rate, 0.1)


def test_save_and_load_continue_as_if_uninterrupted(tmp_path):
    model, x, y = tiny_model()
    model.compile(
        solvers.build("caffe_sgd", learning_rate=INV, weight_decay=0.01),
        "mse",
    )
    y = keras.utils.to_categorical(y, 3)
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for one in (model, again):
        one.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    pairs = zip(
        model.optimizer.variables, again.optimizer.variables, strict=True
    )
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clipnorm": 0.1},
        {"use_ema": True, "ema_overwrite_frequency": 2},
        {"gradient_accumulation_steps": 2},
    ],
)
def test_fits_under_xla(options):
    model, x, y = tiny_model()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = solvers.CaffeSGD(0.05, weight_decay=5e-4, **options)
    model.compile(optimizer, loss, jit_compile=True)
    losses = model.fit(x, y, 8, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_mixed_precision():
    model, x, y = tiny_model()
    clone = keras.models.clone_model(
        model,
        clone_function=lambda layer: layer.__class__.from_config(
            {**layer.get_config(), "dtype": "mixed_float16"}
        ),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    inner = solvers.CaffeSGD(0.05, weight_decay=5e-4)
    optimizer = keras.optimizers.LossScaleOptimizer(inner)
    clone.compile(optimizer, loss)
    losses = clone.fit(x, y, 8, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_sparse_gradients_of_embeddings():
    def train(one_hot):
        table = keras.Variable(np.ones((4, 2), "float32"), name="embeddings")
        optimizer = solvers.CaffeSGD(0.1, weight_decay=0.1)
        optimizer.build([table])
        for _ in range(3):
            with tf.GradientTape() as tape:
                rows = tf.constant([1, 1, 3])
                taken = (
                    tf.one_hot(rows, 4) @ table.value
                    if one_hot
                    else tf.gather(table.value, rows)
                )
                loss = tf.reduce_sum(taken**2)
            optimizer.apply([tape.gradient(loss, table.value)])
        return table.numpy()

    np.testing.assert_allclose(train(True), train(False), rtol=1e-6)


@pytest.mark.parametrize(
    "fields, rate",
    [
        (INV, lambda it: 0.1 * (1 + 0.5 * it) ** -0.75),
        (
            dict(policy="step", base=0.1, gamma=0.5, size=3),
            lambda it: 0.1 * 0.5 ** (it // 3),
        ),
        (
            dict(policy="multistep", base=0.1, gamma=0.5, steps=[2, 5]),
            lambda it: 0.1 * 0.5 ** ((it >= 2) + (it >= 5)),
        ),
        (
            dict(policy="exp", base=0.1, gamma=0.9),
            lambda it: 0.1 * 0.9**it,
        ),
        (
            dict(policy="poly", base=0.1, end=10, power=2.0),
            lambda it: 0.1 * (1 - it / 10) ** 2,
        ),
        (dict(policy="fixed", base=0.1), lambda it: 0.1),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_policies(fields, rate, compiled):
    optimizer = solvers.build("caffe_sgd", learning_rate=fields)
    variable = keras.Variable([0.0], name="kernel")
    optimizer.build([variable])

    @tf.function(jit_compile=compiled)
    def current():
        return tf.identity(tf.convert_to_tensor(optimizer.learning_rate))

    for step in range(10):
        np.testing.assert_allclose(current(), rate(step), rtol=1e-5)
        optimizer.apply([tf.zeros(1)])


def test_other_optimizers():
    adam = solvers.build("adam", learning_rate=1, clipnorm=2.0)
    assert isinstance(adam, keras.optimizers.Adam)
    assert float(adam.learning_rate) == 1.0
    assert adam.clipnorm == 2.0


@pytest.mark.parametrize(
    "name, fields, complaint",
    [
        ("cafe_sgd", {}, "Did you mean 'caffe_sgd'"),
        ("optimizer", {}, "`name` must be one of: caffe_sgd, adadelta"),
        ("caffe_sgd", {"momentun": 0.9}, "Did you mean 'momentum'"),
        ("caffe_sgd", {"clip_norm": 0.9}, "Did you mean 'clipnorm'"),
        ("adam", {"beta1": 0.9}, "Did you mean 'beta_1'"),
        ("sgd", {"learning_rate": {"base": 1}}, "the key 'policy'"),
        ("sgd", {"learning_rate": {"policy": "inverse"}}, "Did you mean 'inv'"),
        ("sgd", {"learning_rate": {**INV, "gama": 1}}, "Did you mean 'gamma'"),
        ("sgd", {"learning_rate": {"policy": "exp"}}, "needs base, gamma"),
        ("caffe_sgd", {"momentum": 1.0}, r"`momentum` must be in \[0, 1\)"),
        ("caffe_sgd", {"weight_decay": -1.0}, "`weight_decay` must be >= 0"),
    ],
)
def test_errors(name, fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        solvers.build(name, **fields)


def test_mirrored_equals_single():
    def train(strategy):
        with strategy.scope():
            model, x, y = tiny_model()
            optimizer = solvers.CaffeSGD(0.05, weight_decay=0.01)
            model.compile(optimizer, "mse", jit_compile=False)
        y = keras.utils.to_categorical(y, 3)
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        return [v.numpy() for v in model.weights]

    mirrored = train(tf.distribute.MirroredStrategy(logical_cpus()))
    single = train(tf.distribute.get_strategy())
    for a, b in zip(single, mirrored, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def logical_cpus():
    """Two where TensorFlow has not started yet, else what there is."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(cpu, two)
    return [device.name for device in tf.config.list_logical_devices("CPU")]
