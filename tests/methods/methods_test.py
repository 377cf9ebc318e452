"""What all methods have in common as classes."""

import pytest

from tests import conformance_rows
from tfprune import methods
from tfprune.core import pruner


@pytest.mark.parametrize("name, kind", methods.REGISTRY.items())
def test_a_method_is_an_instance_of_its_class(name, kind):
    method = conformance_rows.ROWS[name].make()
    assert type(method) is kind
    assert isinstance(method, methods.Method)
    assert repr(method).startswith(f"{kind.__name__}(name=")


def test_the_registry_names_classes_in_snake_case():
    assert methods.REGISTRY["l1_winograd"] is methods.L1Winograd
    assert methods.REGISTRY["nm"] is methods.NM
    exported = [kind.__name__ for kind in methods.REGISTRY.values()]
    assert set(exported) < set(methods.__all__)


def test_a_method_of_ones_own_needs_no_class():
    method = methods.Method("mine", pruner.Pruner(), settings={"a": None})
    assert methods.Method.from_config(method.get_config()) == method


def test_a_field_that_nobody_knows_is_refused():
    config = {**methods.Surgery(0.5).get_config(), "pruners": None}
    with pytest.raises(ValueError, match="`field` .*Did you mean 'pruner'"):
        methods.Surgery.from_config(config)
