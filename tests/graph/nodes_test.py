"""The reader of one model's graph."""

import keras
import pytest
from keras import layers
from keras import ops

from tfprune.graph import nodes


def dense(name, units=3):
    return layers.Dense(units, name=name)


def names(graph):
    return [node.operation.name for node in graph.nodes]


def pairs(graph):
    return [(x.name, y and y.name) for x, y in graph.edges]


def test_a_sequential_model_is_a_chain():
    model = keras.Sequential([keras.Input((4,), name="x"), dense("a")])
    graph = nodes.Nodes(model)
    assert names(graph) == ["a"]
    assert pairs(graph) == [("x", "a"), ("a", None)]
    assert graph.calls[id(model.layers[0])] == [[(None, 4)]]


def test_nodes_come_after_what_they_take():
    x = keras.Input((3,), name="x")
    last, first = dense("last"), dense("first")
    y = first(x)
    model = keras.Model(x, layers.Add(name="sum")([last(y), y]))
    graph = nodes.Nodes(model)
    assert names(graph) == ["first", "last", "sum"]
    assert set(pairs(graph)) == {
        ("x", "first"),
        ("first", "last"),
        ("first", "sum"),
        ("last", "sum"),
        ("sum", None),
    }


def test_a_layer_that_is_called_twice():
    shared = dense("shared", 4)
    x = keras.Input((4,))
    model = keras.Model(x, shared(shared(x)))
    graph = nodes.Nodes(model)
    assert [node.key for node in graph.nodes] == [("shared", 0), ("shared", 1)]
    assert graph.outputs == [("shared", 1, 0)]
    assert graph.calls[id(shared)] == [[(None, 4)], [(None, 4)]]


def test_only_the_calls_of_this_model_count():
    layer = dense("a")
    one, two = keras.Input((4,)), keras.Input((4,))
    layer(one)
    graph = nodes.Nodes(keras.Model(two, layer(two)))
    assert [node.key for node in graph.nodes] == [("a", 0)]
    assert graph.outputs == [("a", 0, 0)]


def test_dicts_of_inputs_and_outputs():
    x = {"b": keras.Input((2,), name="b"), "a": keras.Input((3,), name="a")}
    model = keras.Model(x, {"z": dense("m")(x["b"]), "y": dense("n")(x["a"])})
    graph = nodes.Nodes(model)
    assert [key[0] for key in graph.inputs] == [x.name for x in model.inputs]
    layer = {"m": "b", "n": "a"}
    assert {(y, x) for x, y in pairs(graph) if y} == set(layer.items())
    assert [key[0] for key in graph.outputs] == ["n", "m"]


def test_operations_of_several_tensors():
    x = keras.Input((4,))
    one, two = ops.split(x, 2, axis=-1)
    graph = nodes.Nodes(keras.Model(x, ops.add(one, two)))
    split, add = graph.nodes
    assert [tensor.key[2] for tensor in add.tensors] == [0, 1]
    call = graph.call(split, ["known"], "outer/")
    assert call.shapes == [(None, 2), (None, 2)]
    assert call.where.startswith("outer/") and call.kind == "Split"


@pytest.mark.parametrize("chain", [False, True])
def test_a_nested_model_is_one_operation(chain):
    x = keras.Input((3,))
    inner = keras.Sequential([keras.Input((3,)), dense("a")], name="inner")
    if not chain:
        inner = keras.Model(x, dense("a")(x), name="inner")
    y = keras.Input((3,))
    graph = nodes.Nodes(keras.Model(y, inner(inner(y))))
    assert [node.key for node in graph.nodes] == [("inner", 0), ("inner", 1)]
    assert graph.outputs == [("inner", 1, 0)]


class Blunt(keras.Model):
    """Takes a layer, and is not told how to be saved."""

    def __init__(self, layer, **kwargs):
        x = keras.Input((3,), name="x")
        super().__init__(x, layer(x), **kwargs)


class Own(Blunt):
    """Has a config of its own, which is of no use."""

    def get_config(self):
        raise ValueError("nobody must ask")


@pytest.mark.parametrize("kind", [Blunt, Own])
def test_subclasses_of_functional_are_not_asked_for_a_config(kind):
    inner = kind(dense("a"), name="inner")
    assert names(nodes.Nodes(inner)) == ["a"]
    x = keras.Input((3,))
    outer = keras.Model(x, dense("b")(inner(x)))
    assert names(nodes.Nodes(outer)) == ["inner", "b"]
    assert "get_config" not in vars(inner)


def test_reading_leaves_a_model_as_it_was():
    x = keras.Input((3,))
    model = keras.Model(x, dense("a")(x))
    before = model.get_config()
    nodes.Nodes(model)
    assert model.get_config() == before
