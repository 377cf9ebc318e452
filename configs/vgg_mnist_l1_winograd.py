"""A VGG-like net on MNIST by the spatial variant of Winograd pruning.

    python scripts/train.py --config=configs/vgg_mnist_l1_winograd.py \\
        --workdir=results/vgg_mnist_l1_winograd

Not run yet, and the threshold is a guess: on LeNet-5 1e-3 is far too much, it
swallows what the steps change. To compare with `vgg_mnist_winograd.py` side by
side: the layers stay ordinary convolutions, and fewer coefficients can be zero.
"""

from configs import common


def get_config():
    config = common.mnist("vgg_mnist_l1_winograd", "vgg_mnist")
    config.processes = 2
    config.stages = ("train", "spatial")
    config.train = {
        "steps": 5000,
        "optimizer": common.solver(0.01, (3000, 4300), 0.3, 5e-4),
    }
    config.spatial = {
        "change": "prune",
        "method": {
            "name": "l1_winograd",
            "decay": 1e-4,
            "threshold": 1e-4,
            "settings": {"conv1_1": None},
        },
        "steps": 11_000,
        "optimizer": common.solver(0.01, (6000, 9000), 0.1, 0.0),
    }
    return config
