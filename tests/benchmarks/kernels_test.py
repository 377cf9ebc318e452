"""The benchmark of the kernels: engines, problems and the table's arithmetic.

Times are never tested.
"""

import numpy as np
import pytest

from benchmarks import break_even
from benchmarks import engines
from benchmarks import kernels
from benchmarks import kernels_table
from benchmarks import problems
from benchmarks import rivals
from benchmarks import shapes
from tfprune import ops
from tfprune.profiling import roofline

CONVOLUTION = shapes.Convolution("net/3x3", 8, 6, 12, 3, 1, 2, "SAME", 2.0)
POINTWISE = shapes.Convolution("net/1x1", 8, 6, 12, 1, 1, 1, "SAME", 2.0)
VALID = shapes.Convolution("net/valid", 3, 7, 5, 5, 1, 1, "VALID", 2.0)
PRODUCT = shapes.Product("net/fc", 20, 10, 4.0)
OWN = [e for e in engines.ENGINES if e.environment == "own"]
FOR_NETS = ["TensorFlow (XLA)", "TensorFlow (folded)"]


def write(folder, layer, sparsity, batch=2):
    path = str(folder / "layer.npz")
    problems.write(problems.Problem(layer, sparsity, batch), path)
    return path


@pytest.fixture(scope="module")
def servers():
    started = [engines.Environments().start(e, 1) for e in OWN]
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
    environments = engines.Environments(engines="python3")
    (engine,) = [e for e in engines.ENGINES if e.name == "OpenVINO"]
    server = environments.start(engine, 1)
    path = write(tmp_path, PRODUCT, 0.0)
    with pytest.raises(ValueError, match="OpenVINO"):
        server.open(path)
    server.stop()


def test_engines_without_an_environment_are_left_out():
    assert engines.Environments().available() == OWN
    every = engines.Environments("python3", "python3").available()
    assert every == list(engines.ENGINES)
    script = engines.SCRIPT.read_text()
    assert all(f'"{engine.engine}": ' in script for engine in every)


def test_lite_model_for_dense_layers_only(tmp_path):
    write(tmp_path, CONVOLUTION, 0.5)
    assert not (tmp_path / "layer.tflite").exists()
    write(tmp_path, CONVOLUTION, 0.0)
    assert (tmp_path / "layer.tflite").stat().st_size > 100


def test_flops():
    dense = problems.Problem(CONVOLUTION, 0.0, batch=3)
    assert dense.flops == 2 * 3 * 36 * 12 * 9 * 4
    assert problems.Problem(VALID, 0.0, 1).pixels == 9
    assert problems.Problem(PRODUCT, 0.9, batch=5).flops == 2 * 5 * 200


def row(**times):
    names = {"avx2": "TensorFlow (AVX2)", "dense": "DeepSparse (dense)"}
    named = {names.get(name, name): list(v) for name, v in times.items()}
    problem = problems.Problem(PRODUCT, 0.9, batch=1)
    machine = roofline.MachineProfile(flops=400.0, bandwidth=1200.0)
    return kernels_table.Row(problem, named, machine)


def test_ratios_are_to_the_fastest_engine():
    found = row(tfprune=(1, 2), TensorFlow=(8, 9), avx2=(6, 12), dense=(4, 5))
    tensorflow = ["TensorFlow", "TensorFlow (AVX2)"]
    assert found.best(tensorflow) == "TensorFlow (AVX2)"
    assert found.ratio(tensorflow) == 6
    assert found.ratio(tensorflow, max) == 6
    assert found.best(["DeepSparse"]) is None
    assert found.of_prototype() == 6 / 4


def test_floors():
    found = row(tfprune=(1, 2))
    # 20 of 200 weights are kept: 40 operations, 6 bytes each, 30 floats.
    assert found.of_arithmetic == pytest.approx(40 / 400)
    assert found.of_memory == pytest.approx((20 * 6 + 30 * 4) / 1200)


