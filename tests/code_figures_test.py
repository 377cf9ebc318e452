"""The figures of a checkout: each counts what it should, on a tiny package."""

import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "scripts/code_figures.py"

FILES = {
    "__init__.py": '''
        """A package."""
        from tfprune.graph import edges as edges
        from tfprune import planning
        import os as _os
        LIMIT = 3
        ''',
    "graph.py": '''
        """Mentions inbound_nodes, which a docstring may."""

        # inbound_nodes, and a comment.
        def edges(config):
            """Returns the edges."""
            return [x["inbound_nodes"] for x in config["layers"]]

        def ends(tensor):
            """The layer that a tensor comes from."""
            return tensor._keras_history
        ''',
    "cost.py": """
        def positions(shape):
            return shape[1]

        def macs(weights, positions):
            return weights * positions

        def both(layer):
            return macs(layer.size, layer.tiles(1)), macs(layer)

        def asks(layer):
            return cost.macs(layer)
        """,
    "report.py": """
        def row(layer, uses):
            return cost.macs(layer.size, uses)
        """,
    "planning.py": """
        def solve(cost):
            low, high = 0.0, 1.0
            for _ in range(9):
                middle = (low + high) / 2
                low, high = (low, middle) if cost(middle) else (middle, high)
            return high

        def mean(low, high):
            return (low + high) / 2
        """,
    "core/selection.py": """
        def top(low, high):
            while low < high:
                low = (low + high) // 2
        """,
    "experiments/loop.py": '"""Says inbound_nodes."""\nx = y.inbound_nodes\n',
}


@pytest.fixture
def checkout(tmp_path):
    for file, text in FILES.items():
        path = tmp_path / "tfprune" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [line.removeprefix(" " * 8) for line in text.split("\n")]
        path.write_text("\n".join(lines).strip() + "\n")
    return tmp_path


def call(*arguments):
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def table(text):
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()]
    return dict(row for row in rows if len(row) == 2)


def test_each_figure_counts_what_it_should(checkout):
    found = table(call(f"--checkout={checkout}").stdout)
    assert found["lines in the wheel"] == "42"
    assert found["of these, code"] == "30"
    assert found["files in the wheel"] == "7"
    assert found["files that parse a model's graph"] == "1"
    assert found["functions that parse a model's graph"] == "2"
    assert found["files that count MACs"] == "2"
    assert found["functions that count MACs"] == "3"
    assert found["budget solvers"] == "1"
    assert found["lines of a function, median"] == "2"
    assert found["lines of a function, most"] == "6"
    assert found['public docstrings that begin with "Returns"'] == "1 of 4"
    assert found["public names of `tfprune`"] == "3"


def test_places_are_named(checkout):
    text = call(f"--checkout={checkout}", "--list").stdout
    assert "budget solvers:\n* planning.py:1 solve\n" in text
    assert "* cost.py:4 macs\n* cost.py:7 both\n* report.py:1 row\n" in text


def test_all_names_the_public_surface(checkout):
    init = checkout / "tfprune/__init__.py"
    init.write_text(init.read_text() + '__all__ = ["edges"]\n')
    found = table(call(f"--checkout={checkout}").stdout)
    assert found["public names of `tfprune`"] == "1"


def test_long_files_are_counted(checkout):
    (checkout / "tfprune/long.py").write_text("x = 1\n" * 351)
    found = table(call(f"--checkout={checkout}").stdout)
    assert found["files above 350 lines"] == "1"
    assert found["lines of the longest file"] == "351"


def test_type_errors_are_those_of_mypy(checkout):
    pytest.importorskip("mypy")
    for file in (checkout / "tfprune").rglob("*.py"):
        file.write_text("")
    (checkout / "tfprune/wrong.py").write_text(
        'def f():\n    ...\nx: int = ""\n'
    )
    found = table(call(f"--checkout={checkout}").stdout)
    assert found["mypy errors"] == "1"


def test_a_folder_without_the_package(tmp_path):
    done = call(f"--checkout={tmp_path}")
    assert done.returncode == 2
    assert "must be a folder that holds tfprune/" in done.stderr
