"""Caffe's files: right weights in right places, and nothing from wrong ones."""

import pathlib
import tracemalloc

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tests.interop import caffe_writer as caffe
from tfprune import methods
from tfprune.core import structures
from tfprune.interop import caffe_blobs


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


CONV = random(6, 2, 3, 3), random(6, seed=1)
FC = random(4, 6 * 5 * 3, seed=2), random(4, seed=3)


def net():
    """A convolution of two groups, and a dense layer behind its image."""
    x = keras.Input((7, 5, 4))
    y = layers.Conv2D(6, 3, groups=2, name="stage_conv")(x)
    y = layers.Flatten(name="flatten")(y)
    y = layers.Dropout(0.5, name="drop")(y)
    return keras.Model(x, layers.Dense(4, name="fc")(y), name="net")


def write(tmp_path, *parts):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(caffe.net(*parts))
    return path


def whole(conv=CONV, fc=FC):
    return (
        caffe.layer("stage/conv", map(caffe.blob, conv)),
        caffe.layer("fc", map(caffe.blob, fc), "InnerProduct"),
    )


def caffes_answer(x, conv=CONV, fc=FC):
    """The same net with channels first, one group after the other."""
    x = np.transpose(x, (0, 3, 1, 2))
    rows = []
    for filters, images in zip(
        np.split(conv[0], 2), np.split(x, 2, axis=1), strict=True
    ):
        windows = np.lib.stride_tricks.sliding_window_view(
            images, (3, 3), axis=(2, 3)
        )
        rows.append(np.einsum("nchwij,ocij->nohw", windows, filters))
    y = np.concatenate(rows, axis=1) + conv[1][:, None, None]
    return y.reshape(len(x), -1) @ fc[0].T + fc[1]


def test_layouts_groups_and_the_order_behind_a_flatten(tmp_path):
    model, x = net(), random(2, 7, 5, 4, seed=4)
    assert tfprune.load_caffemodel(model, write(tmp_path, *whole())) == []
    np.testing.assert_allclose(model(x), caffes_answer(x), 1e-4, 1e-4)


def test_old_files_and_doubles(tmp_path):
    old = write(
        tmp_path,
        caffe.old_layer("stage/conv", map(caffe.old_blob, CONV)),
        caffe.old_layer("fc", map(caffe.old_blob, FC)),
    )
    model, x = net(), random(2, 7, 5, 4, seed=4)
    tfprune.load_caffemodel(model, old)
    np.testing.assert_allclose(model(x), caffes_answer(x), 1e-4, 1e-4)
    doubles = [caffe.blob(x, "<f8") for x in CONV]
    path = write(tmp_path, caffe.layer("stage/conv", doubles), whole()[1])
    again = net()
    tfprune.load_caffemodel(again, path)
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_arrays_as_protobuf_itself_writes_them(tmp_path):
    """The bytes of google.protobuf for the same schema."""
    pool = pytest.importorskip("google.protobuf.descriptor_pool")
    from google.protobuf import descriptor_pb2 as pb
    from google.protobuf import message_factory

    file = pb.FileDescriptorProto(name="caffe.proto", package="caffe")
    kinds = pb.FieldDescriptorProto

    def message(name, *rows):
        made = file.message_type.add(name=name)
        for label, number, kind, repeated, packed in rows:
            one = made.field.add(name=label, number=number)
            one.label = 3 if repeated else 1
            if isinstance(kind, str):
                one.type, one.type_name = kinds.TYPE_MESSAGE, f".caffe.{kind}"
            else:
                one.type = kind
            if packed:
                one.options.packed = True

    message("BlobShape", ("dim", 1, kinds.TYPE_INT64, True, True))
    message(
        "BlobProto",
        ("data", 5, kinds.TYPE_FLOAT, True, True),
        ("diff", 6, kinds.TYPE_FLOAT, True, True),
        ("shape", 7, "BlobShape", False, False),
    )
    message(
        "LayerParameter",
        ("name", 1, kinds.TYPE_STRING, False, False),
        ("blobs", 7, "BlobProto", True, False),
    )
    message("NetParameter", ("layer", 100, "LayerParameter", True, False))
    found = pool.DescriptorPool()
    found.Add(file)
    kind = found.FindMessageTypeByName("caffe.NetParameter")
    made = message_factory.GetMessageClass(kind)()
    for name, arrays in (("stage/conv", CONV), ("fc", FC)):
        layer = made.layer.add(name=name)
        for array in arrays:
            blob = layer.blobs.add(data=array.ravel(), diff=[1.0, 2.0])
            blob.shape.dim.extend(array.shape)
    path = tmp_path / "net.caffemodel"
    path.write_bytes(made.SerializeToString())
    blobs = caffe_blobs.read(path)
    for name, arrays in (("stage/conv", CONV), ("fc", FC)):
        for array, blob in zip(arrays, blobs[name], strict=True):
            np.testing.assert_array_equal(array, blob)


