"""Vocabularies are exported with the model, whatever the format."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.exporters import npz
from tfprune.exporters import saved_model

WORDS = np.array(["a b c d", "c d e f", "a a b", "z y x"])


def text():
    vectors = layers.TextVectorization(30, output_sequence_length=5)
    vectors.adapt(WORDS)
    inputs = keras.Input((), dtype="string")
    x = layers.Embedding(30, 4)(vectors(inputs))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(2)(x)), WORDS


def words(adapted):
    values = np.array([["a"], ["q"], ["c"]])
    how = {} if adapted else {"vocabulary": ["a", "b", "c"]}
    look = layers.StringLookup(**how)
    if adapted:
        look.adapt(np.array(["a", "b", "c"]))
    inputs = keras.Input((1,), dtype="string")
    x = layers.Flatten()(layers.Embedding(9, 4)(look(inputs)))
    return keras.Model(inputs, layers.Dense(2)(x)), values


def numbers():
    look = layers.IntegerLookup()
    look.adapt(np.array([3, 5, 7]))
    inputs = keras.Input((1,), dtype="int64")
    coded = layers.CategoryEncoding(4, output_mode="one_hot")(look(inputs))
    return keras.Model(inputs, layers.Dense(2)(coded)), np.array([[3], [4]])


MODELS = {
    "text": text,
    "adapted words": lambda: words(True),
    "given words": lambda: words(False),
    "numbers": numbers,
}
LOADS = {
    "saved_model": lambda path: saved_model.load(path),
    "keras": keras.saving.load_model,
    "npz": npz.load,
}
SUFFIXES = {"keras": ".keras", "npz": ".npz"}


@pytest.mark.parametrize("format", LOADS)
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_a_vocabulary_goes_along(make, format, tmp_path):
    model, x = make()
    path = tmp_path / f"model{SUFFIXES.get(format, '')}"
    tfprune.export(model, path, format=format)
    inputs = keras.ops.convert_to_tensor(x)
    expected = model(inputs)
    found = LOADS[format](path)(inputs)
    if isinstance(found, dict):
        (found,) = found.values()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
