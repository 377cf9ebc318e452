"""LeNet-5 on MNIST by native pruning of the 5x5 Winograd coefficients.

    python scripts/train.py --config=configs/lenet5_winograd.py \\
        --workdir=results/lenet5_winograd

Not run yet. Wanted: 90 % of conv2's coefficients gone within 0.1 point of the
dense accuracy.
"""

from configs import common


def get_config():
    config = common.mnist("lenet5_winograd", "lenet_5")
    config.processes = 2
    config.stages = ("train", "convert", "native", "finetune")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.05, (6000, 8500), 0.3, 1e-3),
    }
    config.convert = {
        "change": "winograd",
        "filters": "conv2",
        "steps": 0,
        "optimizer": common.solver(1e-6, (1,), 1.0, 0.0),
    }
    config.native = {
        "change": "prune",
        "method": {
            "name": "winograd",
            "decay": 1e-4,
            "threshold": 1e-3,
            "factor": 10.0,
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
