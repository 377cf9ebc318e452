"""A search that is killed by the system goes on as if nothing had happened."""

import pathlib
import signal
import subprocess
import sys

import numpy as np

from configs import lenet300_olmp
from experiments import checkpoints
from experiments import solvers as solvers  # Known to Keras.
from tests.experiments import runs
from tfprune import backend
from tfprune.core import units
from tfprune.graph import pruned
from tfprune.search import trace

ROOT = pathlib.Path(__file__).resolve().parents[2]
data_dir = runs.data_dir
LAST_SEARCH, EVALUATIONS = 4, 600
SETTINGS = {
    "train.steps": 4,
    "olmp.steps": 6,
    "olmp.method.interval": LAST_SEARCH,
    "olmp.method.prune_stop": 5,
    "olmp.method.evaluations": EVALUATIONS,
    "finetune.steps": 1,
    "seeds": (3,),
    "data.validation": 60,
    "batch_size": 16,
    "jit_compile": False,
    "steps_per_execution": 1,
    "checkpoint_every": 2,
    "log_every": 2,
}


# A script that dies by its own hand: nothing outside knows when a search is in
# its middle.
DYING = f"""
import os, runpy, signal, sys
from tfprune.search import trace

def write(self, *generation, whole=trace.Trace.write):
    whole(self, *generation)
    steps = [x["step"] for x in trace.read(self._path)]
    if steps.count({LAST_SEARCH}) > 50:
        os.kill(os.getpid(), signal.SIGKILL)

trace.Trace.write = write
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_until_killed(path, data_dir):
    """Runs the real script in a process of its own."""
    values = {**SETTINGS, "seeds": "3,"}
    process = subprocess.run(
        [
            *(sys.executable, "-c", DYING),
            str(ROOT / "scripts/train.py"),
            f"--config={ROOT}/configs/lenet300_olmp.py",
            f"--workdir={path}",
            f"--config.data.data_dir={data_dir}",
            *(f"--config.{name}={value}" for name, value in values.items()),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    assert process.returncode == -signal.SIGKILL


def run(path, data_dir):
    """Runs the same here, to its end."""
    config = lenet300_olmp.get_config()
    config.update_from_flattened_dict({**SETTINGS, "data.data_dir": data_dir})
    runs.run(config, path)


def draw(path):
    """Draws the run by the real script."""
    plot = str(ROOT / "scripts/plot.py")
    subprocess.run([sys.executable, plot, f"--workdir={path}"], check=True)


def searched(path):
    """Candidates of the last search that are written already."""
    lines = trace.read(path / "seeds/3/olmp.jsonl")
    return sum(x["step"] == LAST_SEARCH for x in lines)


def outcome(path):
    """The thresholds, weights and masks that a run ends with."""
    model = checkpoints.load(path / "seeds/3/checkpoint.npz").model
    thresholds = [u.settings["c"] for u in units.tagged(model.variables)]
    hidden = pruned.hidden_variables(model)
    return thresholds, list(map(backend.to_numpy, [*model.variables, *hidden]))


def test_kill_9_in_the_middle_of_a_search(tmp_path, data_dir):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run_until_killed(killed, data_dir)
    assert 50 <= searched(killed) < EVALUATIONS
    run(whole, data_dir)
    run(killed, data_dir)
    (one, weights), (other, resumed) = outcome(whole), outcome(killed)
    assert one == other and max(one) > 0.001
    for a, b in zip(weights, resumed, strict=True):
        np.testing.assert_array_equal(a, b)
    traces = [trace.read(p / "seeds/3/olmp.jsonl") for p in (whole, killed)]
    assert traces[0] == traces[1]
    draw(killed)
    assert (killed / "plots/olmp_3.png").stat().st_size > 5000
