"""Nets without filters beside whole ones: the table, never the times."""

import pytest

from benchmarks import engines
from benchmarks import models
from benchmarks import slimmed
from benchmarks import threads
from tests.benchmarks import models_test as nets_benchmark_test


class Keras(engines.Environments):
    """TensorFlow alone."""

    def available(self):
        return [x for x in engines.ENGINES if x.name == engines.TENSORFLOW]


def test_each_share_is_a_row(tmp_path, monkeypatch):
    monkeypatch.setattr(threads, "use", lambda count: None)
    path = nets_benchmark_test.small(tmp_path / "net.keras")
    setup = models.Setup([path], (0.2, 0.6))
    text = slimmed.run(setup, Keras(), rounds=1)
    few, many = nets_benchmark_test.table(text)
    assert (few["filters gone"], many["filters gone"]) == ("20%", "60%")
    # 4 and 2 of 5 filters: 91 weights each, and 36 x 3 behind.
    assert few["parameters"] == f"{998 / 799:.2f}x"
    assert many["parameters"] == f"{998 / 401:.2f}x"
    assert many["MACs"] == "2.50x"
    assert float(many[engines.TENSORFLOW][:-1]) > 0


@pytest.mark.parametrize("wrong", ["skimcaffe", 1.0])
def test_shares_are_below_1(wrong):
    with pytest.raises(ValueError, match="`sparsities` must be"):
        slimmed.run(models.Setup(["vgg16"], (wrong,)), Keras(), 1)
