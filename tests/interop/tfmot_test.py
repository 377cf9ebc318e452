"""Schedules of TensorFlow Model Optimization: read, and run against it.

Importing tfmot turns `tf.keras` into Keras 2 for the process, so that it runs
in one of its own, and only where it can be imported. `TFPRUNE_TFMOT_PYTHON`
may name the interpreter of another environment, which has it.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfprune.core import sparsity_schedules
from tfprune.core import update_schedules
from tfprune.interop import tfmot

POLYNOMIAL = dict(
    initial_sparsity=0.1,
    final_sparsity=0.9,
    begin_step=20,
    end_step=80,
    power=3,
    frequency=10,
)
CONSTANT = dict(target_sparsity=0.6, begin_step=20, end_step=-1, frequency=10)

SCHEDULES = [
    ("PolynomialDecay", POLYNOMIAL),
    ("PolynomialDecay", {**POLYNOMIAL, "initial_sparsity": 0.0}),
    ("PolynomialDecay", {**POLYNOMIAL, "begin_step": 0, "frequency": 1}),
    ("PolynomialDecay", {**POLYNOMIAL, "power": 1, "frequency": 7}),
    ("PolynomialDecay", {**POLYNOMIAL, "power": 0.5, "end_step": 85}),
    ("PolynomialDecay", {**POLYNOMIAL, "final_sparsity": 0.0}),
    ("ConstantSparsity", CONSTANT),
    ("ConstantSparsity", {**CONSTANT, "end_step": 60}),
    ("ConstantSparsity", {**CONSTANT, "end_step": 20}),
    ("ConstantSparsity", {**CONSTANT, "begin_step": 0, "frequency": 3}),
]
STEPS = 120


class Schedule:
    """Says of itself what a schedule of tfmot says."""

    def __init__(self, kind, config):
        self.described = {"class_name": kind, "config": dict(config)}

    def get_config(self):
        return self.described


def test_polynomial_decay():
    every, sparsity = tfmot.schedule(Schedule("PolynomialDecay", POLYNOMIAL))
    assert every == update_schedules.Every(
        frequency=10, begin_step=20, end_step=80
    )
    assert sparsity == sparsity_schedules.Polynomial(0.1, 0.9, 20, 80, 3)


def test_constant_sparsity():
    every, sparsity = tfmot.schedule(Schedule("ConstantSparsity", CONSTANT))
    assert every == update_schedules.Every(
        frequency=10, begin_step=20, end_step=-1
    )
    assert sparsity == sparsity_schedules.Constant(0.6)


@pytest.mark.parametrize(
    "other",
    [
        None,
        0.5,
        "PolynomialDecay",
        object(),
        Schedule("ExponentialDecay", POLYNOMIAL),
        Schedule("PolynomialDecay", CONSTANT),
        Schedule("ConstantSparsity", {}),
        type("Config", (), {"get_config": lambda self: {"power": 3}})(),
        type("Config", (), {"get_config": lambda self: None})(),
    ],
)
def test_anything_else_is_refused(other):
    message = "`schedule` must be tfmot's .*Received: schedule="
    with pytest.raises(ValueError, match=message):
        tfmot.schedule(other)


def test_bad_values_are_refused_by_name():
    bad = Schedule("ConstantSparsity", {**CONSTANT, "target_sparsity": 1.5})
    with pytest.raises(ValueError, match="sparsity.* Received: .*=1.5"):
        tfmot.schedule(bad)


def test_tfmot_itself_is_not_imported():
    assert "tensorflow_model_optimization" not in sys.modules


# Python for the other process: schedules in, [due, sparsity] by step out.
PROGRAM = """
import json, sys
try:
    from tensorflow_model_optimization.sparsity import keras as sparsity
    import tensorflow as tf
except Exception as error:
    print(json.dumps({"error": repr(error)}))
    sys.exit()
job = json.load(sys.stdin)
runs = []
for kind, config in job["schedules"]:
    schedule = getattr(sparsity, kind)(**config)
    runs.append([])
    for step in range(job["steps"]):
        due, value = schedule(tf.constant(step))
        runs[-1].append([bool(due), float(value)])
    # A schedule describes itself as our stand-in does.
    assert schedule.get_config() == {"class_name": kind, "config": config}
print(json.dumps({"runs": runs}))
"""


@pytest.fixture(scope="module")
def runs_of_tfmot():
    python = os.environ.get("TFPRUNE_TFMOT_PYTHON", sys.executable)
    done = subprocess.run(
        [python, "-c", PROGRAM],
        input=json.dumps({"schedules": SCHEDULES, "steps": STEPS}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        pytest.skip(f"tfmot can't be imported by {python}: {answer['error']}")
    return answer["runs"]


@pytest.mark.parametrize("number", range(len(SCHEDULES)))
def test_step_by_step_as_tfmot(runs_of_tfmot, number):
    every, ours = tfmot.schedule(Schedule(*SCHEDULES[number]))
    steps = tf.range(STEPS)
    due, sparsity = map(list, zip(*runs_of_tfmot[number], strict=True))
    if every.begin_step == 0:
        due[1] = True
    if every.end_step != -1:
        due[every.end_step] = True
    np.testing.assert_array_equal(every.due(steps, 0, {}), due)
    ours = np.broadcast_to(ours.sparsity(steps), STEPS)
    np.testing.assert_allclose(ours, sparsity, rtol=0, atol=1e-7)
