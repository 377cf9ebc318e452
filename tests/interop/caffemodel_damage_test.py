"""Caffe's files that do not fit, are cut, damaged or hostile."""

import tracemalloc

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.interop import caffe_nets as nets
from tests.interop import caffe_writer as caffe
from tfprune.interop import caffe_blobs

WRONG = {
    "no layer of that name": (nets.whole()[1],),
    "another count of arrays": (
        caffe.layer("stage/conv", map(caffe.blob, [nets.CONV[0]])),
        nets.whole()[1],
    ),
    "another shape": (
        caffe.layer("stage/conv", map(caffe.blob, nets.CONV)),
        caffe.layer("fc", map(caffe.blob, (nets.FC[0][:, 1:], nets.FC[1]))),
    ),
    "transposed": (
        caffe.layer("stage/conv", map(caffe.blob, nets.CONV)),
        caffe.layer("fc", map(caffe.blob, (nets.FC[0].T, nets.FC[1]))),
    ),
    "another kernel": (
        caffe.layer(
            "stage/conv",
            map(caffe.blob, (nets.CONV[0][:, :, 1:], nets.CONV[1])),
        ),
        nets.whole()[1],
    ),
}


@pytest.mark.parametrize("why", WRONG)
def test_files_that_do_not_fit_change_nothing(tmp_path, why):
    model = nets.net()
    before = model.get_weights()
    with pytest.raises(ValueError, match="`path` must"):
        tfprune.interop.load_caffemodel(
            model, nets.write(tmp_path, *WRONG[why])
        )
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_layer_of_a_kind_that_is_not_known(tmp_path):
    model = keras.Sequential([keras.Input((3, 2)), layers.LSTM(2, name="fc")])
    with pytest.raises(ValueError, match="'fc', a LSTM"):
        tfprune.interop.load_caffemodel(
            model, nets.write(tmp_path, *nets.whole())
        )


def test_every_truncation_is_an_error_or_lacks_a_layer(tmp_path):
    data = caffe.net(*nets.whole())
    path, model = tmp_path / "cut.caffemodel", nets.net()
    before = model.get_weights()
    step = max(len(data) // 60, 1)
    for end in [*range(0, 60), *range(60, len(data), step), len(data) - 1]:
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match="`path` must"):
            tfprune.interop.load_caffemodel(model, path)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_damaged_bytes_never_do_worse_than_an_error(tmp_path):
    data = np.frombuffer(caffe.net(*nets.whole()), np.uint8)
    path, rng = tmp_path / "damaged.caffemodel", np.random.default_rng(0)
    failed = 0
    for _ in range(300):
        bad = data.copy()
        # Where the structure is, not only in the numbers.
        places = rng.integers(0, 90, 3)
        bad[places] = rng.integers(0, 256, 3)
        path.write_bytes(bad.tobytes())
        try:
            caffe_blobs.read(path)
        except ValueError as error:
            assert "`path` must be a .caffemodel file" in str(error)
            failed += 1
    assert failed > 100


def sized(shape):
    dims = caffe.field(1, b"".join(map(caffe.varint, shape)))
    return caffe.field(7, dims) + caffe.field(5, bytes(8))


HOSTILE = {
    "nothing": b"",
    "text": b"<html>not a model</html>",
    "a length beyond all bytes": caffe.varint(100 << 3 | 2)
    + caffe.varint(2**62),
    "an integer without an end": b"\xff" * 64,
    "a huge shape": caffe.net(caffe.layer("a", [sized([2**40, 2**40])])),
    "a negative size": caffe.net(caffe.layer("a", [sized([2**64 - 2])])),
    "many axes": caffe.net(caffe.layer("a", [sized([1] * 10_000 + [2])])),
    "many layers": caffe.net(caffe.layer("a", []) * 10_001),
    "many arrays": caffe.net(caffe.layer("a", [caffe.blob([1.0])] * 101)),
    "a long name": caffe.net(caffe.layer("a" * 2000, [caffe.blob([1.0])])),
    "half a number": caffe.net(caffe.layer("a", [caffe.field(5, b"123")])),
    "two layers of one name": caffe.net(
        caffe.layer("a", [caffe.blob([1.0])]) * 2
    ),
    "no arrays": caffe.net(caffe.layer("a", [])),
    "a group, which is no more": b"\x0b\x0c",
}


@pytest.mark.parametrize("why", HOSTILE)
def test_hostile_files_take_no_memory(tmp_path, why):
    path = tmp_path / "hostile.caffemodel"
    path.write_bytes(HOSTILE[why])
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="`path` must be a .caffemodel"):
            caffe_blobs.read(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
