"""Engines in processes of their own give what TensorFlow gives."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks.cases import layers as layer_cases
from benchmarks.cases import shapes
from benchmarks.engines import client
from benchmarks.engines import server as server_lib

CONVOLUTION = shapes.Convolution("net/3x3", 8, 6, 12, 3, 1, 2, "SAME", 2.0)
POINTWISE = shapes.Convolution("net/1x1", 8, 6, 12, 1, 1, 1, "SAME", 2.0)
VALID = shapes.Convolution("net/valid", 3, 7, 5, 5, 1, 1, "VALID", 2.0)
PRODUCT = shapes.Product("net/fc", 20, 10, 4.0)
OWN = [e for e in client.ENGINES if e.environment == "own"]
FOR_NETS = [
    "TensorFlow (XLA)",
    "TensorFlow (folded)",
    "TensorFlow (constants)",
]


def write(folder, layer, sparsity, batch=2):
    path = str(folder / "layer.npz")
    layer_cases.write(layer_cases.Problem(layer, sparsity, batch), path)
    return path


@pytest.fixture(scope="module")
def servers():
    started = [client.Environments().start(e, 1) for e in OWN]
    yield started
    for server in started:
        server.stop()


@pytest.mark.parametrize("layer", [CONVOLUTION, POINTWISE, VALID, PRODUCT])
def test_engines_of_this_environment_give_the_same(servers, tmp_path, layer):
    path = write(tmp_path, layer, 0.7)
    refused = []
    for server in servers:
        if not server.open(path):
            refused.append(server.engine.name)
            continue
        seconds = server.run(path, 3)
        assert len(seconds) == 3
        assert min(seconds) > 0
        server.close(path)
    pointwise = layer in (PRODUCT, POINTWISE)
    assert refused == FOR_NETS + ([] if pointwise else ["tf.sparse"])


def test_a_wrong_output_is_refused(servers, tmp_path):
    path = write(tmp_path, PRODUCT, 0.5)
    with np.load(path) as file:
        fields = dict(file)
    fields["y"] = fields["y"] + 1
    np.savez(path, **fields)
    with pytest.raises(ValueError, match="tfprune failed.*deviation"):
        servers[0].open(path)


def test_an_engine_that_is_not_there_says_so(tmp_path):
    environments = client.Environments(engines="python3")
    (engine,) = [e for e in client.ENGINES if e.name == "OpenVINO"]
    server = environments.start(engine, 1)
    path = write(tmp_path, PRODUCT, 0.0)
    with pytest.raises(ValueError, match="OpenVINO"):
        server.open(path)
    server.stop()


def test_engines_without_an_environment_are_left_out():
    assert client.Environments().available() == OWN
    every = client.Environments("python3", "python3").available()
    assert every == list(client.ENGINES)
    known = {*server_lib.LAYERS, *server_lib.NETS}
    assert {engine.engine for engine in every} <= known


ALONE = """
import sys
sys.modules.update(dict.fromkeys(("tfprune", "tensorflow", "keras")))
from benchmarks.engines import server as server_lib
"""


def test_servers_need_neither_tfprune_nor_tensorflow():
    command = [sys.executable, "-c", ALONE]
    subprocess.run(command, check=True, env=client.variables())
