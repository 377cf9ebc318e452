"""A model in a compact file: the same bits, and few; hostile files."""

import io
import json
import pathlib
import resource
import subprocess
import sys
import zlib

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune.exporters import compact
from tfprune.exporters.compact import architecture
from tfprune.exporters.compact import container

GOLDEN = pathlib.Path(__file__).with_name("golden.tfprune")


def net(sparsity=0.9, dtype=None):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(8, 3, activation="relu", name="conv", dtype=dtype),
            layers.DepthwiseConv2D(3, name="depthwise"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(40, name="wide"),
            layers.Dense(10, name="last"),
        ]
    )
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.name == "kernel":
            keep = rng.random(variable.shape) >= sparsity
            variable.assign(np.where(keep, variable.numpy(), 0))
    model.get_layer("norm").moving_mean.assign(rng.normal(size=8))
    return model


def assert_same(model, loaded):
    assert [x.name for x in loaded.layers] == [x.name for x in model.layers]
    for old, new in zip(model.weights, loaded.weights, strict=True):
        old, new = map(np.asarray, (old.value, new.value))
        assert old.dtype == new.dtype and old.tobytes() == new.tobytes()


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("dtype", [None, "bfloat16", "mixed_float16"])
def test_every_bit_comes_back(sparsity, dtype, tmp_path):
    model = net(sparsity, dtype)
    compact.save(model, tmp_path / "net.tfprune")
    loaded = compact.load(tmp_path / "net.tfprune")
    assert_same(model, loaded)
    assert all(type(x).__module__.startswith("keras") for x in loaded.layers)


def test_odd_numbers_come_back(tmp_path):
    model = net()
    kernel = model.get_layer("last").kernel
    odd = np.zeros(kernel.shape, "float32")
    odd[0, :6] = [np.nan, np.inf, -np.inf, -0.0, 1e-45, -3e38]
    kernel.assign(odd)
    compact.save(model, tmp_path / "net.tfprune")
    assert_same(model, compact.load(tmp_path / "net.tfprune"))


def test_vocabularies_and_statistics_come_back(tmp_path):
    words = keras.Input((1,), dtype="string")
    x = layers.StringLookup(vocabulary=["one", "two"])(words)
    x = layers.Embedding(4, 3)(x)
    model = keras.Model(words, layers.Dense(2)(layers.Flatten()(x)))
    compact.save(model, tmp_path / "net.tfprune")
    loaded = compact.load(tmp_path / "net.tfprune")
    given = keras.ops.convert_to_tensor([["two"], ["three"]])
    np.testing.assert_array_equal(loaded(given), model(given))


def test_export_leaves_out_units_that_give_nothing(tmp_path):
    model = net()
    last = model.get_layer("last").kernel
    dead = np.arange(40) % 2 == 0
    last.assign(np.where(dead[:, None], 0, last.numpy()))
    tfprune.export(model, tmp_path / "net.tfprune", "compact")
    loaded = tfprune.exporters.load_compact(tmp_path / "net.tfprune")
    assert loaded.get_layer("wide").units <= 20
    assert model.get_layer("wide").units == 40
    x = np.random.default_rng(0).normal(size=(3, 12, 12, 3)).astype("float32")
    np.testing.assert_allclose(loaded(x), model(x), 1e-5, 1e-5)


def test_weights_take_positions_and_fractions(tmp_path):
    model = net(0.95)
    compact.save(model, tmp_path / "net.tfprune")
    found = compact.sizes(tmp_path / "net.tfprune")
    assert found["file_bytes"] == (tmp_path / "net.tfprune").stat().st_size
    kept = sum(np.count_nonzero(x.value) for x in model.weights)
    assert found["weight_bytes"] < 4 * kept
    assert found["file_bytes"] - found["weight_bytes"] < 700


def test_a_file_of_before_is_read_to_the_last_bit():
    loaded = compact.load(GOLDEN)
    rng = np.random.default_rng(7)
    for variable in loaded.weights:
        expected = golden_array(rng, variable.name, variable.shape)
        np.testing.assert_array_equal(variable.value, expected)


def golden_array(rng, name, shape):
    """What the weights of `golden.tfprune` are: each way of coding is there."""
    array = rng.integers(-40, 41, shape).astype("float32") / 16
    if name == "kernel":
        return np.where(rng.random(shape) < 0.2, array, 0).astype("float32")
    return np.ldexp(array, rng.integers(-3, 3, shape)).astype("float32") + 1


