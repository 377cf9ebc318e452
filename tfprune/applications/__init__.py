"""Networks of the literature of pruning, as `keras.applications` has others."""

from __future__ import annotations

import keras

from tfprune.applications.alexnet import AlexNet as AlexNet
from tfprune.applications.alexnet import AlexNetBN as AlexNetBN
from tfprune.applications.alexnet import CaffeNet as CaffeNet
from tfprune.applications.caltech import AlexNetCaltech as AlexNetCaltech
from tfprune.applications.cifar import ResNet20 as ResNet20
from tfprune.applications.cifar import ResNet56 as ResNet56
from tfprune.applications.cifar import VGG16Cifar10 as VGG16Cifar10
from tfprune.applications.convnet import ConvNet as ConvNet
from tfprune.applications.googlenet import GoogLeNet as GoogLeNet
from tfprune.applications.googlenet import GoogLeNetHeads as GoogLeNetHeads
from tfprune.applications.imagenet import MobileNetV2 as MobileNetV2
from tfprune.applications.imagenet import ResNet50 as ResNet50
from tfprune.applications.lenet import LeNet5 as LeNet5
from tfprune.applications.lenet import LeNet300100 as LeNet300100
from tfprune.applications.resnet import ResNet50MSRA as ResNet50MSRA
from tfprune.applications.vgg import VGG16 as VGG16
from tfprune.applications.vgg_mnist import VGGMnist as VGGMnist
from tfprune.utils import validation as _validation

__all__ = [
    "MODELS",
    "AlexNet",
    "AlexNetBN",
    "AlexNetCaltech",
    "CaffeNet",
    "ConvNet",
    "GoogLeNet",
    "GoogLeNetHeads",
    "LeNet300100",
    "LeNet5",
    "MobileNetV2",
    "ResNet20",
    "ResNet50",
    "ResNet50MSRA",
    "ResNet56",
    "VGG16",
    "VGG16Cifar10",
    "VGGMnist",
    "build",
]

MODELS = {
    "lenet_300_100": LeNet300100,
    "lenet_5": LeNet5,
    "vgg_mnist": VGGMnist,
    "convnet": ConvNet,
    "alexnet": AlexNet,
    "alexnet_bn": AlexNetBN,
    "caffenet": CaffeNet,
    "alexnet_caltech": AlexNetCaltech,
    "resnet20": ResNet20,
    "resnet56": ResNet56,
    "vgg16_cifar10": VGG16Cifar10,
    "googlenet": GoogLeNet,
    "googlenet_heads": GoogLeNetHeads,
    "resnet50": ResNet50,
    "resnet50_msra": ResNet50MSRA,
    "vgg16": VGG16,
    "mobilenet_v2": MobileNetV2,
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
        raise ValueError(_validation.unknown("name", name, MODELS))
    return MODELS[name](seed)
