"""Prunable runs any layer with masked weights, and changes nothing else."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import tfprune
from tfprune import methods

HALF = methods.Magnitude(0.5, frequency=1)

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


def tokens(x):
    return ops.cast(ops.abs(x[..., 0]) * 3, "int32")


def rnn_with_mask(rnn):
    def call(x):
        words = layers.Embedding(9, 4, mask_zero=True, name="words")
        return rnn(words(tokens(x)))

    return call


def attention(**kwargs):
    def call(x):
        layer = layers.MultiHeadAttention(2, 4, dropout=0.0, name="layer")
        tensors = {k: v(x) if callable(v) else v for k, v in kwargs.items()}
        return layer(x, x, **tensors)

    return call


# name to (input shape, input tensor -> output of the layer named "layer").
LAYERS = {
    "dense": ((6, 4), layers.Dense(5, "relu", name="layer")),
    "conv_1d": ((8, 4), layers.Conv1D(6, 3, name="layer")),
    "conv_2d_transpose": (
        (5, 5, 4),
        layers.Conv2DTranspose(6, 3, name="layer"),
    ),
    "depthwise": (
        (5, 5, 4),
        layers.DepthwiseConv2D(3, depth_multiplier=2, name="layer"),
    ),
    "separable": ((5, 5, 4), layers.SeparableConv2D(6, 3, name="layer")),
    "einsum": (
        (6, 4),
        layers.EinsumDense(
            "abc,cd->abd", (None, 6), bias_axes="d", name="layer"
        ),
    ),
    "embedding": (
        (6, 4),
        lambda x: layers.Embedding(9, 5, name="layer")(tokens(x)),
    ),
    "lstm": ((6, 4), layers.LSTM(5, return_sequences=True, name="layer")),
    "lstm_with_state": (
        (6, 4),
        lambda x: layers.LSTM(4, name="layer")(
            x, initial_state=[x[:, 0], x[:, 1]]
        ),
    ),
    "gru_with_mask": ((6, 4), rnn_with_mask(layers.GRU(5, name="layer"))),
    "lstm_with_mask": (
        (6, 4),
        lambda x: layers.LSTM(5, name="layer")(
            layers.Masking()(x * ops.cast(x[..., :1] > 0, "float32"))
        ),
    ),
    "bidirectional": (
        (6, 4),
        rnn_with_mask(layers.Bidirectional(layers.LSTM(3), name="layer")),
    ),
    "time_distributed": (
        (6, 4),
        layers.TimeDistributed(layers.Dense(5), name="layer"),
    ),
    "attention": ((6, 4), attention()),
    "causal_attention": ((6, 4), attention(use_causal_mask=True)),
    "masked_attention": (
        (6, 4),
        attention(
            attention_mask=lambda x: ops.matmul(x, ops.swapaxes(x, 1, 2)) > 0
        ),
    ),
}
# The others run eagerly, which is faster to test.
IN_GRAPH = ("lstm_with_mask", "embedding", "causal_attention")
every_layer = pytest.mark.parametrize("kind", LAYERS)


def net(kind):
    shape, layer = LAYERS[kind]
    if isinstance(layer, layers.Layer):
        layer = type(layer).from_config(layer.get_config())
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


def compile_(model, **kwargs):
    optimizer = tfprune.PruningOptimizer(keras.optimizers.SGD(0.1))
    model.compile(optimizer, "mse", **kwargs)


def batch(model):
    shape = (4, *model.inputs[0].shape[1:])
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    return x, np.ones_like(model(x))


def set_random_masks(model, plain):
    """Sets masks, and zeros in the plain model in their place."""
    random = np.random.default_rng(1)
    masks = {
        id(target.variable): target.mask
        for target in model.get_layer("layer").pruning_units[0].targets
    }
    pairs = zip(
        model.get_layer("layer").layer.variables,
        plain.get_layer("layer").variables,
        strict=True,
    )
    for variable, twin in pairs:
        if id(variable) in masks:
            mask = random.random(variable.shape) < 0.6
            masks[id(variable)].assign(mask)
            twin.assign(np.where(mask, variable.numpy(), 0))


def close(one, other):
    """Equal but for the order of sums, which memory alignment decides."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@every_layer
