"""The benchmark's arithmetic and its table. Times are never tested."""

import dataclasses
import json
import sys

import pytest

import benchmarks
from benchmarks.suites import training
from benchmarks.suites import training_table as table

LENET_5 = training.Setup("lenet_5", jit_compile=False)


def times(between, averaged):
    """20 rounds; one in ten of `frequency=100` has the update."""
    return {
        "plain": [1.0] * 20,
        "plain again": [1.0] * 20,
        "frequency=100": ([between] * 9 + [between + averaged]) * 2,
        "between updates": [between] * 20,
    }


def test_an_update_is_averaged_over_its_cycle():
    rows = table.rows(LENET_5, times(1.0, 0.5), "tfprune")
    medians = {row.variant: row.median for row in rows}
    assert list(medians) == ["plain again", "between updates", "frequency=100"]
    assert medians["frequency=100"] == pytest.approx(1.05)
    assert medians["between updates"] == 1.0


def test_markdown():
    rows = table.rows(LENET_5, times(1.05, 1.0), "tfprune")
    rows += table.rows(LENET_5, times(1.06, 0.5), "tfmot")
    lines = table.markdown(rows).splitlines()
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert {len(row) for row in cells} == {len(table.HEADER) + 2}
    assert [row[5] for row in cells[2:]] == [
        "1.000 [1.000, 1.000]",
        "1.050 [1.050, 1.050]",
        "1.150 [1.150, 1.150]",
        "1.000 [1.000, 1.000]",
        "1.060 [1.060, 1.060]",
        "1.110 [1.110, 1.110]",
    ]
    assert [row[7] for row in cells[2:]] == [
        "",
        "<= 1.05: met",
        "<= 1.10: missed",
        "",
        "above tfprune's: met",
        "above tfprune's: missed",
    ]
    assert cells[3][1:5] == [
        "lenet_5",
        "False",
        "10",
        "tfprune magnitude, between updates",
    ]


def test_every_goal_is_measured():
    measured = {(s.net, v) for s in training.SETUPS for v in s.variants}
    assert table.GOALS.keys() <= measured
    for setup in training.SETUPS:
        whole = setup.cycle * setup.steps_per_execution
        assert whole == training.FREQUENCY


def test_large_nets_run_fewer_rounds_but_two_cycles():
    net = training.Setup("resnet_50", jit_compile=False, share=15)
    assert [net.rounds(asked) for asked in (300, 600)] == [20, 40]
    net = dataclasses.replace(net, variants=(table.SURGERY,))
    assert [net.rounds(asked) for asked in (1, 150)] == [1, 10]
    assert LENET_5.rounds(300) == 300


def test_unknown_nets_are_refused():
    with pytest.raises(ValueError, match="among lenet_300_100, .*vgg"):
        training.run(20, nets=("vgg",))


def test_wrapped_variants_stand_beside_those_in_place():
    measured = {name: [1.0] * 20 for name in training.VARIANTS}
    rows = table.rows(LENET_5, measured, "tfprune")
    assert [row.variant for row in rows] == list(training.VARIANTS)[1:]
    assert training.VARIANTS[table.SURGERY_WRAPPED].wrap
    assert not training.VARIANTS[table.SURGERY].wrap


TFMOT = """
import json, sys
job = json.load(sys.stdin)
print("noise of a library")
print(json.dumps({"plain": [job["rounds"]], "net": job["net"]}))
"""


def test_tfmot_gets_the_setup_and_answers_in_json(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "TFMOT", "fake_tfmot")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "fake_tfmot.py").write_text(TFMOT)
    answer = training.measure_tfmot(sys.executable, LENET_5, 7)
    assert answer == {"plain": [7], "net": "lenet_5"}
    (tmp_path / "fake_tfmot.py").write_text("raise SystemExit('no tfmot')")
    with pytest.raises(ValueError, match="import tfmot. Received:.*\n.*no tfm"):
        training.measure_tfmot(sys.executable, LENET_5, 7)
    with pytest.raises(ValueError, match="Received: tfmot='nowhere'"):
        training.measure_tfmot("nowhere", LENET_5, 7)


def test_tfmot_has_the_same_variants_and_none_of_tfprune():
    path = benchmarks.ROOT / f"{training.TFMOT.replace('.', '/')}.py"
    source = path.read_text()
    for name in (table.PLAIN, table.NOISE, table.BETWEEN, table.AVERAGED):
        assert json.dumps(name) in source
    assert "import tfprune" not in source
    assert "from tfprune" not in source
