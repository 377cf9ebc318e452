"""The table of nets on tokens in engines, of a small one."""

import pytest

from benchmarks.cases import token_nets
from benchmarks.engines import client
from benchmarks.harness import inprocess
from benchmarks.suites import token_engines
from tests.benchmarks.suites import models_test
from tests.benchmarks.suites import tokens_test


class Few(client.Environments):
    """tfprune and TensorFlow alone."""

    def available(self):
        names = client.OURS, client.TENSORFLOW
        return [x for x in client.ENGINES if x.name in names]


def test_each_length_and_sparsity_is_a_row(monkeypatch):
    nets = {"small": (tokens_test.small, (3, 5))}
    monkeypatch.setattr(token_nets, "NETS", nets)
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)
    text = token_engines.run((0.5, 0.9), 1, Few(), rounds=5)
    rows = models_test.table(text)
    assert [(x["tokens"], x["sparsity"]) for x in rows] == [
        ("3", "50%"),
        ("3", "90%"),
        ("5", "50%"),
        ("5", "90%"),
    ]
    assert all(float(row[client.TENSORFLOW]) > 0 for row in rows)


def test_lengths_that_are_asked_for(monkeypatch):
    nets = {"small": (tokens_test.small, (3, 5))}
    monkeypatch.setattr(token_nets, "NETS", nets)
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)
    text = token_engines.run((0.5,), 1, Few(), rounds=2, lengths=(5, 7))
    assert [x["tokens"] for x in models_test.table(text)] == ["5"]


def test_a_sparsity_that_is_none():
    with pytest.raises(ValueError, match="`sparsities` must be"):
        token_engines.run((1.5,), 1, Few(), 1)
