"""Two models agree as far as rounding lets them."""

import keras
import numpy as np
import pytest

from tfprune.graph import equivalence


def chain(layers, scale, dtype="float32"):
    """Dense layers; the larger their weights, the more they magnify."""
    model = keras.Sequential([keras.Input((16,))])
    for number in range(layers):
        random = np.random.default_rng(number)
        layer = keras.layers.Dense(16, "tanh", dtype=dtype)
        model.add(layer)
        layer.kernel.assign(scale * random.normal(size=(16, 16)))
    return model


def shuffled(model):
    """Returns the same model, which adds in another order."""
    order = np.random.default_rng(7).permutation(16)
    other = keras.models.clone_model(model)
    weights = model.get_weights()
    for number in range(0, len(weights), 2):
        kernel, bias = weights[number : number + 2]
        if number > 0:
            kernel = kernel[order]
        if number < len(weights) - 2:
            kernel, bias = kernel[:, order], bias[order]
        weights[number : number + 2] = [kernel, bias]
    other.set_weights(weights)
    return other


def changed(model, by):
    other = keras.models.clone_model(model)
    weights = model.get_weights()
    other.set_weights([(1 + by) * weights[0], *weights[1:]])
    return other


def test_roundings_are_allowed():
    model = chain(3, 0.3)
    assert equivalence.check(model, shuffled(model)) is None


def test_a_chaotic_model_may_differ_by_what_it_makes_of_roundings():
    model = chain(40, 1.0)
    other = shuffled(model)
    x = np.random.default_rng(0).normal(size=(2, 16)).astype("float32")
    assert np.abs(model(x) - other(x)).max() > 1e-3
    equivalence.check(model, other)


@pytest.mark.parametrize("layers, scale", [(1, 0.3), (3, 0.3), (3, 1.0)])
def test_other_differences_are_errors(layers, scale):
    model = chain(layers, scale)
    with pytest.raises(RuntimeError, match="outputs that differ by"):
        equivalence.check(model, changed(model, 0.05))


def test_not_a_number_is_an_error():
    model = chain(2, 0.3)
    with pytest.raises(RuntimeError, match="differ by nan"):
        equivalence.check(model, changed(model, np.nan))