def masked_file(tmp_path):
    """Dynamic network surgery: masks of weight and bias; OLMP's first entry."""
    masks = [np.float32(random(*x.shape, seed=7) > 0) for x in CONV]
    masks[0].flat[:2] = [1.0, 1.0]
    sent = [x.copy() for x in masks]
    sent[0].flat[:2] = [3.5, 1.0]  # 1 + c: kept
    path = write(
        tmp_path,
        caffe.layer("stage/conv", map(caffe.blob, [*CONV, *sent])),
        whole()[1],
    )
    return path, masks


def test_masked_weights_are_zero_in_a_plain_model(tmp_path):
    path, masks = masked_file(tmp_path)
    model, x = net(), random(2, 7, 5, 4, seed=4)
    tfprune.load_caffemodel(model, path)
    conv = [w * m for w, m in zip(CONV, masks, strict=True)]
    np.testing.assert_allclose(model(x), caffes_answer(x, conv), 1e-4, 1e-4)


def test_masks_and_hidden_weights_in_a_pruned_model(tmp_path):
    path, masks = masked_file(tmp_path)
    model = tfprune.prune(net(), methods.Surgery(c=0.0))
    tfprune.load_caffemodel(model, path)
    kernel, bias = model.get_layer("stage_conv").unit.targets
    expected = masks[0].transpose(2, 3, 1, 0) > 0
    np.testing.assert_array_equal(kernel.mask, expected)
    np.testing.assert_array_equal(bias.mask, masks[1] > 0)
    hidden = CONV[0].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(kernel.variable, hidden)


def test_a_sparse_file_is_fine_tuned_with_its_zeros(tmp_path):
    sparse = CONV[0] * (random(*CONV[0].shape, seed=8) > 0.5), CONV[1] * 0
    path = write(tmp_path, *whole(conv=sparse))
    model = tfprune.prune(net(), methods.Guided(), filters="stage_conv")
    tfprune.load_caffemodel(model, path)
    (target,) = model.get_layer("stage_conv").unit.targets
    zeros = sparse[0].transpose(2, 3, 1, 0) == 0
    np.testing.assert_array_equal(target.mask, ~zeros)
    tfprune.freeze(model, [structures.Unstructured()])
    model.compile(tfprune.PruningOptimizer("adam"), "mse")
    model.fit(random(4, 7, 5, 4), random(4, 4), verbose=0)
    kernel = target.variable.numpy()
    assert not np.any(kernel[zeros]) and np.all(kernel[~zeros])
    assert np.any(model.get_layer("stage_conv").layer.bias.numpy())


