"""Runs as results/ keeps them: short logs, nothing told twice."""

import importlib.util
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
FILE = ROOT / "scripts/thin.py"
RUNS = sorted(path.parent for path in ROOT.glob("results/*/summary.json"))


@pytest.fixture
def thin():
    spec = importlib.util.spec_from_file_location("thin", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def training(stage, step, accuracy=0.5, **layers):
    place = {"seed": 0, "stage": stage, "step": step}
    return {**place, "accuracy": accuracy, "layers": layers}


def run(root, records):
    """Makes a finished run of one seed; returns the seed's folder."""
    seed = root / "seeds/0"
    seed.mkdir(parents=True)
    for file in (root / "summary.json", root / "report.json"):
        file.write_text("{}")
    for name in ("report.json", "result.json"):
        (seed / name).write_text("{}")
    lines = [json.dumps(record) + "\n" for record in records]
    (seed / "metrics.jsonl").write_text("".join(lines))
    return seed


def read(seed):
    text = (seed / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_what_bends_a_curve_stays(thin, tmp_path):
    records = [
        *(training("train", step, step / 100) for step in range(1, 50)),
        {"seed": 0, "stage": "train", "step": 49, "validation_accuracy": 0.9},
        *(training("prune", step, ip1=step > 30) for step in range(1, 50)),
    ]
    seed = run(tmp_path, records)
    thin.main([str(tmp_path), "--lines=6"])
    kept = [(x["stage"], x["step"], "accuracy" in x) for x in read(seed)]
    assert kept == [
        ("train", 1, True),
        ("train", 49, True),
        ("train", 49, False),
        ("prune", 1, True),
        ("prune", 30, True),
        ("prune", 31, True),
        ("prune", 49, True),
    ]


def test_a_short_log_loses_digits_alone(thin, tmp_path):
    records = [training("train", 1, 0.123456789, ip1=1 / 3)]
    seed = run(tmp_path, records)
    thin.main([str(tmp_path)])
    assert read(seed) == [training("train", 1, 0.123457, ip1=0.333333)]


def test_what_is_told_twice_goes(thin, tmp_path):
    seed = run(tmp_path, [])
    thin.main([str(tmp_path)])
    assert {x.name for x in seed.iterdir()} == {"metrics.jsonl"}
    assert (tmp_path / "report.json").exists()


def test_only_finished_runs(thin, tmp_path, capsys):
    with pytest.raises(SystemExit):
        thin.main([str(tmp_path)])
    assert "which has no summary.json" in capsys.readouterr().err


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_runs_of_results_are_small_beside_their_models(path):
    apart = ("*.npz", "olmp.jsonl")  # Models, and what git ignores.
    files = [
        file
        for file in path.rglob("*")
        if file.is_file() and not any(map(file.match, apart))
    ]
    assert sum(file.stat().st_size for file in files) < 200_000
