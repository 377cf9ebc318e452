"""SavedModels with sparse layers: small, and served without tfprune."""

import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tests.ops import problems
from tfprune import layers
from tfprune.ops import library

compiled = pytest.mark.skipif(
    library.load().ops is None, reason=library.describe()
)
TENSORFLOW = pathlib.Path(tf.sysconfig.get_lib())
SERVE = """
import sys
sys.modules["tfprune"] = sys.modules["keras"] = None
import numpy as np
import tensorflow as tf
tf.load_op_library(sys.argv[1])
serve = tf.saved_model.load(sys.argv[2]).signatures["serving_default"]
name = list(serve.structured_input_signature[1])[0]
(y,) = serve(**{name: tf.ones([2, 16, 16, 8])}).values()
np.save(sys.argv[3], y)
"""


def models():
    """Returns equal models, dense with 95 % zeros and sparse."""
    dense = [
        keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.WinogradConv2D(64, 5),
        keras.layers.Conv2D(64, 3, strides=2),
        keras.layers.Flatten(),
        keras.layers.Dense(100),
    ]
    model = keras.Sequential([keras.Input((16, 16, 8)), *dense])
    sparse = []
    for layer in dense:
        if hasattr(layer, "kernel"):
            flat = problems.sparse(1, np.prod(layer.kernel.shape), 0.95)
            value = flat.reshape(layer.kernel.shape) / 10
            layer.kernel.assign(value)
        kind = {
            keras.layers.Conv2D: layers.SparseConv2D.from_dense,
            keras.layers.Dense: layers.SparseDense.from_dense,
            layers.WinogradConv2D: layers.SparseWinogradConv2D.from_dense,
        }.get(type(layer), lambda same: same)
        sparse.append(kind(layer))
    return model, keras.Sequential([keras.Input((16, 16, 8)), *sparse])


def bytes_of(folder):
    return sum(x.stat().st_size for x in folder.rglob("*") if x.is_file())


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Returns the folder with both exports, and what they answer to ones."""
    folder = tmp_path_factory.mktemp("exported")
    dense, sparse = models()
    tfprune.export(dense, folder / "dense")
    tfprune.export(sparse, folder / "sparse")
    return folder, dense(np.ones((2, 16, 16, 8), "float32")).numpy()


def test_the_export_shrinks(exported):
    folder, _ = exported
    assert bytes_of(folder / "sparse") < 0.15 * bytes_of(folder / "dense")


@compiled
def test_a_fresh_python_needs_the_op_library_alone(exported, tmp_path):
    folder, expected = exported
    answer = tmp_path / "y.npy"
    command = [sys.executable, "-c", SERVE, library.PATH, folder / "sparse"]
    done = subprocess.run([*command, answer], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_allclose(np.load(answer), expected, rtol=1e-4, atol=1e-4)


@compiled
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_a_c_program_serves_it(exported, tmp_path):
    folder, expected = exported
    serve = tf.saved_model.load(folder / "sparse").signatures["serving_default"]
    program = tmp_path / "serve"
    subprocess.run(
        [
            "gcc",
            pathlib.Path(__file__).with_name("serve.c"),
            f"-I{tf.sysconfig.get_include()}",
            f"-L{TENSORFLOW}",
            "-l:libtensorflow_cc.so.2",
            "-l:libtensorflow_framework.so.2",
            f"-Wl,-rpath,{TENSORFLOW}",
            "-o",
            program,
        ],
        check=True,
    )
    (name,) = serve.structured_input_signature[1]
    done = subprocess.run(
        [
            *(program, library.PATH, folder / "sparse"),
            *(f"serving_default_{name}", "StatefulPartitionedCall"),
            *("2", "16", "16", "8"),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "TFPRUNE_NUM_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer = np.array(done.stdout.split(), "float32").reshape(expected.shape)
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4)
