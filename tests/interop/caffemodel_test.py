"""Caffe's files: right weights in right places."""

import pathlib
import tracemalloc

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tests.interop import caffe_nets as nets
from tests.interop import caffe_writer as caffe
from tfprune import methods
from tfprune.core import structures
from tfprune.graph import pruned
from tfprune.interop import caffe_blobs

both_ways = pytest.mark.parametrize("wrap", [False, True])


def caffes_answer(x, conv=nets.CONV, fc=nets.FC):
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
    model, x = nets.net(), nets.random(2, 7, 5, 4, seed=4)
    path = nets.write(tmp_path, *nets.whole())
    assert tfprune.interop.load_caffemodel(model, path) == []
    np.testing.assert_allclose(model(x), caffes_answer(x), 1e-4, 1e-4)


def test_old_files_and_doubles(tmp_path):
    old = nets.write(
        tmp_path,
        caffe.old_layer("stage/conv", map(caffe.old_blob, nets.CONV)),
        caffe.old_layer("fc", map(caffe.old_blob, nets.FC)),
    )
    model, x = nets.net(), nets.random(2, 7, 5, 4, seed=4)
    tfprune.interop.load_caffemodel(model, old)
    np.testing.assert_allclose(model(x), caffes_answer(x), 1e-4, 1e-4)
    doubles = [caffe.blob(x, "<f8") for x in nets.CONV]
    path = nets.write(
        tmp_path, caffe.layer("stage/conv", doubles), nets.whole()[1]
    )
    again = nets.net()
    tfprune.interop.load_caffemodel(again, path)
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
    for name, arrays in (("stage/conv", nets.CONV), ("fc", nets.FC)):
        layer = made.layer.add(name=name)
        for array in arrays:
            blob = layer.blobs.add(data=array.ravel(), diff=[1.0, 2.0])
            blob.shape.dim.extend(array.shape)
    path = tmp_path / "net.caffemodel"
    path.write_bytes(made.SerializeToString())
    blobs = caffe_blobs.read(path)
    for name, arrays in (("stage/conv", nets.CONV), ("fc", nets.FC)):
        for array, blob in zip(arrays, blobs[name], strict=True):
            np.testing.assert_array_equal(array, blob)


def masked_file(tmp_path):
    """Dynamic network surgery: masks of weight and bias; OLMP's first entry."""
    masks = [np.float32(nets.random(*x.shape, seed=7) > 0) for x in nets.CONV]
    masks[0].flat[:2] = [1.0, 1.0]
    sent = [x.copy() for x in masks]
    sent[0].flat[:2] = [3.5, 1.0]  # 1 + c: kept
    path = nets.write(
        tmp_path,
        caffe.layer("stage/conv", map(caffe.blob, [*nets.CONV, *sent])),
        nets.whole()[1],
    )
    return path, masks


def test_masked_weights_are_zero_in_a_plain_model(tmp_path):
    path, masks = masked_file(tmp_path)
    model, x = nets.net(), nets.random(2, 7, 5, 4, seed=4)
    tfprune.interop.load_caffemodel(model, path)
    conv = [w * m for w, m in zip(nets.CONV, masks, strict=True)]
    np.testing.assert_allclose(model(x), caffes_answer(x, conv), 1e-4, 1e-4)


def targets(model, layer):
    return pruned.units(model)[layer].targets


@both_ways
def test_masks_and_hidden_weights_in_a_pruned_model(tmp_path, wrap):
    path, masks = masked_file(tmp_path)
    model = tfprune.prune(nets.net(), methods.Surgery(c=0.0), wrap=wrap)
    tfprune.interop.load_caffemodel(model, path)
    kernel, bias = targets(model, "stage_conv")
    expected = masks[0].transpose(2, 3, 1, 0) > 0
    np.testing.assert_array_equal(kernel.mask, expected)
    np.testing.assert_array_equal(bias.mask, masks[1] > 0)
    hidden = nets.CONV[0].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(kernel.dense(), hidden)
    conv = [w * m for w, m in zip(nets.CONV, masks, strict=True)]
    x = nets.random(2, 7, 5, 4, seed=4)
    np.testing.assert_allclose(model(x), caffes_answer(x, conv), 1e-4, 1e-4)


@both_ways
def test_a_released_model_keeps_its_zeros_while_it_is_fine_tuned(
    tmp_path, wrap
):
    path, masks = masked_file(tmp_path)
    method = methods.Surgery()
    model = tfprune.prune(nets.net(), method, "stage_conv", wrap=wrap)
    tfprune.interop.load_caffemodel(model, path)
    tfprune.freeze(model)
    model.compile(tfprune.PruningOptimizer("adam"), "mse")
    model.fit(nets.random(4, 7, 5, 4), nets.random(4, 4), verbose=0)
    conv = tfprune.strip(model).get_layer("stage_conv")
    kept = [masks[0].transpose(2, 3, 1, 0) > 0, masks[1] > 0]
    for variable, mask in zip(conv.weights, kept, strict=True):
        np.testing.assert_array_equal(variable.numpy() != 0, mask)


