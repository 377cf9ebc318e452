"""What is written may round as the model does, and no more."""

import keras
import pytest
from keras import layers

from tfprune.exporters import verify


def model(dtype):
    x = keras.Input((6,))
    y = layers.Dense(8, dtype=dtype)(x)
    return keras.Model(x, layers.Dense(3, dtype="float32")(y))


@pytest.mark.parametrize(
    "dtype, error, is_fine",
    [
        ("mixed_bfloat16", 0.01, True),
        ("mixed_bfloat16", 0.1, False),
        ("mixed_float16", 2e-3, True),
        ("float32", 1e-4, False),
    ],
)
def test_differences_are_those_of_rounding(dtype, error, is_fine, tmp_path):
    net = model(dtype)
    path = tmp_path / "net"

    def load(path):
        (name,) = net.output_names
        return lambda x: {name: net(x) + error}

    def save(net, path):
        path.write_text("written")

    if is_fine:
        return verify.save_verified(net, path, save, load)
    with pytest.raises(ValueError, match="must equal that of the model"):
        verify.save_verified(net, path, save, load)
    assert not path.exists()
