import pytest

from tfprune import ops
from tfprune.experiments.benchmarks import kernels
from tfprune.experiments.benchmarks import shapes
from tfprune.ops import library


def test_every_shape_file_is_read():
    folder = kernels.FOLDER
    convolutions = shapes.read(folder / "convolutions.txt", shapes.Convolution)
    products = shapes.read(folder / "products.txt", shapes.Product)
    names = [layer.name for layer in [*convolutions, *products]]
    assert "resnet50/res3_3x3" in names and "alexnet/fc7" in names
    assert convolutions[0].columns == 25 * 48


def test_a_line_with_other_fields_is_named(tmp_path):
    path = tmp_path / "products.txt"
    path.write_text("# layers\nfc 3 four 1.0\n")
    with pytest.raises(ValueError, match="lines of: name columns rows"):
        shapes.read(path, shapes.Product)


@pytest.mark.skipif(library.load().ops is None, reason=ops.describe())
def test_sparse_and_dense_layers_compute_the_same():
    for layer in [
        shapes.Convolution("conv", 4, 7, 6, 3, 2, 2, "SAME", 1.0),
        shapes.Product("fc", 30, 20, 1.0),
    ]:
        inputs, sparse, dense = kernels.pair(layer, sparsity=0.5, batch=2)
        assert len(inputs) > 100
        difference = sparse(inputs[0]) - dense(inputs[0])
        assert abs(difference.numpy()).max() < 1e-4


def test_the_table_has_ratios_to_the_prototype():
    layer = shapes.Product("net/fc", 10, 20, prototype=4.0)
    text = kernels.table([(layer, (6e-6, 2e-6))], sparsity=0.9, batch=1)
    assert "| net/fc | 3.00x | 4.0x | 0.75 |" in text
    assert "geometric mean" in text
