"""The benchmarks of low rank run and say what they measured."""

import pytest

from benchmarks.harness import inprocess
from benchmarks.suites import low_rank


def small():
    layer = low_rank.CASES[3].layer._replace(channels=8, size=6, filters=8)
    return low_rank.Case(layer), low_rank.Case(layer, 2, 2.5)


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter")
def test_layers_in_both_engines(monkeypatch):
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)
    text = low_rank.run(3, 1, 1, small())
    *_, half, published, _ = text.split("\n")
    cells = [cell.strip() for cell in published.split("|")]
    assert cells[1:5] == ["resnet50/res2_3x3", "2", "8", "3.60x"]
    assert cells[7] == "2.5x"
    assert all(float(cell[:-1]) > 0 for cell in cells[4:7])
    assert half.split("|")[2].strip() == "3"


@pytest.mark.parametrize("case", low_rank.CASES, ids=lambda x: x.layer.name)
def test_ranks_save_half_of_the_macs_or_what_was_published(case):
    layer = case.layer
    rank = case.rank or low_rank.half_rank(layer)
    dense = layer.columns * layer.rows
    reduction = dense / (rank * (layer.columns + layer.rows))
    published = {124: 2.65, 106: 3.26, 129: 1.85}
    expected = published.get(case.rank, 2.0)
    assert reduction == pytest.approx(expected, rel=0.04)
