"""Counts lines of a checkout, and the places in it that do the same thing.

    python scripts/code_figures.py [--checkout=DIR] [--list]

It reads the source and imports none of it. The wheel is the package `tfprune`,
the library that without `experiments` and `benchmarks`. A function of the
library, without those inside it, or the top level of a module ...

* parses a model's graph if it names what a Keras config or node is made of,
  such as `inbound_nodes`;
* counts MACs of a layer if it asks how often a kernel is used (`positions`, a
  layer's `tiles`) or multiplies by that; what defines `positions` does so, too;
* solves a budget if a loop in it halves an interval. `selection` (a threshold
  for an array's scores) and `decompositions` (a matrix's rank) do that without
  a budget and are left out.
"""

from __future__ import annotations

import argparse
import ast
import io
import pathlib
import re
import subprocess
import sys
import tokenize

_OUTSIDE = ("experiments/", "benchmarks/")
_GRAPH = set(
    "inbound_nodes _inbound_nodes keras_history _keras_history parent_nodes "
    "input_layers output_layers".split()
)
_COUNTS = (
    r"([\w.]+\.)?positions\(|[\w.]+\.tiles\(|\w+ \* positions$|"
    r"([\w.]+\.)?macs\(.*\b(positions|uses)\b"
)
_MIDDLE = r"\(\w+ \+ \w+\) (// 2|/ 2(\.0)?|\* 0\.5)|0\.5 \* \(\w+ \+ \w+\)"
_NO_BUDGET = r"/(selection|decompositions)\.py:"
_LONG = 350
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DOCUMENTED = (ast.Module, ast.ClassDef, *_FUNCTIONS)
_NO_CODE = {"COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER"}


def figures(checkout: pathlib.Path) -> dict[str, object]:
    """All figures by name; a list where its entries are counted."""
    package = checkout / "tfprune"
    paths = sorted(package.rglob("*.py"))
    texts = {x.relative_to(package).as_posix(): x.read_text() for x in paths}
    trees = {file: ast.parse(text) for file, text in texts.items()}
    lines = {file: len(text.splitlines()) for file, text in texts.items()}
    library = {x: trees[x] for x in trees if not x.startswith(_OUTSIDE)}
    nodes = [node for tree in library.values() for node in ast.walk(tree)]
    return {
        "lines in the wheel": sum(lines.values()),
        "of these, code": sum(code_lines(texts[x], trees[x]) for x in texts),
        "files in the wheel": list(texts),
        f"files above {_LONG} lines": [x for x in lines if lines[x] > _LONG],
        "lines of the longest file": max(lines.values()),
        **places(library),
        **lengths([x for x in nodes if isinstance(x, _FUNCTIONS)]),
        'public docstrings that begin with "Returns"': returns(nodes),
        "public names of `tfprune`": public_names(trees["__init__.py"]),
        "mypy errors": mypy_errors(checkout),
    }


def places(library: dict[str, ast.Module]) -> dict[str, list[str]]:
    """Figures of what is done where; a place is `file:line name`."""
    found = {f"{file}:1 (top level)": own(x) for file, x in library.items()}
    for file, tree in library.items():
        for node in [x for x in ast.walk(tree) if isinstance(x, _FUNCTIONS)]:
            found[f"{file}:{node.lineno} {node.name}"] = own(node)
    readers = [x for x, nodes in found.items() if words(nodes) & _GRAPH]
    counters = [x for x, nodes in found.items() if counts_macs(nodes)]
    solvers = [x for x, nodes in found.items() if halves(nodes)]
    return {
        "files that parse a model's graph": files(readers),
        "functions that parse a model's graph": readers,
        "files that count MACs": files(counters),
        "functions that count MACs": counters,
        "budget solvers": [x for x in solvers if not re.search(_NO_BUDGET, x)],
    }


def own(place: ast.AST) -> list[ast.AST]:
    """The nodes of a place, without those of functions inside it."""
    found, left = [], list(ast.iter_child_nodes(place))
    while left:
        node = left.pop()
        if not isinstance(node, _FUNCTIONS):
            found.append(node)
            left.extend(ast.iter_child_nodes(node))
    return found


