"""The nets of the papers: as many weights and multiplications as theirs."""

import keras
import numpy as np
import pytest

from benchmarks.cases import models
from tfprune import applications

# Weights without biases, and multiply-accumulates of one image.
TOTALS = {
    "alexnet": (60_954_656, 724.41),
    "alexnet_bn": (62_367_776, 1135.26),
    "caffenet": (60_954_656, 724.41),
    "convnet": (89_440, 12.30),
    "googlenet_heads": (13_365_696, 1591.04),
    "resnet50_msra": (25_502_912, 3857.97),
    "vgg16": (138_344_128, 15470.26),
}
# Layer to weights and MMACs: first, middle, last, and the odd ones.
LAYERS = {
    "alexnet": {"conv2": (307_200, 223.949), "fc6": (37_748_736, 37.749)},
    "alexnet_bn": {"conv1": (34_848, 105.415), "conv4": (1_327_104, 224.281)},
    "caffenet": {"conv1": (34_848, 105.415), "conv5": (442_368, 74.760)},
    "convnet": {"conv3": (51_200, 3.277), "ip1": (10_240, 0.010)},
    "googlenet_heads": {
        "conv1_7x7_s2": (9408, 118.014),
        "inception_3a_5x5": (12_800, 10.035),
        "inception_4e_3x3": (460_800, 90.317),
        "loss1_conv": (65_536, 1.049),
        "loss2_fc": (2_097_152, 2.097),
        "loss3_classifier": (1_024_000, 1.024),
    },
    "resnet50_msra": {
        "conv1": (9408, 118.014),
        "res3a_branch1": (131_072, 102.760),
        "res3a_branch2a": (32_768, 25.690),
        "res4f_branch2b": (589_824, 115.606),
        "fc1000": (2_048_000, 2.048),
    },
    "vgg16": {"conv5_3": (2_359_296, 462.422), "fc6": (102_760_448, 102.760)},
}


@pytest.mark.parametrize("name", TOTALS)
def test_weights_and_multiplications(name):
    model = applications.build(name, seed=0)
    rows = {
        layer.name: row
        for layer, row in models.weighted_layers(model)
        if row.macs
    }
    found = {x: (row.weights, row.macs / 1e6) for x, row in rows.items()}
    total = tuple(map(sum, zip(*found.values(), strict=True)))
    assert total == (TOTALS[name][0], pytest.approx(TOTALS[name][1], abs=0.005))
    for layer, (weights, macs) in LAYERS[name].items():
        assert found[layer] == (weights, pytest.approx(macs, abs=6e-4))
    assert model.name == name


def shapes(model, *names):
    return [model.get_layer(name).output.shape[1:3] for name in names]


def test_order_of_pooling_and_normalization():
    names = {
        name: [layer.name for layer in applications.build(name).layers]
        for name in ("alexnet", "caffenet")
    }
    assert names["alexnet"][:3] == ["conv1", "norm1", "pool1"]
    assert names["caffenet"][:3] == ["conv1", "pool1", "norm1"]
    assert names["alexnet"][-5:] == ["fc6", "drop6", "fc7", "drop7", "fc8"]


def test_biases_that_start_above_zero():
    model = applications.build("caffenet", seed=0)
    ones = {
        layer.name
        for layer in model.layers
        if layer.weights and np.all(layer.bias.numpy() == 1)
    }
    assert ones == {"conv2", "conv4", "conv5", "fc6", "fc7"}
    deviation = model.get_layer("conv3").kernel.numpy().std()
    assert deviation == pytest.approx(0.01, rel=0.02)


def test_pooling_of_caffe_rounds_up():
    net = applications.build("convnet")
    assert shapes(net, "pool1", "pool2", "pool3") == [(16, 16), (8, 8), (4, 4)]
    alexnet = applications.build("alexnet_bn")
    found = shapes(alexnet, "conv1", "pool1", "pool2", "pool5")
    assert found == [(55, 55), (27, 27), (13, 13), (6, 6)]


def test_average_pooling_at_the_border_is_over_what_is_there():
    """Caffe clips its last window to the image: 2x2 of 3x3 in the corner."""
    pool = applications.build("convnet").get_layer("pool2")
    x = np.arange(16.0, dtype="float32").reshape(1, 4, 4, 1)
    found = np.asarray(pool(x))[0, :, :, 0]
    expected = [
        [x[0, :3, :3].mean(), x[0, :3, 2:].mean()],
        [x[0, 2:, :3].mean(), x[0, 2:, 2:].mean()],
    ]
    np.testing.assert_allclose(found, expected)


def test_normalization_of_neighbouring_pixels():
    from tfprune.applications import convnet

    x = np.random.default_rng(0).normal(0, 50, (2, 4, 5, 3)).astype("float32")
    padded = np.pad(x * x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    expected = x * (1 + 5e-5 * windows.mean((-1, -2))) ** -0.75
    found = convnet.SpatialResponseNormalization()(x)
    np.testing.assert_allclose(found, expected, 1e-5)


def test_padding_of_the_first_layer_is_caffes():
    """Three pixels on each side, where `same` would have two and three."""
    for name in ("googlenet_heads", "resnet50_msra"):
        model = applications.build(name)
        assert shapes(model, "pad1", "pool1") == [(230, 230), (56, 56)]
        assert model.get_layer("pad1").padding == ((3, 3), (3, 3))


def test_heads_of_googlenet():
    model = applications.build("googlenet_heads", seed=0)
    assert list(model.output_shape) == [(None, 1000)] * 3
    assert shapes(model, "loss1_ave_pool", "loss2_ave_pool") == [(4, 4)] * 2
    before = model.get_layer("loss2_ave_pool").input
    assert before is model.get_layer("inception_4d_output").output
    trunk = applications.build("googlenet", seed=0)
    own = {w.path for w in trunk.weights}
    assert own < {w.path for w in model.weights}
    main = keras.Model(model.input, model.outputs[0])
    assert main.count_params() == trunk.count_params() == 6_998_552


def test_a_block_of_resnet_halves_in_its_first_convolution():
    model = applications.build("resnet50_msra")
    strides = {
        layer.name: layer.strides[0]
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.strides[0] > 1
    }
    both = {f"res{s}a_branch{b}": 2 for s in (3, 4, 5) for b in ("1", "2a")}
    assert strides == {"conv1": 2, **both}


def test_other_numbers_of_classes():
    from tfprune.applications import alexnet

    model = alexnet.CaffeNet(0, classes=257)
    assert model.output_shape == (None, 257)
