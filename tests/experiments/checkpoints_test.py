"""Checkpoints: all or nothing, and never those of another model."""

import keras
import numpy as np
import pytest

import tfprune
from experiments import checkpoints
from tfprune.graph import pruned


@pytest.fixture
def path(tmp_path):
    """A checkpoint of a small net and of its optimizer."""
    model = keras.Sequential([keras.Input((100,)), keras.layers.Dense(300)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    checkpoints.save(tmp_path / "checkpoint.npz", model, {"step": 1})
    return tmp_path / "checkpoint.npz"


class TestCheckpoints:
    def test_whole(self, path):
        found = checkpoints.load(path)
        assert found.progress == {"step": 1}
        assert found.model.count_params() == 30_300
        # Two moments of each weight, updates and learning rate.
        assert sum(x.size for x in found.optimizer) == 60_602

    def test_truncated(self, path):
        whole = path.read_bytes()
        for size in (0, 10, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:size])
            with pytest.raises(ValueError, match="damaged or of another kind"):
                checkpoints.load(path)

    def test_a_flipped_byte(self, path):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged or of another kind"):
            checkpoints.load(path)

    def test_foreign(self, tmp_path):
        np.savez(tmp_path / "other.npz", a=np.zeros(3))
        with pytest.raises(ValueError, match="must be a checkpoint of tfprune"):
            checkpoints.load(tmp_path / "other.npz")

    def test_another_model(self, path):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        before = [w.numpy() for w in model.weights]
        with pytest.raises(ValueError, match="saved by another model"):
            checkpoints.initialize(model, path)
        for one, other in zip(before, model.weights, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_random_seeds_are_kept(self, tmp_path):
        layers = [keras.Input((8,)), keras.layers.Dropout(0.5)]
        model = keras.Sequential(layers)
        x = np.ones((4, 8), "float32")
        model(x, training=True)
        checkpoints.save(tmp_path / "c.npz", model, {})
        again = checkpoints.load(tmp_path / "c.npz").model
        for _ in range(3):
            np.testing.assert_array_equal(
                model(x, training=True), again(x, training=True)
            )

    @pytest.mark.parametrize("wrap", [False, True])
    def test_a_pruned_model_comes_back_with_all_that_pruning_knows(
        self, tmp_path, wrap
    ):
        layers = [keras.Input((8,)), keras.layers.Dense(4, name="ip")]
        method = tfprune.methods.Surgery(c=1.0)
        model = tfprune.prune(keras.Sequential(layers), method, wrap=wrap)
        model.compile(tfprune.PruningOptimizer("sgd"), "mse")
        model.fit(np.ones((4, 8)), np.ones((4, 4)), verbose=0)
        tfprune.settings(model)["ip"]["c"] = 0.5
        checkpoints.save(tmp_path / "c.npz", model, {})
        again = checkpoints.load(tmp_path / "c.npz").model
        assert not again.compiled
        one, other = (pruned.units(x)["ip"] for x in (model, again))
        assert one.method == other.method and other.settings["c"] == 0.5
        for old, new in zip(one.variables, other.variables, strict=True):
            np.testing.assert_array_equal(old, new)
        (kernel, _), (copy, _) = one.targets, other.targets
        assert not np.all(copy.mask) and int(other.updates) == 1
        np.testing.assert_array_equal(kernel.dense(), copy.dense())
        np.testing.assert_array_equal(kernel.variable, copy.variable)

    def test_a_failed_write_keeps_the_old_file(self, path):
        old = path.read_bytes()
        model = checkpoints.load(path).model
        with pytest.raises(TypeError):
            checkpoints.save(path, model, {"not json": object()})
        assert path.read_bytes() == old
        assert len(list(path.parent.glob(".*"))) == 0
