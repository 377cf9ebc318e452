"""Single layers: their shapes, files and arithmetic."""

import pytest

from benchmarks.cases import layers
from benchmarks.cases import shapes
from tests.benchmarks.engines import client_test

CONVOLUTION, VALID = client_test.CONVOLUTION, client_test.VALID
PRODUCT = client_test.PRODUCT


def test_lite_model_for_dense_layers_only(tmp_path):
    client_test.write(tmp_path, CONVOLUTION, 0.5)
    assert not (tmp_path / "layer.tflite").exists()
    client_test.write(tmp_path, CONVOLUTION, 0.0)
    assert (tmp_path / "layer.tflite").stat().st_size > 100


def test_flops():
    dense = layers.Problem(CONVOLUTION, 0.0, batch=3)
    assert dense.flops == 2 * 3 * 36 * 12 * 9 * 4
    assert layers.Problem(VALID, 0.0, 1).pixels == 9
    assert layers.Problem(PRODUCT, 0.9, batch=5).flops == 2 * 5 * 200


def test_padding_is_tensorflows():
    strided = shapes.Convolution("net/s2", 4, 8, 4, 3, 2, 1, "SAME", 1.0)
    assert layers._pads(layers.Problem(strided, 0.0, 1)) == [0, 0, 1, 1]
    assert layers._pads(layers.Problem(CONVOLUTION, 0.0, 1)) == [1] * 4
    assert layers._pads(layers.Problem(VALID, 0.0, 1)) == [0] * 4


def test_a_line_with_other_fields_is_named(tmp_path):
    path = tmp_path / "products.txt"
    path.write_text("# layers\nfc 3 four 1.0\n")
    with pytest.raises(ValueError, match="lines of: name columns rows"):
        shapes.read(path, shapes.Product)
