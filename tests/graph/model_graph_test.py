"""What a model's graph answers, nested and shared models included."""

import keras
import pytest
from keras import layers

from tfprune.graph import model_graph
from tfprune.graph import nodes


def dense(name, units=3):
    return layers.Dense(units, name=name)


def inner(name, chain):
    if chain:
        return keras.Sequential([keras.Input((3,)), dense("in")], name=name)
    x = keras.Input((3,))
    return keras.Model(x, dense("in")(x), name=name)


def twice(chain):
    """A nested model that is called twice, and a layer behind it."""
    model = inner("nested", chain)
    x = keras.Input((3,), name="x")
    return keras.Model(x, dense("out")(model(model(x))))


class Mine(keras.Model):
    def __init__(self):
        super().__init__()
        self.models = [twice(False), inner("alone", True)]

    def call(self, x):
        return self.models[1](self.models[0](x))


def calls(model):
    found = model_graph.ModelGraph(model)
    return {x.name: found.calls.get(id(x)) for x in found.leaves}


@pytest.mark.parametrize("chain", [False, True])
def test_layers_of_a_nested_model_are_called_as_often_as_it_is(chain):
    found = calls(twice(chain))
    # Sequential models take other sizes than those they were built on.
    assert found["in"] == 2 * [None if chain else [(None, 3)]]
    assert found["out"] == [[(None, 3)]]


def test_calls_of_models_inside_of_a_subclassed_model():
    model = Mine()
    found = model_graph.ModelGraph(model).calls
    leaf = model.models[0].get_layer("nested").get_layer("in")
    assert found[id(leaf)] == 2 * [[(None, 3)]]
    assert found[id(model.models[1].layers[0])] == [None]


@pytest.mark.parametrize("chain", [False, True])
def test_following_a_model_visits_each_call(chain):
    seen = []

    def step(call):
        seen.append(call.where)
        return [sum(call.inputs) + 1 for _ in call.shapes]

    graph = model_graph.ModelGraph(twice(chain))
    ends = graph.follow([0], step)
    within = [x for x in seen if x.startswith("nested/") and "in" == x[7:]]
    assert len(within) == 2 and seen[0] == "x" and seen[-1] == "out"
    # The input layers of the nested model are passed, too.
    assert ends == [6]


def test_sole_followers():
    x = keras.Input((3,))
    one, two, three, four = map(dense, ("one", "two", "three", "four"))
    y = two(one(x))
    model = keras.Model(x, layers.Add(name="sum")([three(y), four(y)]))
    found = model_graph.ModelGraph(model).sole_followers
    assert found[id(one)] is two
    assert id(two) not in found and id(three) not in found


def test_a_layer_in_two_models_has_no_sole_follower():
    shared, behind = dense("shared"), dense("behind")
    x, y = keras.Input((3,)), keras.Input((3,))
    first = keras.Model(x, behind(shared(x)), name="first")
    second = keras.Model(y, shared(y), name="second")
    z = keras.Input((3,))
    graph = model_graph.ModelGraph(keras.Model(z, second(first(z))))
    assert id(shared) not in graph.sole_followers


def test_additions_have_sources_that_nothing_else_takes():
    x = keras.Input((3,))
    one, two = dense("one"), dense("two")
    y = one(x)
    model = keras.Model(x, layers.Add(name="sum")([y, two(y)]))
    ((layer, sources),) = model_graph.ModelGraph(model).additions
    assert layer.name == "sum" and sources == [None, two]


def test_a_model_is_read_when_it_is_asked_first_and_once(monkeypatch):
    read, real = [], nodes.Nodes
    monkeypatch.setattr(
        nodes, "Nodes", lambda model: read.append(model.name) or real(model)
    )
    model = twice(False)
    graph = model_graph.ModelGraph(model)
    assert not read
    for _ in range(2):
        assert graph.calls and graph.sole_followers and not graph.additions
        graph.follow([0], lambda call: [0 for _ in call.shapes])
    assert sorted(read) == sorted([model.name, "nested"])
