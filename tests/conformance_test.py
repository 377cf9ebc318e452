"""The conformance table: every method is a row, every property runs over it.

Cells that are left out because Keras itself fails there:

* SGD with gradient accumulation, and EMA with overwriting, under
  MirroredStrategy: Keras 3.15 assigns in a cond inside the replica context.
"""

import dataclasses
import math
import typing

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import tfprune
from tfprune import methods
from tfprune.core import units


@dataclasses.dataclass
class Row:
    """What a method promises.

    make: a method that prunes within a few steps.
    nothing: the same method, set to prune nothing; None where it can't.
    sparsity: the exact sparsity of kernels in the end; None where open.
    returns: whether a pruned weight may come back.
    hidden: whether a pruned weight goes on learning out of sight.
    """

    make: typing.Callable
    nothing: typing.Callable | None
    sparsity: float | None
    returns: bool
    hidden: bool


ROWS = {
    "filter_ranking": Row(
        lambda: methods.FilterRanking(
            0.5, stages=2, stage_steps=4, dense=True, settings={"out": None}
        ),
        lambda: methods.FilterRanking(0.0),
        None,
        True,
        True,
    ),
    "guided": Row(
        lambda: methods.Guided(1e-3, threshold=0.02, factor=4.0),
        lambda: methods.Guided(0.0, threshold=0.0),
        None,
        True,
        False,
    ),
    "force": Row(
        lambda: methods.Force(
            0.05, "constant", method=methods.Magnitude(0.75, frequency=2)
        ),
        lambda: methods.Force(0.0, method=methods.Magnitude(0.0, frequency=1)),
        0.75,
        False,
        False,
    ),
    "l1_winograd": Row(
        lambda: methods.L1Winograd(1e-3, threshold=0.1),
        lambda: methods.L1Winograd(0.0, threshold=0.0),
        None,
        True,
        False,
    ),
    "magnitude": Row(
        lambda: methods.Magnitude(0.75, frequency=2),
        lambda: methods.Magnitude(0.0, frequency=1),
        0.75,
        False,
        False,
    ),
    "nm": Row(lambda: methods.NM(1, 4, frequency=2), None, 0.75, False, False),
    "olmp": Row(
        lambda: methods.OLMP(c=0.5, gamma=0.1),
        lambda: methods.OLMP(c=-1e3, lower=-1e3, gamma=0.0),
        None,
        True,
        True,
    ),
    "ssl": Row(
        lambda: methods.SSL(
            0.1, shapes=0.5, threshold=0.2, settings={"out": None}
        ),
        lambda: methods.SSL(0.0, 0.0, 0.0, 0.0),
        None,
        False,
        False,
    ),
    "surgery": Row(
        lambda: methods.Surgery(0.7, gamma=0.1),
        lambda: methods.Surgery(c=-1e3, gamma=0.0),
        None,
        True,
        True,
    ),
    "threshold_surgery": Row(
        lambda: methods.ThresholdSurgery(gamma=0.1),
        lambda: methods.ThresholdSurgery(1e-30, gamma=0.0),
        None,
        True,
        True,
    ),
    "winograd": Row(
        lambda: methods.Winograd(1e-3, threshold=0.02, factor=4.0),
        lambda: methods.Winograd(0.0, threshold=0.0),
        None,
        True,
        False,
    ),
}
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05),
    "momentum": lambda: keras.optimizers.SGD(
        0.05, momentum=0.9, weight_decay=1e-2
    ),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "adamw": lambda: keras.optimizers.AdamW(0.01, clipnorm=0.1),
    "ema": lambda: keras.optimizers.SGD(
        0.05, momentum=0.9, use_ema=True, ema_overwrite_frequency=3
    ),
}
EXAMPLES, BATCH, STEPS = 64, 8, 8

every_method = pytest.mark.parametrize("name", ROWS)
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)


def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(EXAMPLES, 6, 6, 4)).astype("float32")
    y = random.integers(0, 4, EXAMPLES)
    return x, y


def net(extras=True, winograd=False):
    """A small net; extras make it depend on statistics.

    Of one in the Winograd domain the input is small: outputs follow
    coefficients so strongly that optimizers would diverge.
    """
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((6, 6, 4)),
        *([keras.layers.Rescaling(1e-3, name="small")] if winograd else []),
        keras.layers.Conv2D(8, 3, name="conv", bias_initializer="normal"),
        *([keras.layers.BatchNormalization(name="bn")] if extras else []),
        keras.layers.ReLU(name="relu"),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(
            12, "relu", name="hidden", bias_initializer="normal"
        ),
        keras.layers.Dense(4, name="out", bias_initializer="normal"),
    ]
    model = keras.Sequential(layers)
    return tfprune.to_winograd(model) if winograd else model


