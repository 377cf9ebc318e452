"""strip: an ordinary model with zeros in the place of masks."""

import json
import subprocess
import sys

import keras
import numpy as np
from keras import layers

import tfprune
from tfprune import methods

HALF = methods.Magnitude(0.5, frequency=1)

PLAIN_KERAS = """
import sys
sys.modules["tfprune"] = None
import keras, json
import numpy as np
model = keras.saving.load_model(sys.argv[1])
print(json.dumps(np.array(model(np.ones((1, 4)))).tolist()))
"""


def net(method=HALF):
    """A pruned model with a nested one, masks set, compiled."""
    x = keras.Input((4,))
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="deep")], name="inner"
    )
    outputs = layers.Dense(2, name="top", trainable=False)(inner(x))
    plain = keras.Model(x, outputs, name="net")
    model = tfprune.prune(plain, method)
    for name in tfprune.settings(model):
        mask = np.random.default_rng(0).random((4, 4 if name == "deep" else 2))
        tfprune.set_mask(model, name, mask < 0.5)
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    return model


def test_nested_layers_are_plain_and_zero():
    model = net()
    bare = tfprune.strip(model)
    deep = bare.get_layer("inner").get_layer("deep")
    assert type(deep) is type(bare.get_layer("top")) is layers.Dense
    (target,) = model.get_layer("inner").get_layer("deep").unit.targets
    np.testing.assert_array_equal(deep.kernel.numpy() != 0, target.mask)
    x = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_array_equal(bare(x), model(x))


def test_names_and_trainable_are_kept():
    bare = tfprune.strip(net())
    assert bare.name == "net"
    assert bare.get_layer("inner").trainable
    assert not bare.get_layer("top").trainable


def test_original_is_not_changed():
    """With a dense gradient, pruned weights are not zero and may return."""
    model = net(methods.Surgery(0.5))
    before = model.get_weights()
    tfprune.strip(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    layer = model.get_layer("top")
    assert not layer.frozen and layer.layer.kernel.numpy().all()
    assert model.compiled


def test_a_model_without_prunable_layers_is_copied():
    plain = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    copy = tfprune.strip(plain)
    assert copy is not plain
    np.testing.assert_array_equal(copy.weights[0], plain.weights[0])


def test_loads_with_plain_keras_in_a_fresh_process(tmp_path):
    """Not compiled either: its optimizer would need tfprune."""
    bare = tfprune.strip(net())
    assert not bare.compiled
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
