"""Models built anew from configs that were changed."""

import keras
from keras import layers

from tests.graph import subclasses_test as nets
from tfprune.graph import model_graph
from tfprune.graph import rebuilding


def rebuild(model, changes=()):
    graph = model_graph.ModelGraph(model)
    return rebuilding.rebuild(graph, rebuilding.Changes(dict(changes)))


def test_configs_of_layers_are_changed_and_names_are_kept():
    inner = nets.OwnConfig(8, name="inner")
    model = nets.nested(inner)
    change = {"filters": 5}
    layer = inner.get_layer("own_two")
    rebuilt = rebuild(model, {id(layer): change})
    assert rebuilt.get_layer("inner").output_shape[-1] == 5
    assert inner.output_shape[-1] == 8
    assert [x.name for x in rebuilt.layers] == [x.name for x in model.layers]


def test_shared_layers_stay_shared():
    shared = layers.Dense(3, name="shared")
    x = keras.Input((3,))
    rebuilt = rebuild(keras.Model(x, shared(shared(x))))
    assert len(rebuilt.weights) == 2
    assert (
        len(model_graph.ModelGraph(rebuilt).calls[id(rebuilt.layers[1])]) == 2
    )


def test_sequential_models_stay_sequential():
    chain = [keras.Input((3,)), layers.Dense(2, name="a")]
    rebuilt = rebuild(keras.Sequential(chain, name="chain"))
    assert type(rebuilt) is keras.Sequential and rebuilt.name == "chain"


def test_a_model_is_not_compiled_then():
    model = nets.nested(nets.OwnConfig(8))
    model.compile("sgd", "mse")
    assert not rebuild(model).compiled


def test_what_is_not_trainable_stays_so():
    model = nets.OwnConfig(8)
    model.trainable = False
    rebuilt = rebuild(model)
    assert not rebuilt.trainable and not rebuilt.trainable_variables
