"""How often verbs read the graph of a model."""

import collections
import warnings

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import methods
from tfprune import planning
from tfprune import profiling
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters import remove
from tfprune.compress.filters import zero
from tfprune.compress.sparse import sparsify
from tfprune.core import structures
from tfprune.graph import nodes
from tfprune.profiling import timer


@pytest.fixture
def reads(monkeypatch):
    """Id of a model to the model, as often as it was read."""
    found, real = collections.defaultdict(list), nodes.Nodes

    def read(model):
        found[id(model)].append(model)
        return real(model)

    monkeypatch.setattr(nodes, "Nodes", read)
    monkeypatch.setattr(
        timer, "layers", lambda x, *_: {k: 1.0 + (k == "dense") for k in x}
    )
    monkeypatch.setattr(timer, "models", lambda x, *_: dict.fromkeys(x, 1.0))
    return found


def net():
    x = keras.Input((12, 12, 3))
    y = layers.Conv2D(8, 3, padding="same", name="one")(x)
    y = layers.BatchNormalization(name="norm")(y)
    y = layers.ReLU(name="relu")(y)
    z = layers.Conv2D(8, 3, padding="same", name="two")(y)
    y = layers.ReLU(name="after")(layers.Add(name="sum")([y, z]))
    y = layers.Conv2D(8, 3, name="three")(y)
    y = layers.Dense(4, name="out")(layers.GlobalAveragePooling2D()(y))
    model = keras.Model(x, y)
    kernel = model.get_layer("two").kernel
    kernel.assign(kernel * (np.abs(kernel) > 0.1))
    return model


def coupled():
    return methods.Magnitude(structure=structures.CoupledFilter())


# Reads of the model that is given, and of each model that the verb makes.
VERBS = {
    "channel_graph": (channel_graph.channel_graph, 1, []),
    "plan_removal": (removal_plan.plan_removal, 1, []),
    "remove_filters": (remove.remove_filters, 1, []),
    # It looks for the filters of the copy that it changes.
    "zero_filters": (zero.zero_filters, 0, [1]),
    # What is called on what changes where layers are folded.
    "sparsify": (sparsify.sparsify, 1, [1]),
    "plan_filters": (lambda x: planning.plan_filters(x, "macs<=50%"), 1, []),
    "project": (lambda x: profiling.project(x, "atom_c2750"), 1, []),
    "report": (lambda x: tfprune.report(x, machine="atom_c2750"), 1, []),
    "factorize": (tfprune.factorize, 1, []),
    "factorize, budget": (
        lambda model: tfprune.factorize(model, budget="macs<=50%"),
        1,
        [],
    ),
    "prune, filters": (lambda model: tfprune.prune(model, coupled()), 1, []),
    # Once for the plan, which leaves the model as it was, once to prune it.
    "prune, filters, budget": (
        lambda model: tfprune.prune(model, coupled(), budget="macs<=50%"),
        2,
        [],
    ),
    # It counts the weights of the model, which has masks.
    "prune, budget": (
        lambda model: tfprune.prune(model, "magnitude", budget="macs<=50%"),
        1,
        [],
    ),
}


@pytest.mark.parametrize("name", VERBS)
def test_reads(reads, name):
    verb, expected, others = VERBS[name]
    model = net()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Not all layers fit all methods.
        verb(model)
    found = {x: len(models) for x, models in reads.items()}
    assert found.pop(id(model), 0) == expected
    assert sorted(found.values()) == others
