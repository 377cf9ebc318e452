"""The nets whose training is measured."""

import numpy as np
import pytest

from benchmarks.cases import training_nets
from tfprune import methods
from tfprune.wrapping import in_place


@pytest.mark.parametrize("name", ["lenet_5", "transformer"])
def test_nets_take_their_batches(name):
    model = training_nets.build(name)
    inputs, labels = training_nets.batches(model, 2, 3)
    assert inputs.shape == (2, 3, *model.input_shape[1:])
    assert inputs.dtype == model.inputs[0].dtype
    assert model(inputs[1]).shape == (3, 10)
    assert labels.shape == (2, 3)


def test_a_net_starts_from_equal_weights():
    first, second = (training_nets.build("transformer") for _ in range(2))
    for one, other in zip(first.weights, second.weights, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.filterwarnings("ignore:magnitude skips")
def test_all_of_a_transformer_is_pruned_in_place():
    model = training_nets.build("transformer")
    in_place.prune(model, methods.Magnitude(0.5), None)
    kernels = [v for v in model.variables if v.name == "kernel"]
    assert len(kernels) == 6 * (4 + 2) + 1
    assert all(hasattr(kernel, "pruning_target") for kernel in kernels)