def test_table():
    setup = kernels.Setup((0.9,))
    rows = [row(tfprune=(1, 2), avx2=(6, 8)), row(tfprune=(1, 1), avx2=(6, 4))]
    lines = kernels_table.markdown(rows, setup).splitlines()
    table = [line.split("|")[1:-1] for line in lines if line.startswith("|")]
    *table, names, _, even = [[x.strip() for x in cells] for cells in table]
    assert len({len(cells) for cells in table}) == 1
    assert dict(zip(names, even, strict=True)) == {
        "layer": "net/fc",
        "break-even": "below 90%",
        "without Winograd": "below 90%",
    }
    mean = dict(zip(table[0], table[-1], strict=True))
    assert mean["layer"] == "mean: products"
    assert mean["x TensorFlow (AVX2)"] == "4.90 (4.83)"
    assert mean["of prototype"] == "1.22"
    assert mean["x DeepSparse"] == ""


def test_break_even_without_winograd():
    rows = [row(tfprune=(2, 2), avx2=(6, 8), dense=(1, 1))]
    assert kernels_table.speedups(rows, rivals.DENSE) == {"net/fc": {0.9: 0.5}}
    assert kernels_table.speedups(rows, rivals.DIRECT) == {"net/fc": {0.9: 3.0}}


def test_plot(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "even.png"
    break_even.draw([row(tfprune=(1, 2), avx2=(6, 8))], path)
    assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    "ratios, expected",
    [
        ({0.5: 0.8, 0.7: 1.2, 0.9: 2.0}, "60%"),
        ({0.9: 2.0, 0.5: 0.9, 0.7: 0.9}, "72%"),
        ({0.5: 1.0, 0.7: 1.2}, "below 50%"),
        ({0.5: 0.5, 0.7: 0.9}, "above 70%"),
    ],
)
def test_break_even(ratios, expected):
    assert kernels_table.break_even(ratios) == expected


def test_every_shape_of_the_files_is_a_layer():
    names = [layer.name for layer in kernels.layers("")]
    assert len(names) == len(set(names)) > 20
    assert [layer.name for layer in kernels.layers("ip1")] == ["lenet5/ip1"]
    assert kernels.layers("alexnet/conv2")[0].columns == 25 * 48


@pytest.mark.parametrize("sparsities", [(0.0,), (90.0,), (0.5, 1.0)])
def test_sparsities_are_between_0_and_1(sparsities):
    with pytest.raises(ValueError, match="`sparsities` must be"):
        kernels.run(kernels.Setup(sparsities), engines.Environments(), 20)


def test_an_unknown_layer_is_refused():
    with pytest.raises(ValueError, match="part of one of: alexnet/conv2"):
        kernels.layers("vgg")


def test_padding_is_tensorflows():
    strided = shapes.Convolution("net/s2", 4, 8, 4, 3, 2, 1, "SAME", 1.0)
    assert problems._pads(problems.Problem(strided, 0.0, 1)) == [0, 0, 1, 1]
    assert problems._pads(problems.Problem(CONVOLUTION, 0.0, 1)) == [1] * 4
    assert problems._pads(problems.Problem(VALID, 0.0, 1)) == [0] * 4


def test_a_line_with_other_fields_is_named(tmp_path):
    path = tmp_path / "products.txt"
    path.write_text("# layers\nfc 3 four 1.0\n")
    with pytest.raises(ValueError, match="lines of: name columns rows"):
        shapes.read(path, shapes.Product)


def test_kernels_need_the_compiled_ops(monkeypatch):
    monkeypatch.setenv("TFPRUNE_PY_OPS", "1")
    ops.library.load.cache_clear()
    try:
        with pytest.raises(ValueError, match="needs the compiled ops"):
            kernels.run(kernels.Setup((0.9,)), engines.Environments(), 20)
    finally:
        monkeypatch.undo()
        ops.library.load.cache_clear()
