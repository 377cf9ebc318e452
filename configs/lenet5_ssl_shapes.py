"""LeNet-5 on MNIST by structured sparsity learning: filter shapes.

    python scripts/train.py --config=configs/lenet5_ssl_shapes.py \\
        --workdir=results/lenet5_ssl_shapes
    python scripts/benchmark.py smaller --workdir=results/lenet5_ssl_shapes

The paper, of 25 taps and 500 columns: 7 and 14 at 1.0 % error, 21 and 41 at
0.8 %. Not yet run: the strength is a guess.
"""

from configs import common


def get_config():
    config = common.mnist("lenet5_ssl_shapes", "lenet_5")
    config.processes = 2
    config.stages = ("train", "ssl", "finetune", "slim")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.05, (6000, 8500), 0.3, 1e-3),
    }
    config.ssl = {
        "change": "prune",
        "method": {
            "name": "ssl",
            "shapes": 0.01,
            "settings": {"ip1": None, "ip2": None},
        },
        "steps": 10_000,
        "optimizer": common.solver(0.05, (7000, 9000), 0.3, 5e-4),
    }
    config.finetune = {
        "change": "freeze",
        "steps": 10_000,
        "optimizer": common.solver(0.03, (6000, 8500), 0.3, 5e-4),
    }
    config.slim = {
        "change": "slim",
        "steps": 0,
        "optimizer": common.solver(0.001, (1000,), 0.1, 5e-4),
    }
    return config
