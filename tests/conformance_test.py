"""Every property of the conformance table runs over every method, a row.

Cells that are left out because Keras itself fails there:

* SGD with gradient accumulation, and EMA with overwriting, under
  MirroredStrategy: Keras 3.15 assigns in a cond inside the replica context.
"""

import contextlib
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tests import conformance_rows as table
from tfprune import methods
from tfprune.core import units

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")

every_method = pytest.mark.parametrize("name", table.ROWS)
SLOW = set(table.OPTIMIZERS) - {"momentum"}
every_optimizer = pytest.mark.parametrize(
    "optimizer",
    [
        pytest.param(x, marks=[pytest.mark.slow] if x in SLOW else [])
        for x in table.OPTIMIZERS
    ],
)


@every_method
def test_every_method_has_a_row(name):
    assert set(table.ROWS) == set(methods.REGISTRY)


@pytest.fixture
def products_as_written():
    """Grappler gathers constant factors, if no mask is between them."""
    option = "arithmetic_optimization"
    tf.config.optimizer.set_experimental_options({option: False})
    yield
    tf.config.optimizer.set_experimental_options({option: True})


@every_method
@every_optimizer
@pytest.mark.usefixtures("products_as_written")
def test_doing_nothing_trains_as_the_inner_optimizer(name, optimizer):
    if table.ROWS[name].nothing is None:
        pytest.skip("the method always prunes")
    plain = table.net_for(table.ROWS[name].nothing())
    plain.compile(
        table.OPTIMIZERS[optimizer](),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model = table.pruned(table.ROWS[name].nothing(), optimizer)
    table.train(plain), table.train(model)
    bare = tfprune.strip(model)
    for one, other in zip(plain.weights, bare.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@every_method
def test_masks_have_the_shape_and_reach_the_target(name):
    model = table.train(table.pruned(table.ROWS[name].make()))
    for unit in units.tagged(model.variables):
        for target in unit.targets:
            assert target.mask.shape == target.variable.shape
        if table.ROWS[name].sparsity is not None:
            kept = int(unit.targets[0].mask.numpy().sum())
            size = math.prod(unit.targets[0].mask.shape)
            assert abs(size - kept - table.ROWS[name].sparsity * size) <= 1
    pruned_share = [1 - mask.mean() for mask in table.masks(model).values()]
    assert max(pruned_share) > 0.3


@every_method
def test_masked_forward_is_the_dense_forward_on_zeroed_weights(name):
    model = table.train(table.pruned(table.ROWS[name].make()))
    zeroed = table.net_for(table.ROWS[name].make())
    layers = {layer.name: layer for layer in model.layers}
    for layer in zeroed.layers:
        layer = getattr(layers[layer.name], "layer", layers[layer.name])
        zeroed.get_layer(layer.name).set_weights(layer.get_weights())
    for unit in units.tagged(model.variables):
        layer = zeroed.get_layer(unit.name)
        for target in unit.targets:
            weight = getattr(layer, target.role)
            weight.assign(np.where(target.mask.numpy(), weight.numpy(), 0))
    x, _ = table.data()
    np.testing.assert_array_equal(model(x), zeroed(x))


@every_method
def test_strip_predicts_the_same_without_tfprune(name):
    model = table.train(table.pruned(table.ROWS[name].make()))
    before = model(table.data()[0])
    bare = tfprune.strip(model)
    assert bare is model and not units.tagged(model.variables)
    assert type(model.optimizer) is keras.optimizers.SGD
    np.testing.assert_array_equal(before, bare(table.data()[0]))


@every_method
@every_optimizer
def test_what_pruned_weights_may_do(name, optimizer):
    model = table.train(table.pruned(table.ROWS[name].make(), optimizer))
    before = table.masks(model)
    for unit in units.tagged(model.variables):
        for target in unit.targets:
            masked = ~target.mask.numpy()
            assert not np.any(target.variable.numpy()[masked])
            out = target.dense()[masked]
            if not table.ROWS[name].hidden:
                np.testing.assert_array_equal(out, np.zeros_like(out))
            elif out.size > 20:
                assert np.count_nonzero(out) > out.size // 2
    table.train(model)
    after = table.masks(model)
    if not table.ROWS[name].returns:
        for key in before:
            assert not np.any(after[key] & ~before[key])


@every_method
@every_optimizer
def test_frozen_weights_stay_zero(name, optimizer):
    model = table.train(table.pruned(table.ROWS[name].make(), optimizer))
    before = table.masks(model)
    tfprune.freeze(model)
    model.compile(
        tfprune.PruningOptimizer(table.OPTIMIZERS[optimizer]()),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    table.train(model)
    for unit in units.tagged(model.variables):
        for target in unit.targets:
            mask = target.mask.numpy()
            np.testing.assert_array_equal(
                mask, before[f"{unit.name}/{target.role}"]
            )
            assert not np.any(target.variable.numpy()[~mask])


@every_method
def test_method_round_trips(name):
    method = table.ROWS[name].make()
    saved = keras.saving.serialize_keras_object(method)
    assert keras.saving.deserialize_keras_object(saved) == method


@every_method
@every_optimizer
def test_save_reload_continue_is_no_interruption(name, optimizer, tmp_path):
    model = table.train(table.pruned(table.ROWS[name].make(), optimizer))
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    if optimizer == "ema":
        # Keras overwrites weights with averages where `fit` ends.
        table.assert_same(model, reloaded)
        return
    table.train(model), table.train(reloaded)
    table.assert_same(model, reloaded)


@every_method
def test_eager_graph_and_xla_agree(name):
    eager = table.train(table.pruned(table.ROWS[name].make(), run_eagerly=True))
    graph = table.train(
        table.pruned(table.ROWS[name].make(), jit_compile=False)
    )
    xla = table.train(table.pruned(table.ROWS[name].make(), jit_compile=True))
    for other in (graph, xla):
        table.assert_same(eager, other, 1e-5)


@every_method
def test_steps_per_execution_changes_nothing(name):
    one = table.train(table.pruned(table.ROWS[name].make()))
    eight = table.train(
        table.pruned(table.ROWS[name].make(), steps_per_execution=8)
    )
    table.assert_same(one, eight)


@every_method
def test_same_seed_same_masks(name):
    one, other = (
        table.train(table.pruned(table.ROWS[name].make())) for _ in range(2)
    )
    table.assert_same(one, other)


@every_method
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(name, policy):
    keras.config.set_dtype_policy(policy)
    model = table.train(table.pruned(table.ROWS[name].make()))
    assert all(v.dtype == "float32" for v in model.trainable_variables)
    assert max(1 - mask.mean() for mask in table.masks(model).values()) > 0.3
    for variable in model.trainable_variables:
        assert np.isfinite(variable.numpy()).all()
    before = model(table.data()[0])
    bare = tfprune.strip(model)
    np.testing.assert_array_equal(before, bare(table.data()[0]))


@every_method
def test_gradient_accumulation_counts_real_updates(name):
    method = table.ROWS[name].make()
    model = tfprune.prune(table.net_for(method), method)
    inner = keras.optimizers.SGD(0.05, gradient_accumulation_steps=4)
    model.compile(
        tfprune.PruningOptimizer(inner),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    x, y = table.data()
    for end, pruned_by_now in ((24, False), (64, True)):
        # Batches of 8: 3 of them are no update yet, 8 are two.
        begin = 0 if end == 24 else 24
        model.fit(
            x[begin:end], y[begin:end], table.BATCH, shuffle=False, verbose=0
        )
        some = any(not mask.all() for mask in table.masks(model).values())
        assert some == pruned_by_now
    assert int(model.optimizer.iterations) == 2


@every_method
def test_custom_training_loop_equals_fit(name):
    model, resolve_settings = (
        table.pruned(table.ROWS[name].make()),
        table.pruned(table.ROWS[name].make()),
    )
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

    x, y = table.data()
    for begin in range(0, table.EXAMPLES, table.BATCH):
        step(x[begin : begin + table.BATCH], y[begin : begin + table.BATCH])
    table.assert_same(model, table.train(resolve_settings), 1e-6)


@every_method
@pytest.mark.parametrize("optimizer", ["momentum", "adam", "adamw"])
def test_two_replicas_equal_one(name, optimizer):
    one = table.train(
        table.pruned(table.ROWS[name].make(), optimizer, extras=False)
    )
    # The default keeps keys of tensors' shapes for the whole process.
    reduction = tf.distribute.ReductionToOneDevice()
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], reduction)
    with strategy.scope():
        two = table.pruned(table.ROWS[name].make(), optimizer, extras=False)
    table.train(two)
    for unit in units.tagged(two.variables):
        for target in unit.targets:
            first, second = strategy.experimental_local_results(
                target.mask.value
            )
            np.testing.assert_array_equal(first.numpy(), second.numpy())
    table.assert_same(one, two, 2e-5)


WAYS = {
    "momentum": {"optimizer": "momentum"},
    "adam": {"optimizer": "adam"},
    "adamw_clipnorm": {"optimizer": "adamw"},
    "ema": {"optimizer": "ema"},
    "adamw_clipnorm_ema": {"optimizer": "adamw_ema"},
    "xla": {"jit_compile": True},
    "mixed_float16": {"dtype": "mixed_float16"},
    "accumulation": {"optimizer": "accumulation"},
    "mirrored": {"extras": False, "replicas": 2},
}


@every_method
@pytest.mark.parametrize(
    "way",
    [
        "momentum",
        *(pytest.param(way, marks=pytest.mark.slow) for way in [*WAYS][1:]),
    ],
)
def test_in_place_and_wrapped_learn_the_same(name, way):
    own = dict(WAYS[way])
    keras.config.set_dtype_policy(own.pop("dtype", "float32"))
    both = []
    for wrap in (False, True):
        with _replicas(own.get("replicas", 1)):
            method = table.ROWS[name].make()
            arguments = {k: v for k, v in own.items() if k != "replicas"}
            both.append(table.pruned(method, wrap=wrap, **arguments))
        table.train(both[-1], epochs=7)
    one, other = (table.masks(model) for model in both)
    for key in one:
        np.testing.assert_array_equal(one[key], other[key])
    x, _ = table.data()
    np.testing.assert_allclose(both[0](x), both[1](x), rtol=0, atol=1e-5)
    for here, there in zip(*map(_targets, both), strict=True):
        np.testing.assert_allclose(here.dense(), there.dense(), 0, 1e-6)


def _replicas(count):
    """A scope in which a model is on so many replicas."""
    if count == 1:
        return contextlib.nullcontext()
    devices = [f"CPU:{i}" for i in range(count)]
    reduction = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(devices, reduction).scope()


def _targets(model):
    found = units.tagged(model.variables)
    return [target for unit in found for target in unit.targets]
