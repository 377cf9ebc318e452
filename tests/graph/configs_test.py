"""Layers are made again, from their configs or from what they are."""

import keras
import numpy as np
import pytest
from keras import layers

from tfprune.graph import cloning
from tfprune.graph import configs


class Plain(layers.Layer):
    """Its config asks for an attribute that it does not have."""

    def __init__(self, units, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.scale = units, scale

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units))

    def call(self, x):
        return self.scale * keras.ops.matmul(x, self.kernel)

    def get_config(self):
        return {**super().get_config(), "units": self.size}


class Short(Plain):
    """Its constructor takes no name."""

    def __init__(self, units, scale=1.0):
        super().__init__(units, scale)


class Secret(Plain):
    """It keeps to itself what it was given, though that has a default."""

    def __init__(self, units, power=1.0, **kwargs):
        super().__init__(units, **kwargs)
        self._power = power


@pytest.mark.parametrize(
    "layer", [Plain(3, 0.5, name="odd"), Short(3, 0.5)], ids=["plain", "short"]
)
def test_a_copy_is_what_the_layer_is(layer):
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    expected = layer(x)
    copied = cloning.copy(layer)
    assert type(copied) is type(layer) and copied.name == layer.name
    np.testing.assert_allclose(copied(x), expected, rtol=1e-6)
    assert not configs.is_sound(layer)


def test_what_would_be_another_layer_is_refused():
    layer = Secret(3, 2.0, name="odd")
    layer(np.zeros((2, 4), "float32"))
    with pytest.raises(ValueError, match="'odd' must have a `get_config`"):
        cloning.copy(layer)


def test_configs_are_read_for_a_while_alone():
    layer = Plain(3)
    with configs.sound([layer, layers.Dense(2)]):
        assert layer.get_config()["units"] == 3
    with pytest.raises(AttributeError):
        layer.get_config()
