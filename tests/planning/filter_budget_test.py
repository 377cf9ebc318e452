"""Budgets of smaller nets: met exactly, known before, or refused."""

import keras
import numpy as np
import pytest

import tfprune
from tests.compress.filters import zoo
from tests.wrapping import coupling_test as tying_test
from tfprune import methods
from tfprune.core import allocation
from tfprune.core import structures

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")

UNIFORM = [
    methods.Magnitude(frequency=1, structure=structures.CoupledFilter()),
    methods.FilterRanking(stages=1, allocation=allocation.Uniform()),
]


def size(model):
    """Returns parameters, MACs and bytes."""
    _, before, _ = tfprune.plan_removal(model).total
    return before[1:]


@pytest.mark.parametrize("method", UNIFORM, ids=["magnitude", "ranking"])
@pytest.mark.parametrize(
    ("budget", "place", "share"),
    [("macs<=50%", 1, 0.5), ("parameters<=40%", 0, 0.4)],
)
def test_the_trained_net_is_within_it(method, budget, place, share):
    net = tying_test.residual()
    model = tfprune.prune(tying_test.residual(), method, budget=budget)
    plan = tfprune.plan_budget(net, method, budget)
    model = tying_test.train(model)
    small = tfprune.remove_filters(tfprune.strip(model)).model
    cost, limit = size(small)[place], share * size(net)[place]
    assert 0.7 * limit <= cost <= limit
    assert f"\n{cost:,} of {size(net)[place]:,}" in str(plan)


def test_the_table_at_once():
    net = zoo.randomize(tying_test.residual())
    before = net.get_weights()
    found = tfprune.planning.plan_filters(net, "bytes<=8KB")
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    zeroed = tfprune.compress.zero_filters(net, found.sparsities)
    small = tfprune.remove_filters(zeroed).model
    assert size(small)[2] == found.cost <= found.limit == 8000
    for row in found.rows:
        assert row.least == 1
        for name in row.layers:
            assert small.get_layer(name).filters == row.kept
    names = [row.layers for row in found.rows]
    assert names == [("stem", "a2", "b2"), ("a1",), ("b1",)]


def test_the_least_possible_is_what_is_left_of_all():
    net = zoo.randomize(tying_test.residual())
    least = tfprune.planning.plan_filters(net, "macs<=100%").least
    found = tfprune.planning.plan_filters(net, f"macs<={least}")
    small = tfprune.remove_filters(
        tfprune.compress.zero_filters(net, found.sparsities)
    ).model
    assert size(small)[1] == least
    with pytest.raises(ValueError, match=f"The least possible is {least:,}"):
        tfprune.planning.plan_filters(net, f"macs<={least - 1}")


def test_filters_that_give_a_constant_stay():
    """A sigmoid of zero is one half, and padding is zero."""
    x = zoo.image()
    y = zoo.conv(6, activation="sigmoid", name="stays")(x)
    y = zoo.conv(6, activation="relu", name="goes")(y)
    net = keras.Model(x, zoo.conv(2, name="last")(y))
    found = tfprune.planning.plan_filters(net, "macs<=70%")
    stays, goes = found.rows
    assert (stays.layers, stays.least, stays.kept) == (("stays",), 6, 6)
    assert goes.least == 1 and goes.kept < 6


def test_only_chosen_layers_lose_filters():
    net, method = tying_test.residual(), UNIFORM[0]
    with pytest.raises(ValueError, match="(?s)The least possible.*a1 .*Ask"):
        tfprune.prune(net, method, "a1", budget="macs<=10%")


def test_nothing_to_do():
    net = tying_test.residual()
    found = tfprune.planning.plan_filters(net, "macs<=100%")
    assert found.cost == found.dense
    assert not np.any(list(found.sparsities.values()))


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        (methods.FilterRanking(), {}, "Give it `allocation=Uniform"),
        (UNIFORM[0], {"data": ([], [])}, "`data` must be None where filters"),
        (UNIFORM[0], {"budget": "flops<=1%"}, "`budget` must be one of"),
    ],
)
def test_bad_input(method, arguments, message):
    arguments = {"budget": "macs<=50%", **arguments}
    with pytest.raises(ValueError, match=message):
        tfprune.prune(tying_test.residual(), method, **arguments)
