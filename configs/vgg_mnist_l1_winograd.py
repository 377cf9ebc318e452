"""A VGG-like net on MNIST by the spatial variant of Winograd pruning.

    python scripts/train.py --config=configs/vgg_mnist_l1_winograd.py \\
        --workdir=results/vgg_mnist_l1_winograd

To compare with `vgg_mnist_winograd.py` side by side: the layers stay ordinary
convolutions. The penalty empties whole filters of single channels, which are
zero in both domains. The rate has to be high for that and low in the end: the
threshold is met when steps are small. With
--config.data.validation_as_test=10000 and seed 11, a decay of 1e-4 and a
threshold of 3e-4 left 98.95 % of 98.98 %, with 94 % of these filters removed;
3e-5 and 5e-5, at half the rate, remove nothing.

Seeds 0 to 2: 99.16, 99.22 and 99.27 % of 99.28, 99.34 and 99.28 %, with 92 to
95 % of these filters removed: two of them lose 0.12 points.
"""

from configs import common


def get_config():
    config = common.mnist("vgg_mnist_l1_winograd", "vgg_mnist")
    config.stages = ("train", "spatial")
    config.train = {
        "steps": 6000,
        "optimizer": common.solver(0.01, (4000, 5300), 0.3, 5e-4),
    }
    # One channel alone does not make conv1_1 worth it.
    config.spatial = {
        "change": "prune",
        "method": {
            "name": "l1_winograd",
            "decay": 7e-5,
            "threshold": 3e-4,
            "settings": {"conv1_1": None},
        },
        "steps": 6000,
        "optimizer": common.solver(0.02, (3500, 5000), 0.25, 5e-4),
    }
    return config
