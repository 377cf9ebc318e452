"""export writes a model that serves without tfprune, or nothing at all."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune.core import units
from tfprune.exporters import saved_model
from tfprune.exporters import signature
from tfprune.exporters import verify

HALF = tfprune.methods.Magnitude(0.5, frequency=1)
SUFFIX = {"saved_model": "", "keras": ".keras", "compact": ".tfprune"}
SUFFIX |= {"npz": ".npz"}
every_format = pytest.mark.parametrize("format", SUFFIX)

# Serves the model in argv[1]; neither tfprune nor (below) Keras is there.
SERVE = """
import json, sys
for name in sys.argv[2:]:
    sys.modules[name] = None
import numpy as np
x = np.linspace(-1, 1, 12, dtype="float32").reshape(2, 6)
if "keras" in sys.argv[2:]:
    import tensorflow as tf
    loaded = tf.saved_model.load(sys.argv[1])
    serve = loaded.signatures["serving_default"]
    (y,) = serve(**{list(serve.structured_input_signature[1])[0]: x}).values()
else:
    import keras
    y = keras.saving.load_model(sys.argv[1])(x)
print(json.dumps(np.array(y).tolist()))
"""


def net():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(64, "relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(3, name="out"),
        ]
    )


# `stripped` is compiled with an optimizer that has nothing left to do.
pytestmark = pytest.mark.filterwarnings("ignore:.*has nothing to prune")


def stripped():
    """A stripped model, compiled with an optimizer that needs tfprune."""
    model = tfprune.prune(net(), HALF, "hidden")
    mask = np.random.default_rng(0).random((6, 64)) < 0.1
    tfprune.set_mask(model, "hidden", mask)
    bare = tfprune.strip(model)
    bare.compile(tfprune.PruningOptimizer("sgd"), "mse")
    return bare


def pruned():
    """A compiled model that is pruned in place, not stripped."""
    method = tfprune.methods.Surgery(settings={"out": None})
    model = tfprune.prune(net(), method)
    mask = np.random.default_rng(0).random((6, 64)) < 0.1
    tfprune.set_mask(model, "hidden", mask)
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    return model


def two_heads():
    """Outputs whose order is not that of their names; one has two."""
    a, b = keras.Input((6,), name="b"), keras.Input((5, 4), name="a")
    sequence, state = layers.GRU(
        3, return_sequences=True, return_state=True, name="gru"
    )(b)
    outputs = [layers.Dense(2, name="z")(a), sequence, state]
    return keras.Model([a, b], outputs)


def named():
    inputs = {name: keras.Input((6,), name=name) for name in ("two", "one")}
    x, y = layers.Dense(2)(inputs["two"]), layers.Dense(3)(inputs["one"])
    return keras.Model(inputs, {"from_two": x, "from_one": y})


def small_integers():
    words = [keras.Input((7,), dtype="int32"), layers.Embedding(4, 3)]
    return keras.Sequential([*words, layers.Flatten(), layers.Dense(2)])


@every_format
@pytest.mark.parametrize(
    "make", [stripped, pruned, two_heads, named, small_integers]
)
def test_what_is_written_answers_as_the_model(make, format, tmp_path):
    model = make()
    path = tmp_path / "deeper" / f"model{SUFFIX[format]}"
    assert tfprune.export(model, path, format) == path
    assert [x.name for x in path.parent.iterdir()] == [path.name]
    random = np.random.default_rng(1)
    inputs = [
        random.integers(0, 4, (3, *x.shape[1:])).astype(x.dtype)
        for x in model.inputs
    ]
    expected = signature.call(model, inputs)
    if format == "saved_model":
        answer = saved_model.load(path)(*inputs)
    elif format in ("compact", "npz"):
        answer = signature.call(tfprune.exporters.load_compact(path), inputs)
    else:
        loaded = keras.saving.load_model(path, compile=False)
        answer = signature.call(loaded, inputs)
    assert set(answer) == set(expected)
    for name, output in expected.items():
        np.testing.assert_allclose(answer[name], output, 1e-5, 1e-6)


def test_a_model_that_is_pruned_in_place_stays_so_and_its_files_are_plain(
    tmp_path,
):
    model = pruned()
    (target, _) = units.tagged(model.variables)[0].targets
    before, kept = target.dense(), np.mean(target.mask)
    tfprune.export(model, tmp_path / "model.keras", "keras")
    tfprune.export(model, tmp_path / "model.npz", "npz")
    np.testing.assert_array_equal(target.dense(), before)
    assert np.all(before) and 0 < kept < 0.2
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        assert "tfprune" not in file.read("config.json").decode()
    loaded = tfprune.exporters.load_compact(tmp_path / "model.npz")
    assert not loaded.compiled and not units.tagged(loaded.variables)
    assert np.mean(loaded.get_layer("hidden").kernel != 0) == kept


def test_outputs_are_named_by_their_keys_or_layers():
    assert list(_answer(two_heads())) == ["z", "gru_0", "gru_1"]
    assert set(_answer(named())) == {"from_one", "from_two"}
    assert list(_answer(net())) == ["out"]


def _answer(model):
    inputs = [np.ones((1, *x.shape[1:]), "float32") for x in model.inputs]
    return signature.call(model, inputs)


@pytest.mark.parametrize(
    "format, hidden",
    [("saved_model", ["tfprune", "keras"]), ("keras", ["tfprune"])],
)
def test_serves_in_a_fresh_process_without_tfprune(format, hidden, tmp_path):
    model, path = stripped(), tmp_path / f"model{SUFFIX[format]}"
    tfprune.export(model, path, format)
    printed = subprocess.run(
        [sys.executable, "-c", SERVE, str(path), *hidden],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    ).stdout
    x = np.linspace(-1, 1, 12, dtype="float32").reshape(2, 6)
    served = json.loads(printed.splitlines()[-1])
    np.testing.assert_allclose(served, model(x), 1e-5, 1e-6)


def test_a_saved_model_has_one_copy_of_each_variable(tmp_path):
    model = keras.Sequential([keras.Input((100,)), layers.Dense(1000)])
    tfprune.export(model, tmp_path / "model")
    model.export(tmp_path / "keras", verbose=False)
    weights = 4 * 101 * 1000
    assert _bytes(tmp_path / "model") < 1.05 * weights
    assert _bytes(tmp_path / "keras") > 1.9 * weights


def _bytes(folder):
    files = (folder / "variables").iterdir()
    return sum(file.stat().st_size for file in files)


def test_a_saved_model_needs_stock_operations_only(tmp_path):
    tfprune.export(stripped(), tmp_path / "model")
    loaded = tf.saved_model.load(tmp_path / "model")
    serve = loaded.signatures["serving_default"]
    operations = {x.type for x in serve.graph.get_operations()}
    assert "MatMul" in operations or "StatefulPartitionedCall" in operations
    assert serve.structured_outputs["out"].shape.as_list() == [None, 3]


@keras.saving.register_keras_serializable(package="export_test")
class Noisy(layers.Layer):
    """Holds a seed, which is a variable but no weight."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed = keras.random.SeedGenerator(0)

    def call(self, x):
        return x + 0 * keras.random.normal((4,), seed=self.seed)


