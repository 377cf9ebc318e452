"""The nets that are measured: their sizes, their zeros, narrower ones."""

import numpy as np
import pytest

from benchmarks.cases import models
from benchmarks.cases import skimcaffe
from tfprune import applications
from tfprune.graph import traversal


def test_pruning_spares_images_and_depthwise_layers():
    model = applications.build("mobilenet_v2", seed=0)
    models.prune(model, models.uniform(model, 0.9))
    zeros = {
        layer.name: np.mean(np.asarray(layer.kernel) == 0)
        for layer in traversal.leaves(model)
        if hasattr(layer, "kernel")
    }
    assert zeros.pop("Conv1") == 0
    depthwise = [name for name in zeros if "depthwise" in name]
    assert {zeros.pop(name) for name in depthwise} == {0}
    assert len(zeros) == 35
    assert np.allclose(list(zeros.values()), 0.9, atol=0.05)


@pytest.mark.parametrize("part", [0.05, 0.2])
@pytest.mark.parametrize("name", ["caffenet", "mobilenet_v2"])
def test_narrow_nets(name, part):
    model = applications.build(name, seed=0)
    narrower = models.narrow(model, part)
    assert narrower.output_shape == model.output_shape
    close = pytest.approx(part, rel=0.3)  # Filters come in steps of 8.
    assert models.macs(narrower) / models.macs(model) == close


def test_work():
    model = applications.build("caffenet", seed=0)
    assert models.macs(model) == 724_406_816
    assert models.kept_macs(model) == 1
    models.prune(model, models.uniform(model, 0.9))
    first = 55 * 55 * 11 * 11 * 3 * 96 / 724_406_816
    assert models.kept_macs(model) == pytest.approx(
        first + 0.1 * (1 - first), 0.01
    )


@pytest.mark.parametrize("name", ["caffenet", "googlenet", "resnet50"])
def test_published_sparsities(name):
    model = applications.build(name, seed=0)
    published = skimcaffe.sparsities(name)
    models.prune(model, published)
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            zeros = np.mean(np.asarray(layer.kernel) == 0)
            wanted = published.get(layer.name, 0)
            assert zeros == pytest.approx(wanted, abs=0.01)
    large = [x for x in model.layers if getattr(x, "kernel_size", (1,))[0] > 1]
    missing = {layer.name for layer in large} - published.keys()
    images = {"pool", "conv1", "conv1_conv", "conv1_7x7_s2"}
    assert not {name for name in missing if "conv" in name} - images


def test_only_some_nets_have_published_sparsities():
    with pytest.raises(ValueError, match="one of: caffenet, googlenet"):
        models.check("mobilenet_v2", models.SKIMCAFFE)


@pytest.mark.parametrize(
    "name, size, parameters",
    [
        ("caffenet", 227, 60_965_224),
        ("googlenet", 224, 6_998_552),
        ("resnet50", 224, 25_636_712),
        ("mobilenet_v2", 224, 3_538_984),
    ],
)
def test_nets_for_imagenet(name, size, parameters):
    model = applications.build(name, seed=0)
    assert model.count_params() == parameters
    assert model.input_shape == (None, size, size, 3)
    assert model.output_shape == (None, 1000)
