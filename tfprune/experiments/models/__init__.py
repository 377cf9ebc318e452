"""The networks of the experiments, by name."""

from __future__ import annotations

import keras

from tfprune.core import errors
from tfprune.experiments.models import alexnet
from tfprune.experiments.models import caltech
from tfprune.experiments.models import cifar
from tfprune.experiments.models import convnet
from tfprune.experiments.models import googlenet
from tfprune.experiments.models import imagenet
from tfprune.experiments.models import lenet
from tfprune.experiments.models import resnet
from tfprune.experiments.models import vgg
from tfprune.experiments.models import vgg_mnist

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
        raise ValueError(errors.unknown("name", name, MODELS))
    return MODELS[name](seed)
