"""strip: an ordinary model with zeros in the place of masks."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import methods
from tfprune.core import units
from tfprune.graph import pruned

both_ways = pytest.mark.parametrize("wrap", [False, True])
HALF = methods.Magnitude(0.5, frequency=1)

PLAIN_KERAS = """
import sys
sys.modules["tfprune"] = None
import keras, json
import numpy as np
model = keras.saving.load_model(sys.argv[1])
print(json.dumps(np.array(model(np.ones((1, 4)))).tolist()))
"""


def net(method=HALF, wrap=False):
    """A pruned model with a nested one, masks set, compiled."""
    x = keras.Input((4,))
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="deep")], name="inner"
    )
    outputs = layers.Dense(2, name="top", trainable=False)(inner(x))
    plain = keras.Model(x, outputs, name="net")
    model = tfprune.prune(plain, method, wrap=wrap)
    for name in tfprune.settings(model):
        mask = np.random.default_rng(0).random((4, 4 if name == "deep" else 2))
        tfprune.set_mask(model, name, mask < 0.5)
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    return model


@both_ways
def test_nested_layers_are_plain_and_zero(wrap):
    model = net(wrap=wrap)
    (target,) = pruned.units(model)["deep"].targets
    x = np.random.default_rng(0).normal(size=(5, 4))
    before = model(x)
    bare = tfprune.strip(model)
    deep = bare.get_layer("inner").get_layer("deep")
    assert type(deep) is type(bare.get_layer("top")) is layers.Dense
    np.testing.assert_array_equal(deep.kernel.numpy() != 0, target.mask)
    np.testing.assert_array_equal(bare(x), before)
    assert not units.tagged(bare.variables)


def test_in_place_it_is_the_model_itself_compiled_with_the_inner_optimizer():
    model = net()
    inner = model.optimizer.inner_optimizer
    assert tfprune.strip(model) is model
    assert model.compiled and model.optimizer is inner


@pytest.mark.filterwarnings("ignore:.*has nothing to prune")
def test_a_stripped_model_is_compiled_anew_and_saved(tmp_path):
    bare = tfprune.strip(net())
    bare.compile(tfprune.PruningOptimizer("adam"), "mse")
    bare.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    bare.save(tmp_path / "bare.keras")
    loaded = keras.models.load_model(tmp_path / "bare.keras")
    assert type(loaded.optimizer.inner_optimizer) is keras.optimizers.Adam
    assert not units.tagged(loaded.variables)


@both_ways
def test_names_and_trainable_are_kept(wrap):
    bare = tfprune.strip(net(wrap=wrap))
    assert bare.name == "net"
    assert bare.get_layer("inner").trainable
    assert not bare.get_layer("top").trainable


def test_a_wrapped_original_is_not_changed():
    """With a dense gradient, pruned weights are not zero and may return."""
    model = net(methods.Surgery(0.5), wrap=True)
    before = model.get_weights()
    tfprune.strip(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    layer = model.get_layer("top")
    assert not layer.frozen and layer.layer.kernel.numpy().all()
    assert model.compiled


def test_a_model_that_is_not_pruned_is_left_as_it_is():
    plain = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    before = plain.get_weights()
    assert tfprune.strip(plain) is plain
    for old, new in zip(before, plain.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@both_ways
def test_loads_with_plain_keras_in_a_fresh_process(tmp_path, wrap):
    """Nor does its optimizer need tfprune; a clone is not compiled."""
    bare = tfprune.strip(net(wrap=wrap))
    assert bare.compiled != wrap
    bare.save(tmp_path / "bare.keras")
    printed = subprocess.run(
        [sys.executable, "-c", PLAIN_KERAS, str(tmp_path / "bare.keras")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    np.testing.assert_allclose(
        json.loads(printed.splitlines()[-1]), bare(np.ones((1, 4))), 1e-6
    )
