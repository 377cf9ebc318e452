"""The scripts as a person calls them: help, typos, mistakes."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCRIPTS = ["train", "eval", "export", "plot", "benchmark"]
CONFIG = f"--config={ROOT}/configs/lenet300_surgery.py"


def call(script, *arguments):
    command = [sys.executable, str(ROOT / f"scripts/{script}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_answers_without_tensorflow(script, tmp_path):
    """An import of TensorFlow would fail: a broken one goes first."""
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('imported')")
    done = subprocess.run(
        [sys.executable, str(ROOT / f"scripts/{script}.py"), "--help"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        timeout=60,
    )
    assert "flags:" in done.stdout, done.stdout + done.stderr
    assert f"python scripts/{script}.py" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--confg=x"], "Did you mean: config"),
        ([CONFIG, "--config.surgery.stepz=1"], 'Did you mean "steps"'),
        ([CONFIG, "--config.batch_size=many"], "--config.batch_size=many"),
        ([CONFIG, "--config.surgery=3"], "is not a dict"),
        ([CONFIG, "--workdir=/proc/no"], "`workdir` must be a folder that can"),
        (["--config=nowhere.py", "--workdir=x"], "nowhere.py"),
        ([CONFIG, "--workdir=x", "stray"], "Received: stray"),
        ([], "--config"),
    ],
)
def test_mistakes_of_use_are_one_message(arguments, words):
    done = call("train", *arguments)
    assert done.returncode not in (0, 1)
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", ["eval", "plot"])
def test_a_folder_without_a_run(script, tmp_path):
    done = call(script, f"--workdir={tmp_path}")
    assert done.returncode == 2
    assert "has no config.json" in done.stderr


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("benchmark", [], "expected one of training, kernels, .* nothing"),
        ("benchmark", ["speed"], "expected one of training, .* speed"),
        ("benchmark", ["training", "x"], "training: unrecognized .*: x"),
        ("benchmark", ["force", "--plot=x"], "unrecognized .*: --plot=x"),
        ("eval", ["--workdir=w", "x"], "expected flags only. Received: x"),
    ],
)
def test_stray_arguments_are_one_line(script, arguments, message):
    done = call(script, *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.search(message, line)
