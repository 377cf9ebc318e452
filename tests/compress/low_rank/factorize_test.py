"""factorize: exact at full rank, whatever the layer; split where it pays."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.compress.low_rank import low_rank_nets as thin_nets
from tfprune.compress.low_rank import forms

METHODS = list(forms.METHODS)
every_method = pytest.mark.parametrize("method", METHODS)
LAYERS = {
    "conv": lambda: layers.Conv2D(6, 3, bias_initializer="normal"),
    "strides": lambda: layers.Conv2D(6, (3, 2), (2, 1), "same"),
    "dilation": lambda: layers.Conv2D(6, 3, dilation_rate=2),
    "groups": lambda: layers.Conv2D(6, 3, groups=2, bias_initializer="normal"),
    "no bias": lambda: layers.Conv2D(6, 3, use_bias=False, activation="relu"),
}
OTHERS = {
    "pointwise": lambda: layers.Conv2D(6, 1),
    "dense": lambda: layers.Dense(6, "tanh", bias_initializer="normal"),
    "causal": lambda: layers.Conv1D(6, 3, padding="causal"),
    "volume": lambda: layers.Conv3D(6, 2),
}
SHAPES = {"causal": (9, 4), "volume": (4, 4, 4, 4)}


@every_method
@pytest.mark.parametrize("kind", LAYERS)
def test_full_rank_is_exact(method, kind):
    model = thin_nets.one(LAYERS[kind]())
    found = tfprune.factorize(model, 1.0, method=method, split_where="always")
    (row,) = found.table.rows
    assert row.is_split and row.rank == row.full_rank
    assert len(found.model.layers) == 2
    thin_nets.compare(model, found.model)


@pytest.mark.parametrize("method", ["pca", "svd", "kmeans"])
@pytest.mark.parametrize("kind", OTHERS)
def test_full_rank_is_exact_for_other_layers(method, kind):
    model = thin_nets.one(OTHERS[kind](), SHAPES.get(kind, (8, 9, 4)))
    found = tfprune.factorize(model, 1.0, method=method, split_where="always")
    assert found.table.rows[0].is_split
    thin_nets.compare(model, found.model)


def test_vertical_filters_are_followed_by_horizontal_ones():
    model = thin_nets.one(layers.Conv2D(6, (3, 5), (2, 1), "same"))
    vertical, horizontal = tfprune.factorize(
        model, ranks={".*": 4}, method="lra", split_where="always"
    ).model.layers
    assert vertical.kernel.shape == (3, 1, 4, 4)
    assert horizontal.kernel.shape == (1, 5, 4, 6)
    assert (vertical.strides, horizontal.strides) == ((2, 1), (1, 1))


def test_low_rank_is_found_and_a_layer_is_split():
    model = thin_nets.low(2, activation="relu", kernel_regularizer="l2")
    found = tfprune.factorize(model)
    first, last = found.model.layers
    assert (first.name, last.name) == ("conv_lowrank", "conv_linear")
    assert (first.filters, last.filters) == (2, 16)
    assert not first.use_bias and last.activation is keras.activations.relu
    thin_nets.compare(model, found.model, 1e-4)
    assert found.table.ranks == {"conv": 2}
    # 42 positions, 36 x 16 weights; 2 x (36 + 16) weights.
    assert found.table.rows[0].macs == 42 * 576
    assert found.table.rows[0].macs_after == 42 * 104
    assert found.table.mac_reduction == pytest.approx(576 / 104)


def test_groups_have_the_same_rank_and_stay_apart():
    model = thin_nets.low(2, groups=2)
    first, last = tfprune.factorize(model, 1.0).model.layers
    assert (first.groups, last.groups) == (2, 2)
    assert (first.filters, last.kernel.shape) == (4, (1, 1, 2, 16))
    thin_nets.compare(model, tfprune.factorize(model, 1.0).model, 1e-4)


def test_a_net_with_shared_and_nested_layers():
    model = thin_nets.residual_net()
    found = tfprune.factorize(model, 1.0, split_where="always")
    assert set(found.table.ranks) == {"a", "shared", "b", "d"}
    inner = found.model.get_layer("inner")
    assert [x.name for x in inner.layers] == ["b_lowrank", "b_linear"]
    thin_nets.compare(model, found.model)
    shared = found.table.rows[1]
    assert shared.macs == 2 * 64 * 9 * 16 * 16


def test_the_model_itself_is_untouched():
    model = thin_nets.residual_net()
    before = [np.array(x) for x in model.variables]
    tfprune.factorize(model, 0.5)
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_layers_that_would_cost_more_stay():
    model = thin_nets.one(layers.Conv2D(16, 1, name="conv"), (4, 4, 4))
    found = tfprune.factorize(model, 1.0)
    assert [x.name for x in found.model.layers] == ["conv"]
    (row,) = found.table.rows
    assert not row.is_split and row.why == "would take 125% of MACs"
    assert row.macs_after == row.macs


def test_layers_are_split_by_time_where_that_is_measured():
    model = thin_nets.low(1)
    row = tfprune.factorize(model, split_where="time", rounds=2).table.rows[0]
    assert row.dense_ms > 0 and row.split_ms > 0
    assert row.is_split == (row.split_ms < row.dense_ms)


def test_energy_and_ranks_by_layer():
    model = thin_nets.residual_net()
    energy = {"a": 0.5, "b": 0.9, "shared": None}
    table = tfprune.factorize(model, energy, split_where="always").table
    assert set(table.ranks) == {"a", "b"}
    ranks = {".*": 3, "b": 2, "d": None}
    table = tfprune.factorize(model, ranks=ranks, split_where="always").table
    assert table.ranks == {"a": 3, "shared": 3, "b": 2}


def test_it_loads_with_plain_keras(tmp_path):
    model = thin_nets.low(2)
    small = tfprune.factorize(model).model
    small.save(tmp_path / "small.keras")
    np.save(tmp_path / "x.npy", thin_nets.noise(model))
    np.save(tmp_path / "y.npy", small(thin_nets.noise(model)))
    code = (
        "import sys, keras, numpy as np\n"
        "model = keras.models.load_model('small.keras')\n"
        "y = model(np.load('x.npy'))\n"
        "np.testing.assert_array_equal(y, np.load('y.npy'))\n"
        "assert 'tfprune' not in sys.modules\n"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, cwd=tmp_path).returncode == 0


def test_it_can_be_trained_pruned_and_sparsified():
    model = tfprune.factorize(
        thin_nets.residual_net(), 0.9, split_where="always"
    ).model
    assert model.get_layer("a_lowrank").filters < 16
    pruned = tfprune.prune(model, tfprune.methods.Magnitude(0.5, frequency=1))
    pruned.compile(tfprune.PruningOptimizer("sgd"), "mse")
    pruned.fit(thin_nets.noise(model), np.zeros((3, 6)), verbose=0)
    bare = tfprune.strip(pruned)
    zeros = np.mean(bare.get_layer("a_lowrank").kernel == 0)
    assert zeros == pytest.approx(0.5, abs=0.01)
    thin_nets.compare(bare, tfprune.sparsify(bare, rounds=1).model, 1e-4)


def test_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = thin_nets.low(2)
    found = tfprune.factorize(model)
    assert found.table.ranks == {"conv": 2}
    assert found.model.layers[0].kernel.dtype == "float32"
    assert found.model.layers[0].compute_dtype == "bfloat16"
    thin_nets.compare(model, found.model, 0.3)


class TestSkippedLayers:
    @pytest.mark.parametrize(
        ("layer", "why"),
        [
            (layers.Conv2D(1, 3), "has one filter or input only"),
            (layers.Conv2D(4, 3, groups=4), "has one filter or input only"),
            (layers.DepthwiseConv2D(3), "is a DepthwiseConv2D"),
            (layers.BatchNormalization(), "is a BatchNormalization"),
        ],
    )
    def test_is_listed_with_the_reason(self, layer, why):
        model = thin_nets.one(layer)
        found = tfprune.factorize(model)
        assert why in found.table.rows[0].why and why in str(found)
        thin_nets.compare(model, found.model, 0)

    def test_thin_filters_have_no_spatial_form(self):
        model = thin_nets.one(layers.Conv2D(8, (1, 3)))
        table = tfprune.factorize(model, method="lra").table
        assert "separable already" in table.rows[0].why

    def test_quantized_kernels(self):
        model = thin_nets.one(layers.Dense(8))
        model.layers[0].quantize("int8")
        assert "int8" in tfprune.factorize(model).table.rows[0].why
