"""The benchmark's arithmetic and its table. Times are never tested."""

import json
import pathlib
import subprocess
import sys

import pytest

from benchmarks import interleaving
from benchmarks import peers
from benchmarks import table
from benchmarks import training

ROOT = pathlib.Path(__file__).parents[2]
LENET_5 = training.Setup("lenet_5", jit_compile=False)


class Clock:
    """Time passes only where a call says so."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def __call__(self):
        return self.now

    def call(self, name, seconds):
        def run():
            self.order.append(name)
            self.now += seconds

        return run


def test_calls_take_turns_in_rotation():
    clock = Clock()
    seconds = {"plain": 2.0, "a": 3.0, "b": 4.0}
    calls = {name: clock.call(name, s) for name, s in seconds.items()}
    times = interleaving.measure(calls, 4, clock)
    assert times == {name: [s] * 4 for name, s in seconds.items()}
    rounds = ["plain", "a", "b"], ["a", "b", "plain"], ["b", "plain", "a"]
    assert clock.order == sum(rounds, []) + rounds[0]


def test_ratios_are_of_the_same_round():
    times = {"plain": [1.0, 10.0], "a": [1.5, 11.0]}
    assert interleaving.ratios(times, "a") == [1.5, 1.1]
    assert interleaving.ratios(times, "plain") == [1.0, 1.0]


def test_ratios_over_cycles_are_of_sums_and_leave_out_the_rest():
    times = {"plain": [1.0, 3.0, 2.0, 2.0, 9.0], "a": [2.0, 3.0, 2.0, 3.0, 1.0]}
    assert interleaving.ratios(times, "a", cycle=2) == [5 / 4, 5 / 4]
    assert interleaving.ratios(times, "a", cycle=6) == []


def test_quartiles():
    assert interleaving.quartiles([4.0, 1.0, 3.0, 2.0, 5.0]) == [2.0, 3.0, 4.0]
    with pytest.raises(ValueError, match=r"2 values or more. Received: \[1"):
        interleaving.quartiles([1.0])


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
    measured = {(s.net, v) for s in training.SETUPS for v in training.VARIANTS}
    assert table.GOALS.keys() <= measured
    for setup in training.SETUPS:
        whole = setup.cycle * setup.steps_per_execution
        assert whole == training.FREQUENCY


PEER = """
import json, sys
job = json.load(sys.stdin)
print("noise of a library")
print(json.dumps({"plain": [job["rounds"]], "net": job["net"]}))
"""


def test_a_peer_gets_the_setup_and_answers_in_json(tmp_path, monkeypatch):
    (tmp_path / "tfmot_training.py").write_text(PEER)
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    answer = peers.measure(sys.executable, "tfmot", LENET_5, 7)
    assert answer == {"plain": [7], "net": "lenet_5"}
    (tmp_path / "tfmot_training.py").write_text("raise SystemExit('no tfmot')")
    with pytest.raises(ValueError, match="import tfmot. Received:.*\n.*no tfm"):
        peers.measure(sys.executable, "tfmot", LENET_5, 7)
    with pytest.raises(ValueError, match="Received: tfmot='nowhere'"):
        peers.measure("nowhere", "tfmot", LENET_5, 7)


def test_tfmot_has_the_same_variants_and_none_of_tfprune():
    source = (peers.FOLDER / "tfmot_training.py").read_text()
    for name in (table.PLAIN, table.NOISE, table.BETWEEN, table.AVERAGED):
        assert json.dumps(name) in source
    assert "import tfprune" not in source
    assert "from tfprune" not in source


@pytest.mark.parametrize(
    "script, arguments, message",
    [
        (
            "benchmark",
            [],
            "search, low_rank, force, winograd. Received: nothing",
        ),
        (
            "benchmark",
            ["speed"],
            "search, low_rank, force, winograd. Received: speed",
        ),
        ("benchmark", ["training", "x"], "Received: training x"),
        ("eval", ["--workdir=w", "x"], "expected flags only. Received: x"),
    ],
)
def test_scripts_refuse_stray_arguments(script, arguments, message):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / f"{script}.py", *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_bursts_take_turns_in_rotation():
    order = []

    def contender(name):
        def run(repeats):
            order.append(name)
            return [float(len(order))] * repeats

        return run

    names = ["a", "b", "c"]
    contenders = {name: contender(name) for name in names}
    times = interleaving.bursts(contenders, rounds=2, repeats=3)
    assert order == ["a", "b", "c", "b", "c", "a"]
    assert times["a"] == [1.0] * 3 + [6.0] * 3