def files(names: list[str]) -> list[str]:
    """The files of some places, once each."""
    return sorted({name.split(":")[0] for name in names})


def words(nodes: list[ast.AST]) -> set:
    """The names, attributes and whole strings among some nodes."""
    return {getattr(x, y, None) for x in nodes for y in ("id", "attr", "value")}


def counts_macs(nodes: list[ast.AST]) -> bool:
    """Tells whether they ask for uses of a kernel, or multiply by them."""
    terms = [x for x in nodes if isinstance(x, (ast.Call, ast.BinOp))]
    return any(re.match(_COUNTS, ast.unparse(term)) for term in terms)


def halves(nodes: list[ast.AST]) -> bool:
    """Tells whether a loop among them takes the middle of two numbers."""
    loops = [x for x in nodes if isinstance(x, (ast.For, ast.While))]
    return any(re.search(_MIDDLE, ast.unparse(loop)) for loop in loops)


def lengths(functions: list[ast.AST]) -> dict[str, int]:
    """Figures of the lines of functions, without docstrings."""
    ends = {x: x.end_lineno + 1 - len(docstring(x)) for x in functions}
    lines = sorted(end - x.lineno for x, end in ends.items())
    return {
        "lines of a function, median": lines[len(lines) // 2],
        "lines of a function, p90": lines[9 * len(lines) // 10],
        "lines of a function, most": lines[-1],
    }


def docstring(node: ast.AST) -> range:
    """The line numbers of a node's docstring."""
    if not isinstance(node, _DOCUMENTED) or not ast.get_docstring(node):
        return range(0)
    return range(node.body[0].lineno, node.body[0].end_lineno + 1)


def code_lines(text: str, tree: ast.Module) -> int:
    """The number of lines that are not blank, comment or docstring."""
    found = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if tokenize.tok_name[token.type] not in _NO_CODE:
            found |= set(range(token.start[0], token.end[0] + 1))
    return len(found.difference(*map(docstring, ast.walk(tree))))


def returns(nodes: list[ast.AST]) -> str:
    """How many docstrings of public names begin with "Returns"."""
    public = [x for x in nodes if (getattr(x, "name", "") or "x")[0] != "_"]
    texts = [ast.get_docstring(node) for node in public if docstring(node)]
    begin = sum(text.startswith("Returns") for text in texts)
    return f"{begin} of {len(texts)}"


def public_names(tree: ast.Module) -> list[str]:
    """The entries of `__all__`, or else what the module's top level binds."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and words(node.targets) & {"__all__"}:
            return ast.literal_eval(node.value)
    found = [x.asname or x.name for x in own(tree) if isinstance(x, ast.alias)]
    stored = [x for x in own(tree) if type(getattr(x, "ctx", 0)) is ast.Store]
    found += [x.id for x in stored if isinstance(x, ast.Name)]
    return sorted({name for name in found if not name.startswith("_")})


def mypy_errors(checkout: pathlib.Path) -> int | str:
    """How many errors mypy finds; packages without types are none."""
    flags = ["--ignore-missing-imports", "--cache-dir=/dev/null"]
    command = [sys.executable, "-m", "mypy", "tfprune", *flags]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    if "No module named mypy" in done.stderr:
        return "mypy is not installed"
    found = re.search(r"^(Found (\d+) error|Success)", done.stdout, re.M)
    return int(found[2] or 0) if found else f"mypy failed: {done.stderr}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parents[1]
    parser.add_argument("--checkout", type=pathlib.Path, default=here)
    parser.add_argument("--list", action="store_true", help="name all counted")
    arguments = parser.parse_args()
    if not (arguments.checkout / "tfprune/__init__.py").exists():
        parser.error(
            "`--checkout` must be a folder that holds tfprune/. Received: "
            f"--checkout={arguments.checkout}"
        )
    found = figures(arguments.checkout)
    print("| figure | value |\n| --- | ---: |")
    for name, value in found.items():
        value = len(value) if isinstance(value, list) else value
        print(f"| {name} | {value} |")
    for name, value in found.items() if arguments.list else ():
        if isinstance(value, list):
            print("\n* ".join([f"\n{name}:", *value]))


if __name__ == "__main__":
    main()
