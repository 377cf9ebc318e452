"""factorize: what is inside of attention, and sums of products anywhere."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.compress.low_rank import low_rank_nets as thin_nets
from tfprune.graph import equivalence

# Equation, output shape, axes of the bias, input shape.
EQUATIONS = {
    "heads": ("abc,cde->abde", (None, 2, 4), "de", (5, 12)),
    "output": ("abcd,cde->abe", (None, 6), "e", (5, 3, 4)),
    "dots before": ("...x,xy->...y", 6, "y", (3, 5, 8)),
    "dots behind": ("ab...,bc->ac...", 6, "c", (8, 5)),
    "kernel in another order": ("abc,dce->abde", (None, 2, 4), "de", (5, 12)),
    "result in another order": ("abc,cde->aedb", (4, 2, None), "ed", (5, 12)),
    "bias of one axis": ("abc,cde->abde", (None, 2, 4), "d", (5, 12)),
    "no bias": ("abc,cd->abd", (None, 6), None, (5, 8)),
}


def einsum(kind, **arguments):
    equation, output_shape, bias_axes, shape = EQUATIONS[kind]
    layer = layers.EinsumDense(
        equation,
        output_shape,
        bias_axes=bias_axes,
        bias_initializer="normal",
        name="e",
        **arguments,
    )
    return thin_nets.one(layer, shape)


@pytest.mark.parametrize("method", ["pca", "svd", "kmeans"])
@pytest.mark.parametrize("kind", EQUATIONS)
def test_full_rank_of_an_equation_is_exact(kind, method):
    model = einsum(kind, activation="tanh")
    found = tfprune.factorize(model, 1.0, method=method, split_where="always")
    assert [x.name for x in found.model.layers] == ["e_lowrank", "e_linear"]
    thin_nets.compare(model, found.model)


@pytest.mark.parametrize("kind", EQUATIONS)
def test_full_rank_by_data_is_exact(kind):
    model = einsum(kind)
    data = thin_nets.noise(model, 40)
    found = tfprune.factorize(model, 1.0, data=data, split_where="always")
    thin_nets.compare(model, found.model, 1e-4)


def test_means_move_to_a_bias_of_all_filters():
    model = einsum("bias of one axis")
    x = thin_nets.noise(model, 20) + 1
    form = tfprune.compress.low_rank.Channels(
        tfprune.compress.low_rank.PCA(centered=True)
    )
    found = tfprune.factorize(
        model, ranks={"e": 2}, method=form, data=x, split_where="always"
    )
    np.testing.assert_allclose(
        np.mean(found.model(x), axis=(0, 1)),
        np.mean(model(x), axis=(0, 1)),
        atol=1e-4,
    )


@pytest.mark.parametrize(
    ("equation", "output_shape", "shape", "why"),
    [
        ("abc,bcd->abd", (5, 6), (5, 8), "both read and made"),
        ("abc,b->ac", (8,), (5, 8), "is no matrix"),
        ("abc,cd->ad", (6,), (5, 8), "is summed without it"),
        ("abc,cd->abd", (5, 6), (5, 8), "bias is not a number for each"),
    ],
)
def test_a_kernel_that_is_no_matrix_stays(equation, output_shape, shape, why):
    axes = "bd" if "bias" in why else None
    layer = layers.EinsumDense(equation, output_shape, bias_axes=axes)
    model = thin_nets.one(layer, shape)
    found = tfprune.factorize(model, 0.9)
    assert why in found.table.rows[0].why
    thin_nets.compare(model, found.model, 0)


@pytest.mark.parametrize("kind", ["dense", "einsum"])
def test_kernels_under_lora_stay(kind):
    layer = layers.Dense(8) if kind == "dense" else None
    model = einsum("no bias") if layer is None else thin_nets.one(layer, (5, 8))
    model.layers[0].enable_lora(2)
    found = tfprune.factorize(model, 0.5, split_where="always")
    assert "enable_lora" in found.table.rows[0].why
    thin_nets.compare(model, found.model, 0)


def attention_net(
    attention=None, length=7, names=("first", "second")
) -> keras.Model:
    """Blocks; the projections of the first are of rank 2."""
    inputs = x = keras.Input((length, 24))
    for name in names:
        y = attention or layers.MultiHeadAttention(3, 8)
        y = type(y).from_config({**y.get_config(), "name": name})
        x = x + y(x, x)
        x = layers.LayerNormalization(name=f"{name}_norm")(x)
    model = keras.Model(inputs, layers.Dense(5, name="top")(x))
    rng = np.random.default_rng(0)
    for layer in model.get_layer("first")._flatten_layers(include_self=False):
        if isinstance(layer, layers.EinsumDense):
            kernel = layer.kernel
            rows = 24 if kernel.shape[0] == 24 else 3 * 8
            low = rng.normal(size=(rows, 2)) @ rng.normal(
                size=(2, np.prod(kernel.shape) // rows)
            )
            kernel.assign(0.1 * low.reshape(kernel.shape))
    return model


PARTS = ["query", "key", "value", "attention_output"]
FIRST = {f"first/{x}" for x in PARTS}
SECOND = {f"second/{x}" for x in PARTS}


@pytest.mark.parametrize(
    "attention",
    [layers.MultiHeadAttention(3, 8), layers.GroupQueryAttention(8, 3, 3)],
    ids=["multi-head", "group-query"],
)
def test_projections_of_attention(attention):
    model = attention_net(attention)
    found = tfprune.factorize(model, 1.0, split_where="always")
    names = {x.split("/")[-1] for x in found.table.ranks}
    assert len(found.table.ranks) == 9 and "top" in names
    thin_nets.compare(model, found.model, 1e-4)


def test_those_of_low_rank_are_found_and_others_stay_one_layer():
    model = attention_net()
    found = tfprune.factorize(model, 0.999)
    assert set(found.table.ranks) == FIRST
    assert set(found.table.ranks.values()) == {2}
    second = found.model.get_layer("second")
    assert type(second) is layers.MultiHeadAttention
    thin_nets.compare(model, found.model, 1e-4)


def test_macs_are_those_of_all_tokens():
    rows = {x.layer: x for x in tfprune.factorize(attention_net()).table.rows}
    query = rows["first/query"]
    assert query.macs == 7 * 24 * 24 and query.macs_after == 7 * 2 * (24 + 24)
    output = rows["first/attention_output"]
    assert output.macs == 7 * 24 * 24 and output.macs_after == 7 * 2 * 48


def test_a_budget_reaches_inside():
    table = tfprune.factorize(attention_net(), budget="macs<=60%").table
    assert 0.5 < 1 / table.mac_reduction <= 0.6
    assert FIRST <= set(table.ranks)


def test_layers_of_attention_are_named_by_path():
    ranks = {"first/query": 2, "second/.*": 3}
    found = tfprune.factorize(
        attention_net(), ranks=ranks, split_where="always"
    )
    expected = {"first/query": 2} | dict.fromkeys(SECOND, 3)
    assert found.table.ranks == expected


@pytest.mark.parametrize("name", ["query", "first/query", "first/q.*"])
def test_paths_are_known_where_names_alone_would_do(name):
    model = attention_net(names=["first"])
    found = tfprune.factorize(model, ranks={name: 2}, split_where="always")
    assert found.table.ranks == {"query": 2}


def test_attention_that_masks_reach_stays_and_is_listed():
    tokens = keras.Input((6,))
    x = layers.Embedding(10, 16, mask_zero=True)(tokens)
    x = layers.MultiHeadAttention(2, 8, name="attention")(x, x)
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(tokens, layers.Dense(8, name="top")(x))
    found = tfprune.factorize(model, 0.5, split_where="always")
    assert set(found.table.ranks) == {"top"}
    why = {row.layer: row.why for row in found.table.rows}
    assert why["attention"] == "is a MultiHeadAttention"


def test_it_is_saved_and_loaded(tmp_path):
    model = attention_net()
    small = tfprune.factorize(model).model
    small.save(tmp_path / "small.keras")
    again = keras.models.load_model(tmp_path / "small.keras")
    thin_nets.compare(small, again, 0)


def test_open_lengths():
    model = attention_net(length=None)
    found = tfprune.factorize(model, 1.0, split_where="always")
    x = np.random.default_rng(0).normal(size=(2, 9, 24)).astype("float32")
    np.testing.assert_allclose(found.model(x), model(x), atol=1e-4)


def test_spectra_reach_inside_of_a_pruned_model():
    model = attention_net()
    before = tfprune.compress.spectra(model).ranks(0.999)
    assert {name: before[name] for name in FIRST} == dict.fromkeys(FIRST, 2)
    tfprune.prune(model, tfprune.methods.Magnitude(0.5))
    tfprune.decide(model)
    assert FIRST <= set(tfprune.compress.spectra(model).ranks(0.9))


def test_spectra_are_of_what_factorize_takes():
    tokens = keras.Input((6,))
    x = layers.Embedding(10, 16, mask_zero=True)(tokens)
    x = layers.MultiHeadAttention(2, 8, name="masked")(x, x)
    x = layers.TimeDistributed(layers.Dense(8, name="inside"))(x)
    model = keras.Model(tokens, layers.Dense(8, name="top")(x))
    ranks = tfprune.compress.spectra(model).ranks(0.5)
    assert set(ranks) == {"top"}
    table = tfprune.factorize(model, ranks=ranks, split_where="always").table
    assert table.ranks == ranks


def test_nothing_runs_where_nothing_is_opened(monkeypatch):
    def fail(*arguments):
        raise AssertionError

    monkeypatch.setattr(equivalence, "check", fail)
    tfprune.factorize(thin_nets.residual_net(), 0.5)
    with pytest.raises(ValueError, match="finite weights"):
        model = attention_net()
        kernel = model.get_layer("top").kernel
        kernel.assign(kernel * np.nan)
        tfprune.factorize(model)


def test_ranks_are_measured_by_the_names_that_factorize_takes():
    net = attention_net()
    outputs = layers.GlobalAveragePooling1D()(net.output)
    model = keras.Model(net.input, outputs)
    x = thin_nets.noise(model, 32)
    labels = np.argmax(model(x), axis=-1)
    found = tfprune.planning.measure_rank_sensitivity(
        model, (x, labels), shares=(1.0, 0.1)
    )
    assert FIRST <= set(found.ranks)
    least = {name: ranks[-1] for name, ranks in found.ranks.items()}
    table = tfprune.factorize(model, ranks=least, split_where="always").table
    assert table.ranks == least
