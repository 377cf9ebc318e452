"""The networks of the experiments, by name."""

from __future__ import annotations

import keras

from tfprune.applications import alexnet
from tfprune.applications import caltech
from tfprune.applications import cifar
from tfprune.applications import convnet
from tfprune.applications import googlenet
from tfprune.applications import imagenet
from tfprune.applications import lenet
from tfprune.applications import resnet
from tfprune.applications import vgg
from tfprune.applications import vgg_mnist
from tfprune.utils import validation

MODELS = {
    "lenet_300_100": lenet.LeNet300100,
    "lenet_5": lenet.LeNet5,
    "vgg_mnist": vgg_mnist.VGGMnist,
    "convnet": convnet.ConvNet,
    "alexnet": alexnet.AlexNet,
    "alexnet_bn": alexnet.AlexNetBN,
    "caffenet": alexnet.CaffeNet,
    "alexnet_caltech": caltech.AlexNetCaltech,
    "resnet20": cifar.ResNet20,
    "resnet56": cifar.ResNet56,
    "vgg16_cifar10": cifar.VGG16,
    "googlenet": googlenet.GoogLeNet,
    "googlenet_heads": googlenet.GoogLeNetHeads,
    "resnet50": imagenet.ResNet50,
    "resnet50_msra": resnet.ResNet50MSRA,
    "vgg16": vgg.VGG16,
    "mobilenet_v2": imagenet.MobileNetV2,
}


def build(name: str, seed: int | None = None) -> keras.Model:
    """Builds the model called `name`.

    Args:
        name: str, a key of `MODELS`.
        seed: int, equal seeds give equal weights. Defaults to `None`, which
            follows `keras.utils.set_random_seed`.

    Returns:
        An uncompiled `keras.Model` that maps raw pixels to logits.

    Raises:
        ValueError: no model has this name.
    """
    if name not in MODELS:
        raise ValueError(validation.unknown("name", name, MODELS))
    return MODELS[name](seed)
