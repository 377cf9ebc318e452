"""A VGG-like net on MNIST by native pruning of its Winograd coefficients.

    python scripts/train.py --config=configs/vgg_mnist_winograd.py \\
        --workdir=results/vgg_mnist_winograd

Not run yet; strengths are guesses. Wanted: 90 % of the coefficients gone within
0.1 point of the dense accuracy. One trial with --config.data.rehearsal=10000
and seed 11, by magnitude to 92 % within 2000 steps and 4500 in all at a rate of
0.01, left 97.61 % of 98.98 %: too short, or the rate is too low.
The spatial variant: `vgg_mnist_l1_winograd.py`.
"""

from configs import common


def get_config():
    config = common.mnist("vgg_mnist_winograd", "vgg_mnist")
    config.processes = 2
    config.stages = ("train", "convert", "native", "finetune")
    config.train = {
        "steps": 5000,
        "optimizer": common.solver(0.01, (3000, 4300), 0.3, 5e-4),
    }
    config.convert = common.untrained("winograd")
    # One channel alone does not make conv1_1 worth it.
    config.native = {
        "change": "prune",
        "method": {
            "name": "winograd",
            "decay": 2e-3,
            "threshold": 0.01,
            "factor": 10.0,
            "settings": {"conv1_1": None},
        },
        "steps": 8000,
        "optimizer": common.solver(0.01, (5000, 7000), 0.3, 0.0),
    }
    config.finetune = {
        "change": "freeze",
        "steps": 3000,
        "optimizer": common.solver(0.01, (1500, 2500), 0.3, 0.0),
    }
    return config
