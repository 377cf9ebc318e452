"""Backbones of KerasHub: half of their channels, heads and hidden size go."""

import pytest

import tfprune
from tests.compress.filters import backbones
from tfprune import compress

FAST = ("Bert", "GPT2", "Llama", "ViT")
# Blocks of MiT have configs that do not tell all of them; the first of T5 make
# biases of positions from weights of their own.
CLOSED = {"MiT", "T5"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(x, marks=() if x in FAST else pytest.mark.slow)
        for x in backbones.CONFIGS
        if x not in CLOSED
    ],
)
def test_half_of_it_goes(name):
    pytest.importorskip("keras_hub")
    _, parameters, share, left, macs, _, loads = backbones.row(name)
    assert loads == "yes"
    assert int(share[:-1]) >= 70 and int(left[:-1]) <= 65, (share, left)


@pytest.mark.parametrize("name", ["Bert", "GPT2", "Llama"])
def test_blocks_go(name):
    pytest.importorskip("keras_hub")
    model = backbones.build(name)
    small = tfprune.remove_filters(compress.zero_blocks(model, 0.5)).model
    assert small.count_params() < 0.9 * model.count_params()


def test_a_layer_whose_copy_would_be_another_one_is_named():
    pytest.importorskip("keras_hub")
    with pytest.raises(ValueError, match="'hierarchical_encoder_0_0' must"):
        compress.zero_filters(backbones.build("MiT"))
