"""Every folder of results/ is measured again, on the real test set."""

import json
import pathlib
import statistics
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = sorted(p.parent for p in ROOT.glob("results/*/config.json"))
# What is claimed of the median of all seeds, at least three of them.
CLAIMS = {
    "lenet300_surgery": lambda found: (
        found["compression"] >= 56 and found["test_error"] <= 0.0199
    ),
    "lenet5_surgery": lambda found: (
        found["compression"] >= 108 and found["test_accuracy"] >= 0.9909
    ),
    # Half of the 25500 weights of its convolutions; nothing else is pruned.
    "lenet5_threshold_surgery": lambda found: (
        found["parameters"] - found["parameters_kept"] >= 12750
        and found["test_accuracy"] >= found["dense_test_accuracy"]
    ),
}


def test_every_claim_has_a_folder():
    assert {folder.name for folder in FOLDERS} >= set(CLAIMS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_result(folder, tmp_path):
    command = [
        sys.executable,
        str(ROOT / "scripts/eval.py"),
        f"--workdir={folder}",
        f"--json={tmp_path}/found.json",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    found = json.loads((tmp_path / "found.json").read_text())
    median = json.loads((folder / "summary.json").read_text())["median"]
    for name in ("parameters", "parameters_kept", "compression"):
        assert found[name] == median[name]
    assert found["test_accuracy"] == pytest.approx(
        median["test_accuracy"], abs=1e-4
    )
    assert found["test_error"] == pytest.approx(1 - found["test_accuracy"])
    assert len(found["seeds"]) >= 3
    assert (folder / "command.txt").read_text().startswith("python scripts/")
    if folder.name in CLAIMS:
        middle = {
            name: statistics.median(seed[name] for seed in found["seeds"])
            for name in found["seeds"][0]
        }
        assert CLAIMS[folder.name](middle), middle