def test_a_fixed_batch_and_a_random_layer(tmp_path):
    inputs = keras.Input(batch_shape=(2, 4))
    model = keras.Model(inputs, layers.Dense(3)(Noisy()(inputs)))
    tfprune.export(model, tmp_path / "model")
    serve = tf.saved_model.load(tmp_path / "model").serve
    (spec,) = serve.input_signature
    assert spec.shape.as_list() == [2, 4]


class TestMistakes:
    def test_unknown_format(self, tmp_path):
        with pytest.raises(ValueError, match="Did you mean 'saved_model'?"):
            tfprune.export(net(), tmp_path / "model", "savedmodel")

    @pytest.mark.parametrize("format", ["keras", "npz"])
    def test_another_suffix(self, format, tmp_path):
        with pytest.raises(ValueError, match=rf"must end in \.{format}"):
            tfprune.export(net(), tmp_path / "model.h5", format)

    def test_a_model_that_is_not_stripped(self, tmp_path):
        model = tfprune.prune(net(), HALF, wrap=True)
        with pytest.raises(ValueError, match="Call tfprune.strip first"):
            tfprune.export(model, tmp_path / "model")

    def test_a_subclassed_model(self, tmp_path):
        class Mine(keras.Model):
            pass

        with pytest.raises(ValueError, match="Call its own `export`"):
            tfprune.export(Mine(), tmp_path / "model")

    @every_format
    def test_an_existing_path_is_left_alone(self, format, tmp_path):
        path = tmp_path / f"model{SUFFIX[format]}"
        path.write_text("mine")
        with pytest.raises(ValueError, match="must not exist yet"):
            tfprune.export(net(), path, format)
        assert path.read_text() == "mine"

    @every_format
    def test_a_copy_that_answers_otherwise_is_removed(
        self, format, tmp_path, monkeypatch
    ):
        def other(path):
            model = net()
            for weight in model.weights:
                weight.assign(weight + 1)
            return model

        save, _, suffix = export_formats()[format]
        row = (save, other, suffix)
        monkeypatch.setitem(export_formats(), format, row)
        with pytest.raises(ValueError, match="output 'out' of the exported"):
            tfprune.export(net(), tmp_path / f"model{SUFFIX[format]}", format)
        assert not list(tmp_path.iterdir())

    @every_format
    def test_a_broken_loader_leaves_nothing(
        self, format, tmp_path, monkeypatch
    ):
        def broken(path):
            raise OSError("disk full")

        save, _, suffix = export_formats()[format]
        monkeypatch.setitem(export_formats(), format, (save, broken, suffix))
        with pytest.raises(OSError, match="disk full"):
            tfprune.export(net(), tmp_path / f"model{SUFFIX[format]}", format)
        assert not list(tmp_path.iterdir())


def export_formats():
    """`tfprune.export` is the function; this is its package's table."""
    return sys.modules["tfprune.exporters"]._FORMATS


def test_verification_tells_nan_from_a_number(tmp_path):
    """NaN where the model says NaN is the same answer."""
    model = net()
    model.layers[0].kernel.assign(np.full((6, 64), np.nan))
    tfprune.export(model, tmp_path / "model.npz", "npz")
    with pytest.raises(ValueError, match="output 'out'"):
        verify.save_verified(
            model, tmp_path / "x.keras", lambda m, p: m.save(p), lambda p: net()
        )
