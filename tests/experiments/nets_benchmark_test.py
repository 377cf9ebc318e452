"""Whole nets: what is pruned of them, and the tables; never their times."""

import keras
import numpy as np
import pytest

from tfprune import ops
from tfprune.compress import measure
from tfprune.compress import traverse
from tfprune.experiments import models as nets
from tfprune.experiments.benchmarks import models
from tfprune.ops import library

compiled = pytest.mark.skipif(library.load().ops is None, reason=ops.describe())


@pytest.fixture
def times(monkeypatch):
    """Sparse layers are always twice as fast here, and models thrice."""
    monkeypatch.setattr(models, "_use", lambda threads: None)
    monkeypatch.setattr(
        measure,
        "layers",
        lambda candidates, shape, rounds: {"dense": 2.0, "sparse": 1.0},
    )
    found = {"given": 6.0, "folded": 4.0, "sparse": 2.0}
    monkeypatch.setattr(
        measure,
        "models",
        lambda candidates, batch_size, rounds: {
            k: found[k] for k in candidates
        },
    )


def small(path):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 10)),
            keras.layers.Conv2D(5, 3, name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, name="fc"),
        ]
    )
    models.prune(model, 0.5)
    model.save(path)
    return str(path)


def table(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    header, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines
    )
    return [dict(zip(header, row, strict=True)) for row in rows]


@compiled
def test_layers_of_a_file(tmp_path, times):
    path = small(tmp_path / "net.keras")
    text = models.layers(path, 0.9, batch=2, threads=1, rounds=1)
    conv, fc = table(text)
    assert (conv["layer"], fc["layer"]) == ("conv", "fc")
    assert conv["dense ms"] == "2.000"
    # 2 examples of 36 pixels, 450 weights, in 2 ms.
    assert float(conv["dense GFLOPS"]) == round(2 * 2 * 36 * 450 / 2e6)
    assert conv["of dense time"] == "50.0%"
    assert conv["runs"] == "sparse"
    assert "sparse 3.00x" in text


@compiled
def test_whole_models(times):
    (row,) = table(models.run(["lenet_5"], [0.9], 1, 1, rounds=1))
    assert row == {
        "model": "lenet_5",
        "sparsity": "90%",
        "sparse layers": "3 of 4",
        "folded": "1.50x",
        "sparse": "3.00x",
    }


def test_unknown_nets_are_named(times):
    with pytest.raises(ValueError, match="model.*'lenet'"):
        models.run(["lenet"], [0.9], 1, 1, 1)


def test_pruning_spares_images_and_depthwise_layers():
    model = nets.build("mobilenet_v2", seed=0)
    models.prune(model, 0.9)
    zeros = {
        layer.name: np.mean(np.asarray(layer.kernel) == 0)
        for layer in traverse.leaves(model)
        if hasattr(layer, "kernel")
    }
    assert zeros.pop("Conv1") == 0
    depthwise = [name for name in zeros if "depthwise" in name]
    assert {zeros.pop(name) for name in depthwise} == {0}
    assert len(zeros) == 35
    assert np.allclose(list(zeros.values()), 0.9, atol=0.05)


@pytest.mark.parametrize(
    "name, size, parameters",
    [
        ("caffenet", 227, 60_965_224),
        ("resnet50", 224, 25_636_712),
        ("mobilenet_v2", 224, 3_538_984),
    ],
)
def test_nets_for_imagenet(name, size, parameters):
    model = nets.build(name, seed=0)
    assert model.count_params() == parameters
    assert model.input_shape == (None, size, size, 3)
    assert model.output_shape == (None, 1000)


def test_local_response_normalization():
    import tensorflow as tf

    from tfprune.experiments.models import imagenet

    x = np.random.default_rng(0).normal(0, 50, (2, 3, 3, 7)).astype("float32")
    want = tf.nn.local_response_normalization(
        x, depth_radius=2, bias=1.0, alpha=1e-4 / 5, beta=0.75
    )
    found = imagenet.LocalResponseNormalization()(x)
    np.testing.assert_allclose(found, want, rtol=1e-5)
