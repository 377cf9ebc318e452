"""The public names of tfprune are those of `public_api.json`.

A name that comes or goes is a decision, to be told in CHANGELOG.md: change
the file with it.
"""

import importlib
import json
import pathlib
import pkgutil

import pytest

import tfprune

SNAPSHOT = json.loads(
    (pathlib.Path(__file__).parent / "public_api.json").read_text()
)


@pytest.mark.parametrize("namespace", SNAPSHOT)
def test_public_names_are_those_of_the_snapshot(namespace):
    module = importlib.import_module(namespace)
    assert sorted(module.__all__) == SNAPSHOT[namespace]
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_there_are_few_names_at_the_top():
    assert len(tfprune.__all__) <= 25


@pytest.mark.parametrize("namespace", SNAPSHOT)
def test_a_namespace_is_an_attribute_and_hides_none_of_its_modules(namespace):
    module = importlib.import_module(namespace)
    parent, _, own = namespace.rpartition(".")
    if parent:
        assert getattr(importlib.import_module(parent), own) is module
    modules = {found.name for found in pkgutil.iter_modules(_path(module))}
    functions = {x for x in module.__all__ if callable(getattr(module, x))}
    assert not modules & functions, "a module and a function of one name"


def _path(module):
    return getattr(module, "__path__", ())
