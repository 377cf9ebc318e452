"""remove_filters: smaller models that give what the masked ones give."""

import keras
import numpy as np
import pytest

import tfprune
from tests.compress import zoo
from tfprune.compress import channel_graph
from tfprune.compress import removal_plan
from tfprune.compress import remove_filters
from tfprune.compress import zero_filters


def zero_at_random(model, seed):
    """Zeroes some free ties, at least one of each layer stays."""
    random = np.random.default_rng(seed)
    graph = channel_graph.channel_graph(model)
    gone = np.zeros(graph.count, bool)
    for ties in graph.families():
        count = random.integers(0, ties.size)
        gone[random.permutation(ties)[:count]] = True
    zero_filters.zero(graph, gone)
    return gone.sum()


def sample(tensor):
    random = np.random.default_rng(1)
    shape = [3, *(size or 10 for size in tensor.shape[1:])]
    if "int" in tensor.dtype:
        return random.integers(0, 2, shape)
    return random.normal(size=shape).astype("float32")


def compare(model, small, tolerance=1e-5):
    (x,) = map(sample, model.inputs)
    for one, other in zip(
        keras.tree.flatten(model(x)), keras.tree.flatten(small(x)), strict=True
    ):
        scale = np.abs(one).max()
        np.testing.assert_allclose(other, one, 0, tolerance * scale)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", zoo.ZOO)
def test_random_filters_go_from_every_model_of_the_zoo(name, seed):
    model = zoo.randomize(zoo.ZOO[name][0]())
    gone = zero_at_random(model, seed)
    plan = removal_plan.plan_removal(model)
    assert plan.gone.sum() == gone, str(plan)
    small = remove_filters.remove_filters(model)
    compare(model, small)
    assert [x.name for x in small.layers] == [x.name for x in model.layers]
    total = plan.total
    assert small.count_params() == total.after.parameters
    assert model.count_params() == total.before.parameters
    assert tfprune.report(small).total.macs == total.after.macs