def test_batch_normalization(tmp_path):
    """Caffe keeps sums, and how much they are of."""
    x = keras.Input((4, 4, 3))
    y = layers.Conv2D(5, 1, use_bias=False, name="conv1")(x)
    y = layers.BatchNormalization(epsilon=1e-5, name="bn_conv1")(y)
    model = keras.Model(x, y)
    kernel, mean, variance = random(5, 3, 1, 1), random(5), random(5) ** 2
    gamma, beta = random(5, seed=5), random(5, seed=6)
    sums = [mean * 4, variance * 4, [4.0]]
    path = write(
        tmp_path,
        caffe.layer("conv1", [caffe.blob(kernel)]),
        caffe.layer("bn_conv1", map(caffe.blob, sums), "BatchNorm"),
        caffe.layer("scale_conv1", map(caffe.blob, [gamma, beta]), "Scale"),
    )
    assert tfprune.load_caffemodel(model, path) == []
    image = random(1, 4, 4, 3, seed=9)
    plain = image @ kernel[:, :, 0, 0].T
    expected = (plain - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    np.testing.assert_allclose(model(image), expected, 1e-4, 1e-4)


def test_layers_of_other_names_and_heads_that_are_not_there(tmp_path):
    parts = (
        caffe.layer("first", map(caffe.blob, CONV)),
        caffe.layer("loss1/fc", map(caffe.blob, FC)),
        caffe.layer("relu", []),
        whole()[1],
    )
    model = net()
    names = {"stage_conv": "first"}
    path = write(tmp_path, *parts)
    assert tfprune.load_caffemodel(model, path, names) == ["loss1/fc"]
    with pytest.raises(ValueError, match="`names` must be one of: stage_conv"):
        tfprune.load_caffemodel(model, path, {"conv": "first"})


WRONG = {
    "no layer of that name": (whole()[1],),
    "another count of arrays": (
        caffe.layer("stage/conv", map(caffe.blob, [CONV[0]])),
        whole()[1],
    ),
    "another shape": (
        caffe.layer("stage/conv", map(caffe.blob, CONV)),
        caffe.layer("fc", map(caffe.blob, (FC[0][:, 1:], FC[1]))),
    ),
    "transposed": (
        caffe.layer("stage/conv", map(caffe.blob, CONV)),
        caffe.layer("fc", map(caffe.blob, (FC[0].T, FC[1]))),
    ),
    "another kernel": (
        caffe.layer(
            "stage/conv", map(caffe.blob, (CONV[0][:, :, 1:], CONV[1]))
        ),
        whole()[1],
    ),
}


@pytest.mark.parametrize("why", WRONG)
def test_files_that_do_not_fit_change_nothing(tmp_path, why):
    model = net()
    before = model.get_weights()
    with pytest.raises(ValueError, match="`path` must"):
        tfprune.load_caffemodel(model, write(tmp_path, *WRONG[why]))
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_layer_of_a_kind_that_is_not_known(tmp_path):
    model = keras.Sequential([keras.Input((3, 2)), layers.LSTM(2, name="fc")])
    with pytest.raises(ValueError, match="'fc', a LSTM"):
        tfprune.load_caffemodel(model, write(tmp_path, *whole()))


def test_every_truncation_is_an_error_or_lacks_a_layer(tmp_path):
    data = caffe.net(*whole())
    path, model = tmp_path / "cut.caffemodel", net()
    before = model.get_weights()
    step = max(len(data) // 60, 1)
    for end in [*range(0, 60), *range(60, len(data), step), len(data) - 1]:
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match="`path` must"):
            tfprune.load_caffemodel(model, path)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_damaged_bytes_never_do_worse_than_an_error(tmp_path):
    data = np.frombuffer(caffe.net(*whole()), np.uint8)
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


def test_a_large_file_stays_on_disk(tmp_path):
    path = tmp_path / "large.caffemodel"
    path.write_bytes(caffe.net(caffe.layer("a", [caffe.blob(np.ones(10**7))])))
    tracemalloc.start()
    (blob,) = caffe_blobs.read(path)["a"]
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 1e6
    assert blob.sum(dtype="float64") == 1e7 and not blob.flags.writeable


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        tfprune.load_caffemodel(net(), pathlib.Path(tmp_path) / "none")


def test_lenet_5_reads_its_published_layout(tmp_path):
    """`conv1 (20, 1, 5, 5)`, ..., `ip1 (500, 800)`, as Caffe's MNIST net."""
    from tfprune.experiments import models

    shapes = {
        "conv1": (20, 1, 5, 5),
        "conv2": (50, 20, 5, 5),
        "ip1": (500, 800),
        "ip2": (10, 500),
    }
    arrays = {
        name: (random(*shape) * 0.1, random(shape[0]))
        for name, shape in shapes.items()
    }
    path = write(
        tmp_path,
        *(caffe.layer(x, map(caffe.blob, y)) for x, y in arrays.items()),
    )
    model = models.build("lenet_5")
    assert tfprune.load_caffemodel(model, path) == []
    x = random(2, 28, 28, 1)
    y = tf.constant(x / 256)
    for name in ("conv1", "conv2"):
        kernel, bias = arrays[name]
        y = tf.nn.conv2d(y, kernel.transpose(2, 3, 1, 0), 1, "VALID") + bias
        y = tf.nn.max_pool2d(y, 2, 2, "VALID")
    y = tf.reshape(tf.transpose(y, (0, 3, 1, 2)), (2, -1))
    y = tf.nn.relu(y @ arrays["ip1"][0].T + arrays["ip1"][1])
    y = y @ arrays["ip2"][0].T + arrays["ip2"][1]
    np.testing.assert_allclose(model(x), y, 1e-3, 1e-3)
