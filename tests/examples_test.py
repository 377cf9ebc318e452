"""The Python blocks of the README and of docstrings run, on a small net."""

import ast
import importlib
import inspect
import pathlib
import re

import pytest

from tests import small_net

ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```python\n(.*?)```", re.S)
SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.M | re.S)
# What comes before an example of a docstring.
PRUNED = "model = tfprune.prune(model, tfprune.methods.Surgery(0.9), {filters})"
BEFORE = {
    "tfprune.api.settings": PRUNED.format(filters=None),
    "tfprune.callbacks.at_target.AtTarget": PRUNED.format(filters=None),
    "tfprune.callbacks.sparsity_logger.SparsityLogger": PRUNED.format(
        filters=None
    ),
    "tfprune.ops.csr.Csr": (
        "import numpy as np; from tfprune.ops import csr_matmul;"
        "kernel = inputs = np.eye(3, dtype='float32')"
    ),
    "tfprune.search.problem.Problem": PRUNED.format(filters=["ip.*", "fc7"]),
    "tfprune.search.searcher.Searcher": "function = sum",
    "tfprune.search.thresholds.set_thresholds": PRUNED.format(filters=None),
}
# Those need normalizations, weights of Caffe, a trained net.
NOT_RUN = ("recalibrate", "load_caffemodel", "choose_ranks")
expected = pytest.mark.filterwarnings(
    "ignore:accuracy drops", "ignore:.* skips these layers"
)


def of_readme():
    text = (ROOT / "README.md").read_text()
    for heading, section in SECTION.findall(text):
        for number, code in enumerate(BLOCK.findall(section)):
            yield pytest.param(code, id=f"{heading} {number}")


def of_docstrings():
    for path in sorted((ROOT / "tfprune").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                for code in BLOCK.findall(ast.get_docstring(node) or ""):
                    name = f"{module}.{node.name}"
                    if not name.endswith(NOT_RUN):
                        yield pytest.param(module, name, code, id=name)


@pytest.fixture
def names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return small_net.names()


@expected
@pytest.mark.parametrize("code", of_readme())
def test_readme(names, code):
    if "caffemodel" in code:
        pytest.skip("needs weights that are not here")
    exec(code, names)


@expected
@pytest.mark.parametrize("module, name, code", of_docstrings())
def test_docstring(names, module, name, code):
    names = {**vars(importlib.import_module(module)), **names}
    exec(BEFORE.get(name, ""), names)
    exec(inspect.cleandoc(code), names)
