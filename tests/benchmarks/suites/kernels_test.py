"""The benchmark of the kernels: the arithmetic of its table.

Times are never tested.
"""

import pytest

from benchmarks.cases import layers
from benchmarks.cases import shapes
from benchmarks.engines import client
from benchmarks.harness import compare
from benchmarks.suites import kernels
from benchmarks.suites import kernels_table
from tfprune import ops
from tfprune.profiling import roofline

PRODUCT = shapes.Product("net/fc", 20, 10, 4.0)


def row(**times):
    names = {"avx2": "TensorFlow (AVX2)", "dense": "DeepSparse (dense)"}
    named = {names.get(name, name): list(v) for name, v in times.items()}
    problem = layers.Problem(PRODUCT, 0.9, batch=1)
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
    assert kernels_table.speedups(rows, compare.DENSE) == {"net/fc": {0.9: 0.5}}
    assert kernels_table.speedups(rows, compare.DIRECT) == {
        "net/fc": {0.9: 3.0}
    }


def test_plot(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "even.png"
    kernels_table.draw([row(tfprune=(1, 2), avx2=(6, 8))], path)
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
        kernels.run(kernels.Setup(sparsities), client.Environments(), 20)


def test_an_unknown_layer_is_refused():
    with pytest.raises(ValueError, match="part of one of: alexnet/conv2"):
        kernels.layers("vgg")


def test_kernels_need_the_compiled_ops(monkeypatch):
    monkeypatch.setenv("TFPRUNE_PY_OPS", "1")
    ops.library.load.cache_clear()
    try:
        with pytest.raises(ValueError, match="needs the compiled ops"):
            kernels.run(kernels.Setup((0.9,)), client.Environments(), 20)
    finally:
        monkeypatch.undo()
        ops.library.load.cache_clear()