def net_for(method, extras=True):
    return net(extras, method.name == "winograd")


@pytest.mark.filterwarnings("ignore:.*leaves these layers dense")
def pruned(method, optimizer="momentum", extras=True, **compile):
    model = tfprune.prune(net_for(method, extras), method)
    inner = OPTIMIZERS[optimizer]()
    model.compile(
        tfprune.PruningOptimizer(inner),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **compile,
    )
    return model


def train(model, epochs=1):
    x, y = data()
    model.fit(x, y, BATCH, epochs, shuffle=False, verbose=0)
    return model


def values(model):
    return {
        variable.path: ops.convert_to_numpy(variable.value)
        for variable in model.variables
    }


def masks(model):
    return {
        f"{unit.name}/{target.role}": target.mask.numpy()
        for unit in units.tagged(model.variables)
        for target in unit.targets
    }


def assert_same(one, other, tolerance=0.0):
    one, other = values(one), values(other)
    assert len(one) == len(other)
    for (path, a), b in zip(one.items(), other.values(), strict=True):
        close = np.allclose(a, b, 0, tolerance, equal_nan=True)
        assert close, f"{path} differs by {np.nanmax(np.abs(a - b))}"


pytestmark = pytest.mark.filterwarnings("ignore:.*leaves these layers dense")


@every_method
def test_every_method_has_a_row(name):
    assert set(ROWS) == set(methods.REGISTRY)


