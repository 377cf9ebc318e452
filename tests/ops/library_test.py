import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf

from tests.ops import problems
from tfprune import ops
from tfprune.ops import library

DESCRIBE = "from tfprune import ops; print(ops.describe())"
compiled = pytest.mark.skipif(
    library.load().ops is None, reason=library.describe()
)


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return done.stdout + done.stderr[-2000:] * (done.returncode != 0)


def test_the_switch_takes_tensorflows_ops():
    said = run(DESCRIBE, TFPRUNE_PY_OPS="1")
    assert "TensorFlow's own ops, since TFPRUNE_PY_OPS is set" in said


@pytest.mark.parametrize(
    "content,why", [(None, "without a C++ compiler"), (b"\x7fELF", "short")]
)
def test_without_a_library_that_loads(monkeypatch, tmp_path, content, why):
    path = tmp_path / "libtfprune.so"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(library, "PATH", path)
    found = library.load.__wrapped__()
    assert found.ops is None
    assert why in found.why and "TensorFlow's own ops" in found.why


@compiled
def test_threads_of_the_environment_are_checked():
    code = (
        "import numpy as np\n"
        "from tfprune import ops\n"
        "w = ops.Csr.from_dense(np.ones((2, 3), 'float32'))\n"
        "print(ops.csr_matmul(np.ones((1, 3), 'float32'), w).numpy())"
    )
    assert "[[3. 3.]]" in run(code, TFPRUNE_NUM_THREADS="1")
    said = run(code, TFPRUNE_NUM_THREADS="many")
    assert "TFPRUNE_NUM_THREADS must be a number from 1 on" in said


@compiled
@pytest.mark.parametrize("name", ["portable", "avx2", "avx512", "avx512_code"])
def test_every_instruction_set_that_may_be_chosen(name):
    code = (
        "import numpy as np\n"
        "from tfprune import ops\n"
        "d = np.eye(40, 33, dtype='float32')\n"
        "x = np.arange(33 * 9, dtype='float32').reshape(9, 33)\n"
        "y = ops.csr_matmul(x, ops.Csr.from_dense(d))\n"
        "print(np.array_equal(y, x @ d.T))"
    )
    assert "True" in run(code, TFPRUNE_ISA=name)


@compiled
def test_64_threads_at_once():
    weights = ops.Csr.from_dense(problems.sparse(300, 784, 0.9))
    x = np.random.default_rng(0).normal(size=(64, 784)).astype("float32")
    product = tf.function(lambda x: ops.csr_matmul(x, weights))
    expected = product(x).numpy()
    right = []

    def work():
        for _ in range(10):
            right.append(np.array_equal(product(x), expected))

    threads = [threading.Thread(target=work) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(right) == 640 and all(right)
