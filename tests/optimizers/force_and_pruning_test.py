"""ForceRegularized around a PruningOptimizer, and inside of one."""

import keras
import numpy as np
import pytest

import tfprune
from tests.optimizers import force_nets as nets
from tfprune import methods
from tfprune.core import units

WAYS = {
    "outside": lambda inner, **force: tfprune.optimizers.ForceRegularized(
        tfprune.PruningOptimizer(inner), **force
    ),
    "inside": lambda inner, **force: tfprune.PruningOptimizer(
        tfprune.optimizers.ForceRegularized(inner, **force)
    ),
}


class TestWithPruning:
    def pruned(self, way, **force):
        model = tfprune.prune(
            nets.net(extras=False), methods.Magnitude(0.75, frequency=2)
        )
        optimizer = WAYS[way](
            nets.INNER["momentum"](), **{**nets.CONSTANT, **force}
        )
        return nets.compiled(optimizer, model)

    def test_either_way_round(self):
        outside, inside = (nets.train(self.pruned(way)) for way in WAYS)
        nets.assert_same(outside, inside)

    @pytest.mark.parametrize("way", WAYS)
    def test_no_force_is_pruning_alone(self, way):
        alone = tfprune.prune(
            nets.net(extras=False), methods.Magnitude(0.75, frequency=2)
        )
        alone = nets.compiled(
            tfprune.PruningOptimizer(nets.INNER["momentum"]()), alone
        )
        nets.assert_same(
            nets.train(alone), nets.train(self.pruned(way, force_decay=0))
        )

    @pytest.mark.parametrize("way", WAYS)
    def test_pruned_weights_stay_zero(self, way):
        model = nets.train(self.pruned(way))
        target = units.tagged(model.variables)[0].targets[0]
        assert target.variable is model.get_layer("conv").kernel
        mask = target.mask.numpy()
        assert mask.mean() == 0.25
        assert not np.any(target.variable.numpy()[~mask])

    @pytest.mark.parametrize("way", WAYS)
    def test_two_replicas_equal_one(self, way):
        one = nets.train(self.pruned(way))
        with nets.two_replicas().scope():
            two = self.pruned(way)
        nets.assert_same(one, nets.train(two), 2e-5)

    @pytest.mark.parametrize("way", WAYS)
    def test_save_reload_continue(self, way, tmp_path):
        model = nets.train(self.pruned(way))
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        nets.assert_same(nets.train(model), nets.train(reloaded))
