"""The table of nets on tokens, of a small one."""

import keras
import pytest
from keras import layers

from benchmarks.cases import token_nets
from benchmarks.harness import inprocess
from benchmarks.suites import tokens


def small():
    inputs = keras.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(token_nets.WORDS, 16)(inputs)
    x = x + layers.MultiHeadAttention(2, 8)(x, x)
    return keras.Model(inputs, layers.Dense(4)(x))


@pytest.fixture
def nets(monkeypatch):
    monkeypatch.setattr(token_nets, "NETS", {"small": (small, (3, 5))})
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)


def test_each_length_is_a_row(nets):
    text = tokens.run((0.5, 0.9), 1, 1)
    rows = [x for x in text.split("\n") if x.startswith("| small")]
    assert [row.split(" | ")[1] for row in rows] == ["3", "5"] * 2
    assert all("of 5" in row for row in rows)


def test_a_sparsity_that_is_none(nets):
    with pytest.raises(ValueError, match="`sparsities` must be"):
        tokens.run((1.5,), 1, 1)


def test_decoders_see_what_was_before():
    model = token_nets.decoder()
    short = model(keras.ops.ones((1, 4), "int32"))
    assert short.shape == (1, 768)
