"""Each Python block of the README runs, on a small net."""

import pathlib
import re

import keras
import numpy as np
import pytest

import tfprune

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = [
    (heading, code)
    for heading, text in re.findall(
        r"^## (.*?)\n(.*?)(?=^## |\Z)", README.read_text(), re.M | re.S
    )
    for code in re.findall(r"```python\n(.*?)```", text, re.S)
]


def net():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(8, 3, activation="relu", name="conv1"),
            layers.Conv2D(8, 3, activation="relu", name="conv2"),
            layers.Flatten(),
            layers.Dense(16, activation="relu", name="ip1"),
            layers.Dense(16, activation="relu", name="ip2"),
            layers.Dense(8, activation="relu", name="fc7"),
            layers.Dense(4, activation="softmax", name="logits"),
        ]
    )


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the blocks take for granted."""
    monkeypatch.chdir(tmp_path)
    model = net()
    model.save("trained.keras")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 12, 12, 2)).astype("float32")
    labels = rng.integers(4, size=64)
    return {
        "keras": keras,
        "tfprune": tfprune,
        "model": model,
        "x": x,
        "y": keras.utils.to_categorical(labels, 4),
        "x_train": x,
        "held_out": (x, labels),
    }


@pytest.mark.filterwarnings("ignore:accuracy drops")
@pytest.mark.parametrize(
    "heading, code",
    BLOCKS,
    ids=[f"{i}-{heading}" for i, (heading, _) in enumerate(BLOCKS)],
)
def test_block(names, heading, code):
    if "caffemodel" in code:
        pytest.skip("needs weights that are not here")
    exec(code, names)
