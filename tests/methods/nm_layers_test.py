"""n:m in layers of all kinds: along what they sum over, in training."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.graph import summing_layers
from tfprune import methods
from tfprune.core import units


def train(model, steps=2, eager=True):
    optimizer = tfprune.PruningOptimizer("adam")
    model.compile(optimizer, "mse", run_eagerly=eager)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, *model.inputs[0].shape[1:]))
    y = rng.normal(size=(4, *model.outputs[0].shape[1:]))
    model.fit(x, y, epochs=steps, verbose=0)
    return model


def targets_of(model):
    found = units.tagged(model.variables)
    return [target for unit in found for target in unit.targets]


def along(mask, axes):
    """The entries along some axes as rows, in order."""
    others = [axis for axis in range(mask.ndim) if axis not in axes]
    rows = np.transpose(mask, (*others, *axes))
    return rows.reshape(-1, np.prod([mask.shape[axis] for axis in axes]))


@pytest.mark.parametrize("kind", summing_layers.LAYERS)
def test_n_of_every_m_that_are_summed(kind):
    model = summing_layers.net(kind)
    kernels = [x for x in model.weights if "kernel" in x.name]
    model = tfprune.prune(model, methods.NM(2, 4, frequency=1), "layer")
    targets = targets_of(train(model))
    assert len(targets) == len(kernels)
    for target in targets:
        axes = summing_layers.axes_of(kind, target.variable)
        blocks = along(target.mask.numpy(), axes).reshape(-1, 4)
        assert (blocks.sum(axis=1) == 2).all(), target.variable.path
        bare = np.array(target.variable)[~target.mask.numpy()]
        assert not bare.any()


def attention(features, heads, size):
    inputs = keras.Input((5, features))
    outputs = layers.MultiHeadAttention(heads, size, name="layer")(
        inputs, inputs
    )
    return keras.Model(inputs, outputs)


def kernel_of(model, end):
    (found,) = [x for x in model.variables if x.path.endswith(end)]
    return found


@pytest.mark.parametrize(
    "features, heads, size, fitting",
    [
        (6, 2, 4, {"attention_output"}),
        (8, 3, 3, {"query", "key", "value"}),
    ],
)
def test_projections_that_do_not_fit_stay_dense(features, heads, size, fitting):
    model = attention(features, heads, size)
    dense = {"query", "key", "value", "attention_output"} - fitting
    with pytest.warns(match="layer: in part") as caught:
        model = tfprune.prune(model, methods.NM(2, 4, frequency=1))
    (warning,) = caught
    for name in fitting:
        assert name + "/kernel" not in str(warning.message)
    for name in dense:
        reason = f"its {name}/kernel: what is summed over has "
        assert reason in str(warning.message)
    targets = targets_of(train(model))
    assert {x.variable.path.split("/")[-2] for x in targets} == fitting
    assert {x.mask.numpy().mean() for x in targets} == {0.5}
    for name in dense:
        assert np.array(kernel_of(model, f"{name}/kernel")).all()


def test_a_kernel_that_does_not_fit_is_left_out_of_a_recurrent_layer():
    model = keras.Sequential(
        [keras.Input((5, 3)), layers.LSTM(8, name="layer")]
    )
    with pytest.warns(match="layer: in part, its lstm_cell/kernel: what is"):
        model = tfprune.prune(model, methods.NM(1, 4, frequency=1))
    (target,) = targets_of(train(model))
    assert target.variable.name == "recurrent_kernel"
    assert np.array(kernel_of(model, "lstm_cell/kernel")).all()


def test_a_layer_of_which_nothing_fits_is_skipped_with_all_reasons():
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.GRU(6, return_sequences=True, name="gru"),
            layers.DepthwiseConv1D(3, name="window"),
            layers.Conv1D(8, 2, name="mixed"),
            layers.Dense(2, name="fits"),
        ]
    )
    with pytest.warns() as caught:
        model = tfprune.prune(model, methods.NM(2, 4))
    (warning,) = caught
    rest = "entries, which m=4 of 2:4 does not divide"
    assert str(warning.message) == (
        "nm skips these layers:\n"
        f"  gru: its gru_cell/kernel: what is summed over has 3 {rest}; its "
        f"gru_cell/recurrent_kernel: what is summed over has 6 {rest}\n"
        f"  window: its kernel: what is summed over has 3 {rest}\n"
        f"  mixed: its kernel: what is summed over has 6 {rest}"
    )
    assert [unit.name for unit in units.tagged(model.variables)] == ["fits"]


def test_embeddings_are_looked_up_not_summed():
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Embedding(8, 4, name="rows"),
            layers.Dense(2, name="fits"),
        ]
    )
    reason = "rows: its embeddings: nothing is summed over"
    with pytest.warns(match=reason):
        model = tfprune.prune(model, methods.NM(2, 4))
    assert [unit.name for unit in units.tagged(model.variables)] == ["fits"]


def test_an_axis_of_the_user_goes_before_sums():
    model = summing_layers.net("conv2d_transpose")
    model = tfprune.prune(model, methods.NM(1, 4, axis=-2, frequency=1))
    (target,) = targets_of(train(model))
    blocks = along(target.mask.numpy(), (2,)).reshape(-1, 4)
    assert (blocks.sum(axis=1) == 1).all()


def test_a_saved_model_goes_on_along_the_same_axes(tmp_path):
    model = summing_layers.net("attention")
    method = methods.NM(2, 4, end_step=6, frequency=1)
    model = train(tfprune.prune(model, method), 3, eager=False)
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    train(model, 8, eager=False)
    for target in targets_of(model):
        axes = summing_layers.axes_of("attention", target.variable)
        blocks = along(target.mask.numpy(), axes).reshape(-1, 4)
        assert (blocks.sum(axis=1) == 2).all()


def test_a_force_around_it_sums_along_the_same_axes():
    model = summing_layers.net("conv2d_transpose")
    force = methods.Force(0.01, method=methods.NM(2, 4, frequency=1))
    (target,) = targets_of(train(tfprune.prune(model, force)))
    blocks = along(target.mask.numpy(), (3,)).reshape(-1, 4)
    assert (blocks.sum(axis=1) == 2).all()
