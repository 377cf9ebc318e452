"""What the documents and docstrings name is there."""

import ast
import doctest
import functools
import importlib
import inspect
import pathlib
import re

import pytest

import tfprune

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SOURCES = sorted((ROOT / "tfprune").rglob("*.py"))
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
# A path with a folder of the repository at its head, in backticks.
PATH = re.compile(
    r"`((?:tfprune|tests|custom_ops|experiments|benchmarks|scripts|configs|"
    r"docs|results)/[\w./-]*)`"
)
BLOCK = re.compile(r"```python\n(.*?)```", re.S)


def every(files):
    return pytest.mark.parametrize(
        "path", files, ids=lambda path: str(path.relative_to(ROOT))
    )


def parse(block, path):
    try:
        return ast.parse(inspect.cleandoc(block))
    except SyntaxError as error:
        raise AssertionError(f"{path}: {error}\n{block}") from error


def dotted(tree):
    """Yields names like `tfprune.methods.Surgery` that some code uses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if re.fullmatch(r"tfprune(\.\w+)+", name):
                yield name


def is_there(name):
    try:
        functools.reduce(getattr, name.split(".")[1:], tfprune)
    except AttributeError:
        return False
    return True


@every(DOCUMENTS)
def test_links_lead_to_files(path):
    text = path.read_text()
    missing = [x for x in LINK.findall(text) if not (path.parent / x).exists()]
    assert not missing


@every([path for path in DOCUMENTS if path.name != "CHANGELOG.md"])
def test_paths_are_those_of_files(path):
    names = PATH.findall(path.read_text())
    missing = [name for name in names if not (ROOT / name).exists()]
    assert not missing


@every([path for path in DOCUMENTS if path.name != "CHANGELOG.md"])
def test_code_of_documents_names_what_is_public(path):
    blocks = BLOCK.findall(path.read_text())
    names = {x for block in blocks for x in dotted(parse(block, path))}
    assert not [name for name in sorted(names) if not is_there(name)]


@every(SOURCES)
def test_examples_of_docstrings_name_what_is_public(path):
    trees = [
        parse(block, path)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        for block in BLOCK.findall(ast.get_docstring(node) or "")
    ]
    names = {x for tree in trees for x in dotted(tree)}
    assert not [name for name in sorted(names) if not is_there(name)]


@every([path for path in SOURCES if ">>> " in path.read_text()])
def test_doctests(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted and not found.failed