def test_masked_forward_is_the_forward_with_zeroed_weights(kind, tmp_path):
    plain = net(kind)
    model = tfprune.prune(plain, HALF, filters="layer", wrap=True)
    x, _ = batch(plain)
    dense = model(x)
    close(dense, plain(x))
    set_random_masks(model, plain)
    close(model(x), plain(x))
    assert np.abs(model(x) - dense).max() > 1e-4
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    close(reloaded(x), plain(x))


@every_layer
def test_training_prunes_and_moves_the_rest(kind):
    model = tfprune.prune(net(kind), HALF, filters="layer", wrap=True)
    compile_(model, run_eagerly=kind not in IN_GRAPH)
    layer = model.get_layer("layer")
    (unit,) = layer.pruning_units
    before = [target.variable.numpy() for target in unit.targets]
    x, y = batch(model)
    model.fit(x, y, verbose=0)
    for target, old in zip(unit.targets, before, strict=True):
        mask, new = target.mask.numpy(), target.variable.numpy()
        assert not mask.all() and not new[~mask].any()
        assert np.any(new[mask] != old[mask])


def test_masks_of_time_steps_pass_through():
    plain = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Embedding(9, 4, mask_zero=True),
            layers.Dense(4),
            layers.LSTM(3),
        ]
    )
    model = tfprune.prune(plain, HALF, wrap=True)
    words = np.array([[1, 2, 3, 0, 0, 0], [4, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(model(words), plain(words))
    mask = model.layers[0].compute_mask(words)
    np.testing.assert_array_equal(mask, words != 0)
    shorter = model(words[:, :3])
    np.testing.assert_allclose(model(words), shorter, 1e-6)


@keras.saving.register_keras_serializable(package="prunable_test")
class Composite(layers.Layer):
    """Everything that a layer may do besides multiplying."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(8, kernel_regularizer="l2")
        self.norm = layers.BatchNormalization(momentum=0.5)
        self.dropout = layers.Dropout(0.5, seed=3)
        self.last = layers.Dense(8, activity_regularizer="l1")

    def call(self, x, training=None):
        x = self.norm(self.first(x), training=training)
        self.add_loss(ops.mean(x))
        return self.last(self.dropout(x, training=training))


def composite():
    """The same model twice: plain, and pruned with nothing pruned yet."""
    plain = keras.Sequential([keras.Input((4,)), Composite(name="layer")])
    return plain, tfprune.prune(plain, HALF, wrap=True)


def noise():
    return np.random.default_rng(0).normal(size=(16, 4)).astype("float32")


def state(model, name):
    """Returns the arrays whose path ends like this, targets included."""
    found = [v for v in model.variables if v.path.endswith(name)]
    assert found
    return [v.numpy() for v in found]


@pytest.mark.parametrize("eager", [True, False])
def test_what_a_composite_layer_writes_is_kept(eager):
    plain, model = composite()
    one, other = noise(), np.zeros((16, 8))
    for each in (plain, model):
        each.compile("sgd", "mse", run_eagerly=eager)
        each.fit(one, other, 4, 3, shuffle=False, verbose=0)
    for name in ("moving_mean", "moving_variance", "seed_generator_state"):
        for expected, kept in zip(
            state(plain, name), state(model, name), strict=True
        ):
            np.testing.assert_array_equal(kept, expected)
    assert np.abs(state(model, "moving_mean")).max() > 0.01
    layer = model.get_layer("layer").layer
    np.testing.assert_array_equal(
        layer.first.kernel, plain.get_layer("layer").first.kernel
    )


def test_dropout_differs_from_step_to_step():
    _, model = composite()
    outputs = [np.array(model(noise(), training=True)) for _ in range(3)]
    assert not np.array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[1], outputs[2])
    quiet = [np.array(model(noise())) for _ in range(2)]
    np.testing.assert_array_equal(*quiet)


def test_every_loss_counts_once():
    plain, model = composite()
    plain(noise()), model(noise())
    # add_loss, the activity and the kernel regularizer.
    assert len(plain.losses) == len(model.losses) == 3
    np.testing.assert_array_equal(model.losses, plain.losses)
    for each in (plain, model):
        each.compile("sgd", "mse", run_eagerly=True)
    x, y = noise(), np.zeros((16, 8))
    plain.layers[-1].dropout.rate = 0.0
    model.layers[-1].layer.dropout.rate = 0.0
    assert model.evaluate(x, y, verbose=0) == plain.evaluate(x, y, verbose=0)


def test_the_state_of_a_stateful_rnn_is_kept():
    inputs = keras.Input(batch_shape=(4, 6, 3))
    lstm = layers.LSTM(5, stateful=True, name="layer")
    plain = keras.Model(inputs, lstm(inputs))
    model = tfprune.prune(plain, HALF, wrap=True)
    x = np.ones((4, 6, 3))
    first, second = np.array(model(x)), np.array(model(x))
    np.testing.assert_array_equal(first, plain(x))
    np.testing.assert_array_equal(second, plain(x))
    assert not np.array_equal(first, second)


def test_a_layer_that_is_not_trained_stays_as_it_is():
    plain = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, name="off", trainable=False),
            layers.Dense(8, name="on"),
        ]
    )
    model = tfprune.prune(plain, HALF, wrap=True)
    compile_(model, run_eagerly=True)
    model.fit(noise(), np.zeros((16, 8)), verbose=0)
    off, on = (model.get_layer(name) for name in ("off", "on"))
    np.testing.assert_array_equal(off.layer.kernel, plain.layers[0].kernel)
    assert off.pruning_units[0].targets[0].mask.numpy().all()
    assert not on.pruning_units[0].targets[0].mask.numpy().all()
    with pytest.warns(UserWarning, match="never decided.*decide: off$"):
        stripped = tfprune.strip(model)
    assert not stripped.get_layer("off").trainable


def test_a_frozen_base_is_pruned_and_trained_when_it_is_unfrozen():
    base = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, name="on")], name="base"
    )
    base.trainable = False
    inputs = keras.Input((4,))
    plain = keras.Model(inputs, layers.Dense(8)(base(inputs)))
    model = tfprune.prune(plain, HALF, wrap=True)
    layer = model.get_layer("base").get_layer("on")
    assert not layer.trainable and not layer.trainable_variables
    before = layer.layer.kernel.numpy()
    model.get_layer("base").trainable = True
    assert layer.trainable and layer.layer.trainable
    compile_(model, run_eagerly=True)
    model.fit(noise(), np.zeros((16, 8)), verbose=0)
    after = layer.layer.kernel.numpy()
    assert np.mean(after == 0) == 0.5 and np.all(after != before)


def test_trainable_is_one_flag_of_wrapper_and_layer():
    layer = tfprune.Prunable(layers.Dense(8), HALF, trainable=False)
    assert not layer.layer.trainable
    layer(noise())
    layer.layer.trainable = True
    assert layer.trainable and len(layer.trainable_variables) == 2
    layer.trainable = False
    assert not layer.layer.trainable and not layer.trainable_variables
    config = layer.get_config()
    assert not tfprune.Prunable.from_config(config).layer.trainable


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = tfprune.Prunable(layers.Dense(8, "relu"), HALF)
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def test_a_subclassed_model_may_wrap_its_layers():
    model = Subclassed()
    compile_(model)
    model.fit(noise(), np.ones((16, 1)), verbose=0)
    (target,) = model.hidden.pruning_units[0].targets
    mask, kernel = target.mask.numpy(), model.hidden.layer.kernel.numpy()
    assert mask.mean() == 0.5
    assert not kernel[~mask].any() and kernel[mask].all()
    tfprune.set_mask(model, model.hidden.name, np.zeros((4, 8), bool))
    assert np.ptp(model(noise())) == 0


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="`method` must be .*Method. Received"):
        tfprune.Prunable(layers.Dense(8), "magnitude")
    with pytest.raises(ValueError, match="'relu'.*it has no kernel"):
        tfprune.Prunable(layers.ReLU(name="relu"), HALF)(noise())
