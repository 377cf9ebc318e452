"""A VGG-like net on MNIST by native pruning of its Winograd coefficients.

    python scripts/train.py --config=configs/vgg_mnist_winograd.py \\
        --workdir=results/vgg_mnist_winograd

Not run yet. Wanted: 90 % of the coefficients gone within 0.1 point of the
dense accuracy. `vgg_mnist_l1_winograd.py` is the spatial variant.
"""

from configs import common


def get_config():
    config = common.mnist("vgg_mnist_winograd", "vgg_mnist")
    config.processes = 2
    config.stages = ("train", "convert", "native", "finetune")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.01, (6000, 8500), 0.3, 5e-4),
    }
    config.convert = common.untrained("winograd")
    # Adam, and low rates: the output follows some coefficients 85 times as
    # strongly as others. One channel alone does not make conv1_1 worth it.
    config.native = {
        "change": "prune",
        "method": {
            "name": "winograd",
            "decay": 1e-4,
            "threshold": 1e-3,
            "factor": 10.0,
            "settings": {"conv1_1": None},
        },
        "steps": 30_000,
        "optimizer": {"name": "adam", "learning_rate": 2e-5},
    }
    config.finetune = {
        "change": "freeze",
        "steps": 10_000,
        "optimizer": {"name": "adam", "learning_rate": 5e-6},
    }
    return config
