"""The examples of CONTRIBUTING.md apply to the sources, and work."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
COPIED = ["benchmarks", "configs", "experiments", "scripts", "tests", "tfprune"]
WORDS = {"one": 1, "two": 2, "three": 3, "four": 4}
# What was changed by hand, by the number of places that its heading tells.
EXAMPLES = {
    heading: (WORDS[places], diff)
    for heading, places, diff in re.findall(
        r"^### ([^\n]*): (\w+) places?\n.*?^```diff\n(.*?)^```",
        (ROOT / "CONTRIBUTING.md").read_text(),
        re.M | re.S,
    )
}
TESTS = (
    "tests/conformance_test.py",
    "tests/configs_test.py",
    "tests/exporters/export_test.py",
    "tests/benchmarks/cli_test.py",
)
NAMES = "(fpgm and (test_config or target)) or json or reports"
BUDGET = """
import keras, tfprune
dense = keras.layers.Dense(8)
model = keras.Sequential([keras.Input((8,)), dense])
print(tfprune.plan_budget(model, "magnitude", "int8<=0.05KB").cost)
"""


def call(*arguments, cwd):
    done = subprocess.run(
        arguments,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(cwd)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert not done.returncode, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A copy of the sources with all examples."""
    folder = tmp_path_factory.mktemp("changed")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    shutil.copy2(ROOT / "pyproject.toml", folder)
    for number, (_, diff) in enumerate(EXAMPLES.values()):
        (folder / f"{number}.diff").write_text(diff)
        call("git", "apply", f"{number}.diff", cwd=folder)
    return folder


@pytest.mark.parametrize("heading", EXAMPLES)
def test_so_many_files_are_touched(heading):
    places, diff = EXAMPLES[heading]
    assert len(re.findall(r"^\+\+\+ ", diff, re.M)) == places


def test_examples_pass_the_tests_that_find_them(changed):
    pytest_ = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    found = call(*pytest_, *TESTS, "-k", NAMES, "-rA", cwd=changed)
    for name in ("fpgm", "json", "reports"):
        assert re.search(rf"^PASSED .*{name}", found, re.M)


def test_a_budget_limits_the_cost(changed):
    assert float(call(sys.executable, "-c", BUDGET, cwd=changed)) <= 50


def test_the_operation_is_known(changed):
    code = (
        "from tfprune.compress.filters.operations import base, registry\n"
        "print(base.KNOWN['my_layers.LayerScale'])"
    )
    assert "LayerScale" in call(sys.executable, "-c", code, cwd=changed)