@every_method
@every_optimizer
def test_doing_nothing_trains_as_the_inner_optimizer(name, optimizer):
    if ROWS[name].nothing is None:
        pytest.skip("the method always prunes")
    plain = net_for(ROWS[name].nothing())
    plain.compile(
        OPTIMIZERS[optimizer](),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model = pruned(ROWS[name].nothing(), optimizer)
    train(plain), train(model)
    bare = tfprune.strip(model)
    for one, other in zip(plain.weights, bare.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@every_method
def test_masks_have_the_shape_and_reach_the_target(name):
    model = train(pruned(ROWS[name].make()))
    for unit in units.tagged(model.variables):
        for target in unit.targets:
            assert target.mask.shape == target.variable.shape
        if ROWS[name].sparsity is not None:
            kept = int(unit.targets[0].mask.numpy().sum())
            size = math.prod(unit.targets[0].mask.shape)
            assert abs(size - kept - ROWS[name].sparsity * size) <= 1
    pruned_share = [1 - mask.mean() for mask in masks(model).values()]
    assert max(pruned_share) > 0.3


@every_method
def test_masked_forward_is_the_dense_forward_on_zeroed_weights(name):
    model = train(pruned(ROWS[name].make()))
    zeroed = net_for(ROWS[name].make())
    layers = {layer.name: layer for layer in model.layers}
    for layer in zeroed.layers:
        layer = getattr(layers[layer.name], "layer", layers[layer.name])
        zeroed.get_layer(layer.name).set_weights(layer.get_weights())
    for unit in units.tagged(model.variables):
        layer = zeroed.get_layer(unit.name)
        for target in unit.targets:
            weight = getattr(layer, target.role)
            weight.assign(np.where(target.mask.numpy(), weight.numpy(), 0))
    x, _ = data()
    np.testing.assert_array_equal(model(x), zeroed(x))


@every_method
def test_strip_predicts_the_same_without_tfprune(name):
    model = train(pruned(ROWS[name].make()))
    bare = tfprune.strip(model)
    assert all(
        type(x).__module__.startswith("keras")
        or (isinstance(x, tfprune.WinogradConv2D) and name == "winograd")
        for x in bare.layers
    )
    np.testing.assert_array_equal(model(data()[0]), bare(data()[0]))


@every_method
@every_optimizer
def test_what_pruned_weights_may_do(name, optimizer):
    model = train(pruned(ROWS[name].make(), optimizer))
    before = masks(model)
    for unit in units.tagged(model.variables):
        for target in unit.targets:
            out = target.variable.numpy()[~target.mask.numpy()]
            if not ROWS[name].hidden:
                np.testing.assert_array_equal(out, np.zeros_like(out))
            elif out.size > 20:
                assert np.count_nonzero(out) > out.size // 2
    train(model)
    after = masks(model)
    if not ROWS[name].returns:
        for key in before:
            assert not np.any(after[key] & ~before[key])


@every_method
@every_optimizer
def test_frozen_weights_stay_zero(name, optimizer):
    model = train(pruned(ROWS[name].make(), optimizer))
    before = masks(model)
    tfprune.freeze(model)
    model.compile(
        tfprune.PruningOptimizer(OPTIMIZERS[optimizer]()),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    train(model)
    for unit in units.tagged(model.variables):
        for target in unit.targets:
            mask = target.mask.numpy()
            np.testing.assert_array_equal(
                mask, before[f"{unit.name}/{target.role}"]
            )
            assert not np.any(target.variable.numpy()[~mask])


@every_method
def test_method_round_trips(name):
    method = ROWS[name].make()
    saved = keras.saving.serialize_keras_object(method)
    assert keras.saving.deserialize_keras_object(saved) == method


@every_method
@every_optimizer
def test_save_reload_continue_is_no_interruption(name, optimizer, tmp_path):
    model = train(pruned(ROWS[name].make(), optimizer))
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    if optimizer == "ema":
        # Keras overwrites weights with averages where `fit` ends.
        assert_same(model, reloaded)
        return
    train(model), train(reloaded)
    assert_same(model, reloaded)


@every_method
def test_eager_graph_and_xla_agree(name):
    eager = train(pruned(ROWS[name].make(), run_eagerly=True))
    graph = train(pruned(ROWS[name].make(), jit_compile=False))
    xla = train(pruned(ROWS[name].make(), jit_compile=True))
    for other in (graph, xla):
        assert_same(eager, other, 1e-5)


@every_method
def test_steps_per_execution_changes_nothing(name):
    one = train(pruned(ROWS[name].make()))
    eight = train(pruned(ROWS[name].make(), steps_per_execution=8))
    assert_same(one, eight)


@every_method
def test_same_seed_same_masks(name):
    one, other = (train(pruned(ROWS[name].make())) for _ in range(2))
    assert_same(one, other)


@every_method
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(name, policy):
    keras.config.set_dtype_policy(policy)
    model = train(pruned(ROWS[name].make()))
    assert all(v.dtype == "float32" for v in model.trainable_variables)
    assert max(1 - mask.mean() for mask in masks(model).values()) > 0.3
    for variable in model.trainable_variables:
        assert np.isfinite(variable.numpy()).all()
    bare = tfprune.strip(model)
    np.testing.assert_array_equal(model(data()[0]), bare(data()[0]))


@every_method
def test_gradient_accumulation_counts_real_updates(name):
    method = ROWS[name].make()
    model = tfprune.prune(net_for(method), method)
    inner = keras.optimizers.SGD(0.05, gradient_accumulation_steps=4)
    model.compile(
        tfprune.PruningOptimizer(inner),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    x, y = data()
    for end, pruned_by_now in ((24, False), (64, True)):
        # Batches of 8: 3 of them are no update yet, 8 are two.
        begin = 0 if end == 24 else 24
        model.fit(x[begin:end], y[begin:end], BATCH, shuffle=False, verbose=0)
        some = any(not mask.all() for mask in masks(model).values())
        assert some == pruned_by_now
    assert int(model.optimizer.iterations) == 2


@every_method
def test_custom_training_loop_equals_fit(name):
    model, fitted = pruned(ROWS[name].make()), pruned(ROWS[name].make())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = model.optimizer

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        weights = model.trainable_variables
        optimizer.apply_gradients(
            zip(tape.gradient(value, weights), weights, strict=True)
        )

    x, y = data()
    for begin in range(0, EXAMPLES, BATCH):
        step(x[begin : begin + BATCH], y[begin : begin + BATCH])
    assert_same(model, train(fitted), 1e-6)


@every_method
@pytest.mark.parametrize("optimizer", ["momentum", "adam", "adamw"])
def test_two_replicas_equal_one(name, optimizer):
    one = train(pruned(ROWS[name].make(), optimizer, extras=False))
    # The default keeps keys of tensors' shapes for the whole process.
    reduction = tf.distribute.ReductionToOneDevice()
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], reduction)
    with strategy.scope():
        two = pruned(ROWS[name].make(), optimizer, extras=False)
    train(two)
    for unit in units.tagged(two.variables):
        for target in unit.targets:
            first, second = strategy.experimental_local_results(
                target.mask.value
            )
            np.testing.assert_array_equal(first.numpy(), second.numpy())
    assert_same(one, two, 2e-5)
