"""Nets without filters beside whole ones: the table, never the times."""

import pytest

from benchmarks.engines import client
from benchmarks.harness import inprocess
from benchmarks.suites import filter_speed
from benchmarks.suites import models
from tests.benchmarks.suites import models_test


class Keras(client.Environments):
    """TensorFlow alone."""

    def available(self):
        return [x for x in client.ENGINES if x.name == client.TENSORFLOW]


def test_each_share_is_a_row(tmp_path, monkeypatch):
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)
    path = models_test.small(tmp_path / "net.keras")
    setup = models.Setup([path], (0.2, 0.6))
    text = filter_speed.run(setup, Keras(), rounds=1)
    few, many = models_test.table(text)
    assert (few["filters removed"], many["filters removed"]) == ("20%", "60%")
    # 4 and 2 of 5 filters: 91 weights each, and 36 x 3 behind.
    assert few["parameters"] == f"{998 / 799:.2f}x"
    assert many["parameters"] == f"{998 / 401:.2f}x"
    assert many["MACs"] == "2.50x"
    assert float(many[client.TENSORFLOW][:-1]) > 0


@pytest.mark.parametrize("wrong", ["skimcaffe", 1.0])
def test_shares_are_below_1(wrong):
    with pytest.raises(ValueError, match="`sparsities` must be"):
        filter_speed.run(models.Setup(["vgg16"], (wrong,)), Keras(), 1)
