"""Operations: found without a list; a new one is one class in one file."""

import ast
import importlib
import pathlib
import sys

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.compress.filters import zoo
from tfprune import backend
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import constants
from tfprune.compress.filters import layout
from tfprune.compress.filters import operations
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import registry

FILES = sorted(pathlib.Path(operations.__file__).parent.glob("*.py"))


class LayerScale(layers.Layer):
    """A layer that is not known: a weight for each channel."""

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.gamma = self.add_weight((channels,), "ones", name="gamma")

    def call(self, x):
        return x * self.gamma

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


@pytest.fixture
def known(monkeypatch):
    """Defines the class that tells all of a `LayerScale`."""
    monkeypatch.setattr(base, "KNOWN", dict(base.KNOWN))

    class Scale(base.Operation):
        names = {f"{__name__}.LayerScale"}

        def couple(self, call, channels):
            (labels,) = call.inputs
            size = call.operation.channels
            read = channels.vector(labels, labels.ndim - 1, size)
            channels.axis(call, "gamma", 0, "scale", read)
            channels.size(call, read)
            return [labels]

        def propagate(self, call, reads):
            (given,) = call.inputs
            gamma = backend.to_numpy(call.operation.gamma)
            gamma = layout.along(gamma, -1, given.known.ndim)
            known = given.known | (gamma == 0)
            value = np.where(known, given.value * gamma, 0)
            return [constants.Constant(known, value)]

        def rebuild(self, call, stays):
            return {"channels": int(stays.sum())}


def scaled():
    """Six filters: one is scaled with zero, one is a bias alone."""
    chain = [zoo.image(), zoo.conv(name="scaled"), LayerScale(6)]
    model = keras.Sequential([*chain, zoo.conv(3, padding="valid")])
    kernel, bias = zoo.randomize(model).layers[0].get_weights()
    kernel[..., 1] = 0
    model.layers[0].set_weights([kernel, bias])
    gamma = np.array(model.layers[1].gamma)
    gamma[4] = 0
    model.layers[1].gamma.assign(gamma)
    return model


def test_what_is_not_known_is_a_barrier():
    graph = channel_graph.channel_graph(scaled())
    assert graph.free.sum() == 0
    assert "(LayerScale): it is not known what it does" in str(graph)


def test_a_new_operation_is_coupled(known):
    graph = channel_graph.channel_graph(scaled())
    assert graph.free.sum() == 6
    channels = {x.variable.name: x.channels for x in graph.axes if x.axis == 0}
    (group,) = graph.groups()
    np.testing.assert_array_equal(channels["gamma"], group.channels)


def test_a_new_operation_is_propagated_and_rebuilt(known):
    model = scaled()
    plan = removal_plan.plan_removal(model)
    assert plan.removed.sum() == 2, str(plan)
    small = tfprune.remove_filters(model).model
    assert small.layers[0].filters == small.layers[1].channels == 4
    x = np.random.default_rng(1).normal(size=(2, 8, 8, 3))
    np.testing.assert_allclose(small(x), model(x), 1e-4, 1e-4)


def test_a_subclass_is_not_covered(known):
    class Mine(LayerScale):
        pass

    assert type(registry.of(LayerScale(6))) is not base.Operation
    assert type(registry.of(Mine(6))) is base.Operation


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_class_of_the_folder_is_found(path):
    found = {type(x).__name__ for x in base.KNOWN.values()}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and "names = {" in ast.unparse(node):
            assert node.name in found, f"{path.name}: {node.name}"


def test_no_two_classes_cover_one_operation():
    classes = {type(own) for own in base.KNOWN.values()}
    assert sum(len(each.names) for each in classes) == len(base.KNOWN)


def test_a_new_file_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "KNOWN", dict(base.KNOWN))
    monkeypatch.setattr(
        operations, "__path__", [*operations.__path__, str(tmp_path)]
    )
    (tmp_path / "triangles.py").write_text(
        "from tfprune.compress.filters.operations import elementwise\n"
        "class Triangle(elementwise.Elementwise):\n    names = {'Tril'}\n"
    )
    importlib.reload(registry)
    x = keras.Input((3,))
    y = keras.ops.tril(layers.Dense(4)(x))
    model = keras.Model(x, layers.Dense(2)(y))
    assert channel_graph.channel_graph(model).free.sum() == 4
    sys.modules.pop(f"{operations.__name__}.triangles")
