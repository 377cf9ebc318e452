"""What the documents and docstrings name is there."""

import ast
import doctest
import functools
import importlib
import pathlib
import re
import textwrap

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
NAME = re.compile(r"\btfprune(?:\.[A-Za-z_]\w*)+")
BLOCK = re.compile(r"```python\n(.*?)```", re.S)
CHANGED = re.compile(r"```diff\n(.*?)```", re.S)


def every(files):
    return pytest.mark.parametrize(
        "path", files, ids=lambda path: str(path.relative_to(ROOT))
    )


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


@every([*SOURCES, *DOCUMENTS])
def test_names_are_there(path):
    """The examples of CONTRIBUTING and old names of CHANGELOG are not."""
    text = CHANGED.sub("", path.read_text())
    names = NAME.findall(text) if path.name != "CHANGELOG.md" else []
    assert not [name for name in sorted(set(names)) if not is_there(name)]


@every([*SOURCES, *DOCUMENTS])
def test_python_blocks_are_python(path):
    for block in BLOCK.findall(path.read_text()):
        ast.parse(textwrap.dedent(block))


@every([path for path in SOURCES if ">>> " in path.read_text()])
def test_doctests(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted and not found.failed
