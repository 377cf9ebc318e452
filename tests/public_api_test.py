"""The public API is that of `public_api.txt`, and all of it is described.

A name that comes or goes is a decision, to be told in CHANGELOG.md.
"""

import difflib
import importlib.util
import inspect
import pathlib
import pkgutil
import types

import pytest

import tfprune

ROOT = pathlib.Path(__file__).resolve().parents[1]
NAMESPACES = {
    name: module
    for name, module in vars(tfprune).items()
    if isinstance(module, types.ModuleType)
    and module.__name__.startswith("tfprune.")
    and hasattr(module, "__all__")
}


def public_api():
    file = ROOT / "scripts/public_api.py"
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


API = public_api()
NAMES = dict(API.names(tfprune))


def test_the_api_is_that_of_the_snapshot():
    known = (ROOT / "tests/public_api.txt").read_text().splitlines()
    found = [API.line(*name) for name in NAMES.items()]
    changes = "\n".join(difflib.unified_diff(known, found, n=0, lineterm=""))
    assert not changes, (
        f"The public API changed:\n{changes}\nIf that is wanted, tell it in "
        "CHANGELOG.md and run `python scripts/public_api.py > "
        "tests/public_api.txt`."
    )


@pytest.mark.parametrize("name", [x for x, y in NAMES.items() if callable(y)])
def test_what_is_public_has_a_docstring(name):
    assert inspect.getdoc(NAMES[name]), f"{name} has no docstring."


def test_there_are_few_names_at_the_top():
    assert len(tfprune.__all__) <= 26


@pytest.mark.parametrize("name", NAMESPACES)
def test_no_function_of_a_namespace_hides_a_module(name):
    namespace = NAMESPACES[name]
    modules = {x.name for x in pkgutil.iter_modules(_path(namespace))}
    functions = {
        x for x in namespace.__all__ if callable(getattr(namespace, x))
    }
    assert not modules & functions, "a module and a function of one name"


def _path(module):
    return getattr(module, "__path__", ())
