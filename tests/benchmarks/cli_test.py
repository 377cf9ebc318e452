"""The suites as a person finds them: names, flags, mistakes."""

import importlib
import inspect
import re
import subprocess
import sys
import types

import pytest

import benchmarks
from benchmarks import catalog
from benchmarks import cli

SUITES = list(catalog.SUITES)
HELP = """
import sys
from benchmarks import cli
try:
    print(cli.main(sys.argv[1:]))
except SystemExit:
    pass
assert not {"tensorflow", "keras", "numpy", "tfprune"} & sys.modules.keys()
"""


def help_of(*arguments):
    command = [sys.executable, "-c", HELP, *arguments]
    return subprocess.run(
        command,
        cwd=benchmarks.ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "80"},
    ).stdout


@pytest.mark.parametrize("name", SUITES)
def test_help_names_the_flags_and_imports_nothing_heavy(name):
    text = help_of(name, "--help")
    suite = catalog.SUITES[name]
    assert " ".join(text.split()).count(suite.summary) == 1
    found = re.findall(r"^  --(\w+)", text, re.MULTILINE)
    assert found == [flag.name for flag in (*suite.flags, catalog.OUTPUT)]


def test_help_lists_the_suites():
    text = help_of("--help")
    for name, suite in catalog.SUITES.items():
        assert re.search(rf"^  {name} +{suite.summary}$", text, re.MULTILINE)


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_reads_the_flags_that_it_takes(name):
    suite = importlib.import_module(f"benchmarks.suites.{name}")
    read = re.findall(r"flags\.(\w+)", inspect.getsource(suite.main))
    assert set(read) == {flag.name for flag in catalog.SUITES[name].flags}


def test_values_become_what_a_suite_takes(monkeypatch, tmp_path, capsys):
    seen = []
    suite = types.SimpleNamespace(main=lambda flags: seen.append(flags) or "|")
    monkeypatch.setattr(importlib, "import_module", lambda name: suite)
    path = tmp_path / "new/models.md"
    arguments = ["--model=a,b.keras", "--sparsities=0.5,skimcaffe"]
    text = cli.main(["models", *arguments, "--rounds=20", f"--output={path}"])
    (flags,) = seen
    assert flags.model == ("a", "b.keras")
    assert flags.sparsities == (0.5, "skimcaffe")
    assert (flags.rounds, flags.batch, flags.convert) == (20, 1, None)
    assert text == path.read_text()
    assert text.startswith("|\n\nMeasured on ")
    cli.main(["filter_removal"])
    cli.main(["filter_removal", "--families"])
    assert [x.families for x in seen[1:]] == [False, True]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], r"expected one of training, kernels, .* Received: nothing"),
        (
            ["speed"],
            r"expected one of training, .* Received: speed",
        ),
        (["training", "x"], "training: unrecognized arguments: x"),
        (
            ["force", "--threads=2"],
            "force: unrecognized .*: --threads=2",
        ),
        (["kernels", "--batch=0"], "--batch: must be an integer of at least 1"),
        (["kernels", "--rounds=9"], "at least 10. Received: 9"),
        (["kernels", "--round=90"], "unrecognized arguments: --round=90"),
        (["kernels", "--plot"], "--plot: expected one argument"),
    ],
)
def test_mistakes_of_use(arguments, message):
    with pytest.raises(ValueError, match=message):
        cli.main(arguments)
