"""What ranks save of a call, read off measured times; no time is tested."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.search import nets
from tfprune import planning
from tfprune.compress.low_rank import candidates
from tfprune.compress.low_rank import forms
from tfprune.graph import model_graph
from tfprune.planning import latency
from tfprune.profiling import timer

WHOLE, DENSE = 100.0, 10.0


@pytest.fixture
def times(monkeypatch):
    """A rank takes its own number of milliseconds, a layer `DENSE`."""
    asked = []

    def of_layers(calls, shape, rounds):
        asked.append((shape, list(calls)))
        for call in calls.values():
            assert call(np.zeros(shape, "float32")).shape[0] == shape[0]
        return {x: DENSE if x == "dense" else float(x) for x in calls}

    monkeypatch.setattr(timer, "layers", of_layers)
    monkeypatch.setattr(
        timer, "models", lambda models, *_: dict.fromkeys(models, WHOLE)
    )
    return asked


def net():
    keras.utils.set_random_seed(0)
    x = keras.Input((6, 6, 3))
    y = layers.Conv2D(16, 3, padding="same", name="conv")(x)
    shared = layers.Conv2D(16, 3, padding="same", name="shared")
    return keras.Model(x, shared(shared(y)))


def of(model, name):
    found, _ = candidates.find(model_graph.ModelGraph(model), forms.form("pca"))
    (candidate,) = [x for x in found if x.layer.name == name]
    return candidate


def test_between_the_ranks_measured_it_is_read_off(times):
    saved = latency.saved_by_rank(of(net(), "conv"))
    ranks = [1, 2, 3, 6, 8, 12, 16]
    assert times == [((1, 6, 6, 3), ["dense", *map(str, ranks)])]
    for rank in (1, 4, 7, 16):
        assert saved(rank) == DENSE - rank


def test_each_call_of_a_shared_layer_counts(times):
    assert latency.saved_by_rank(of(net(), "shared"))(2) == 2 * (DENSE - 2)


def test_a_lower_rank_never_takes_longer(monkeypatch):
    """Whatever a clock has shown."""
    monkeypatch.setattr(
        timer,
        "layers",
        lambda calls, *_: {
            x: 20.0 if x == "dense" else 20.0 - float(x) for x in calls
        },
    )
    saved = latency.saved_by_rank(of(net(), "conv"))
    assert all(saved(rank) == 20.0 - 19.0 for rank in (1, 5, 16))


def test_images_of_any_size_are_measured_at_one(times):
    x = keras.Input((None, None, 3))
    model = keras.Model(x, layers.Conv2D(8, 3, name="conv")(x))
    candidate = of(model, "conv")
    assert candidate.calls == [[(None, 32, 32, 3)]]
    assert latency.saved_by_rank(candidate)(1) == DENSE - 1


class TestBudget:
    @pytest.mark.parametrize("limit", ["latency<=85ms", "latency<=85%"])
    def test_is_met_and_almost_used_up(self, times, limit):
        ranks = tfprune.factorize(net(), budget=limit).table.ranks
        conv, shared = (ranks.get(x, DENSE) for x in ("conv", "shared"))
        saved = DENSE - conv + 2 * (DENSE - shared)
        assert 15 <= saved <= 18

    def test_that_no_rank_meets_says_what_one_does(self, times):
        with pytest.raises(
            ValueError, match="is 0.5 ms .* is 73, .* at rank 1"
        ):
            tfprune.factorize(net(), budget="latency<=500us")

    def test_of_chosen_ranks(self, times):
        model, data = nets.dense(), nets.data(200)
        plan = planning.choose_ranks(model, data, 1.0, "latency<=80ms")
        saved = sum(DENSE - rank for rank in plan.ranks.values())
        assert saved >= 20 and plan.cost == WHOLE - saved <= plan.limit
        with pytest.raises(ValueError, match="The least possible is 7"):
            planning.choose_ranks(model, data, 0.0, "latency<=70.5ms")

    def test_in_real_time(self):
        """Whatever a busy machine measures, thrice the time is enough."""
        x = keras.Input((32, 32, 32))
        y = layers.Conv2D(128, 3, padding="same", name="conv")(x)
        model = keras.Model(x, y)
        found = tfprune.factorize(model, budget="latency<=300%")
        rank = found.table.ranks.get("conv", 128)
        weights = [x.kernel.shape for x in found.model.layers if x.weights]
        assert 1 <= rank <= 128 and len(weights) == (1 if rank == 128 else 2)
        assert weights[0][-1] == rank and weights[-1][-1] == 128