@both_ways
def test_masks_of_biases_that_a_method_does_not_prune_are_told(tmp_path, wrap):
    path, masks = masked_file(tmp_path)
    method = methods.Magnitude()
    model = tfprune.prune(nets.net(), method, "stage_conv", wrap=wrap)
    with pytest.warns(UserWarning, match="stage_conv/bias. Their zeros will"):
        tfprune.interop.load_caffemodel(model, path)
    (kernel,) = targets(model, "stage_conv")
    expected = masks[0].transpose(2, 3, 1, 0) > 0
    np.testing.assert_array_equal(kernel.mask, expected)


@both_ways
def test_a_sparse_file_is_fine_tuned_with_its_zeros(tmp_path, wrap):
    sparse = (
        nets.CONV[0] * (nets.random(*nets.CONV[0].shape, seed=8) > 0.5),
        nets.CONV[1] * 0,
    )
    path = nets.write(tmp_path, *nets.whole(conv=sparse))
    model = tfprune.prune(
        nets.net(), methods.Guided(), filters="stage_conv", wrap=wrap
    )
    tfprune.interop.load_caffemodel(model, path)
    (target,) = targets(model, "stage_conv")
    zeros = sparse[0].transpose(2, 3, 1, 0) == 0
    np.testing.assert_array_equal(target.mask, ~zeros)
    tfprune.freeze(model, [structures.Unstructured()])
    model.compile(tfprune.PruningOptimizer("adam"), "mse")
    model.fit(nets.random(4, 7, 5, 4), nets.random(4, 4), verbose=0)
    kernel = target.variable.numpy()
    assert not np.any(kernel[zeros]) and np.all(kernel[~zeros])
    conv = tfprune.strip(model).get_layer("stage_conv")
    assert np.any(conv.bias.numpy())


def test_batch_normalization(tmp_path):
    """Caffe keeps sums, and how much they are of."""
    x = keras.Input((4, 4, 3))
    y = layers.Conv2D(5, 1, use_bias=False, name="conv1")(x)
    y = layers.BatchNormalization(epsilon=1e-5, name="bn_conv1")(y)
    model = keras.Model(x, y)
    kernel, mean, variance = (
        nets.random(5, 3, 1, 1),
        nets.random(5),
        nets.random(5) ** 2,
    )
    gamma, beta = nets.random(5, seed=5), nets.random(5, seed=6)
    sums = [mean * 4, variance * 4, [4.0]]
    path = nets.write(
        tmp_path,
        caffe.layer("conv1", [caffe.blob(kernel)]),
        caffe.layer("bn_conv1", map(caffe.blob, sums), "BatchNorm"),
        caffe.layer("scale_conv1", map(caffe.blob, [gamma, beta]), "Scale"),
    )
    assert tfprune.interop.load_caffemodel(model, path) == []
    image = nets.random(1, 4, 4, 3, seed=9)
    plain = image @ kernel[:, :, 0, 0].T
    expected = (plain - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    np.testing.assert_allclose(model(image), expected, 1e-4, 1e-4)


def test_layers_of_other_names_and_heads_that_are_not_there(tmp_path):
    parts = (
        caffe.layer("first", map(caffe.blob, nets.CONV)),
        caffe.layer("loss1/fc", map(caffe.blob, nets.FC)),
        caffe.layer("relu", []),
        nets.whole()[1],
    )
    model = nets.net()
    names = {"stage_conv": "first"}
    path = nets.write(tmp_path, *parts)
    assert tfprune.interop.load_caffemodel(model, path, names) == ["loss1/fc"]
    with pytest.raises(ValueError, match="`names` must be one of: stage_conv"):
        tfprune.interop.load_caffemodel(model, path, {"conv": "first"})


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
        tfprune.interop.load_caffemodel(
            nets.net(), pathlib.Path(tmp_path) / "none"
        )


def test_lenet_5_reads_its_published_layout(tmp_path):
    """`conv1 (20, 1, 5, 5)`, ..., `ip1 (500, 800)`, as Caffe's MNIST net."""
    from tfprune import applications

    shapes = {
        "conv1": (20, 1, 5, 5),
        "conv2": (50, 20, 5, 5),
        "ip1": (500, 800),
        "ip2": (10, 500),
    }
    arrays = {
        name: (nets.random(*shape) * 0.1, nets.random(shape[0]))
        for name, shape in shapes.items()
    }
    path = nets.write(
        tmp_path,
        *(caffe.layer(x, map(caffe.blob, y)) for x, y in arrays.items()),
    )
    model = applications.build("lenet_5")
    assert tfprune.interop.load_caffemodel(model, path) == []
    x = nets.random(2, 28, 28, 1)
    y = tf.constant(x / 256)
    for name in ("conv1", "conv2"):
        kernel, bias = arrays[name]
        y = tf.nn.conv2d(y, kernel.transpose(2, 3, 1, 0), 1, "VALID") + bias
        y = tf.nn.max_pool2d(y, 2, 2, "VALID")
    y = tf.reshape(tf.transpose(y, (0, 3, 1, 2)), (2, -1))
    y = tf.nn.relu(y @ arrays["ip1"][0].T + arrays["ip1"][1])
    y = y @ arrays["ip2"][0].T + arrays["ip2"][1]
    np.testing.assert_allclose(model(x), y, 1e-3, 1e-3)