def repacked(path, change):
    """The bytes of a file with another architecture, checksums right."""
    with open(path, "rb") as file:
        parts = container.Parts(file)
        about = architecture.from_bytes(parts.read())
        rest = []
        while file.tell() < path.stat().st_size:
            rest.append(parts.read())
    new = io.BytesIO()
    container.write(new, [architecture.to_bytes(change(about)), *rest])
    return new.getvalue()


def edited(**words):
    def change(about):
        text = json.dumps(about)
        for old, new in words.values():
            assert old in text
            text = text.replace(old, new)
        return json.loads(text)

    return change


def test_a_small_file_of_a_huge_model_takes_no_memory(tmp_path):
    path = tmp_path / "net.tfprune"
    compact.save(net(), path)
    huge = edited(units=('"units": 10', '"units": 4000000000'))
    path.write_bytes(repacked(path, huge))
    with pytest.raises(ValueError, match="`max_bytes` must be"):
        compact.load(path)


def test_the_largest_model_can_be_said(tmp_path):
    compact.save(net(), tmp_path / "net.tfprune")
    with pytest.raises(ValueError, match="`max_bytes` must be .* or more"):
        compact.load(tmp_path / "net.tfprune", max_bytes=1000)


def test_an_architecture_that_unpacks_to_much_is_refused():
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(b" " * (1 << 27)) + packer.flush()
    with pytest.raises(ValueError, match="more than"):
        architecture.from_bytes(block)


def test_code_in_a_file_is_not_run(tmp_path):
    model = keras.Sequential(
        [keras.Input((3,)), layers.Lambda(lambda x: x), layers.Dense(2)]
    )
    compact.save(model, tmp_path / "net.tfprune")
    with pytest.raises(ValueError, match="[Ll]ambda"):
        compact.load(tmp_path / "net.tfprune")


def test_a_foreign_file_is_refused(tmp_path):
    (tmp_path / "net.tfprune").write_text("a text")
    with pytest.raises(ValueError, match="another kind"):
        compact.load(tmp_path / "net.tfprune")
    with pytest.raises(FileNotFoundError):
        compact.load(tmp_path / "none.tfprune")


@pytest.mark.parametrize(
    "count", [100, pytest.param(10_000, marks=pytest.mark.slow)]
)
def test_mutated_files_do_no_harm(count, tmp_path):
    """In a process of its own; each one is refused or is a model."""
    small = [keras.Input((6,)), layers.Dense(8), layers.Dense(3)]
    compact.save(keras.Sequential(small), tmp_path / "net.tfprune")
    done = subprocess.run(
        [sys.executable, __file__, tmp_path / "net.tfprune", str(count)],
        capture_output=True,
        text=True,
        timeout=100 + count,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    refused, loaded = map(int, done.stdout.split())
    assert refused + loaded == count and refused > 0.5 * count


def _mutate(path, count):
    """Loads `count` mutants of a file: half with checksums that are right."""
    model = path.read_bytes()
    rng = np.random.default_rng(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = [0, 0]
    for number in range(count):
        mutant = _mutant(rng, path, model, number % 2)
        found[_loads(path.with_name("mutant"), mutant)] += 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 500_000, f"{grown} kB"
    print(*found)


def _mutant(rng, path, data, valid):
    if not valid:
        return _changed(rng, data)
    with open(path, "rb") as file:
        parts = container.Parts(file)
        pieces = []
        while file.tell() < len(data):
            pieces.append(parts.read())
    chosen = rng.integers(len(pieces))
    pieces[chosen] = _changed(rng, pieces[chosen])
    new = io.BytesIO()
    container.write(new, pieces)
    return new.getvalue()


def _changed(rng, data):
    changed = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        changed[rng.integers(len(changed))] = rng.integers(256)
    if rng.random() < 0.2:
        del changed[rng.integers(len(changed)) :]
    return bytes(changed)


def _loads(path, data):
    path.write_bytes(data)
    try:
        compact.load(path, max_bytes=1 << 24)
    except ValueError:
        return 0
    return 1


if __name__ == "__main__":
    _mutate(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
