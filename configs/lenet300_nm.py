"""LeNet-300-100 on MNIST, 2 of 4: the pattern of sparse tensor cores.

    python scripts/train.py --config=configs/lenet300_nm.py \\
        --workdir=results/lenet300_nm
"""

from configs import common


def get_config():
    config = common.mnist("lenet300_nm", "lenet_300_100")
    config.jit_compile = True
    config.stages = ("train", "prune")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.1, (6000, 8500), 0.3, 1e-3),
    }
    config.prune = {
        "change": "prune",
        "method": {
            "name": "nm",
            "n": 2,
            "m": 4,
            "frequency": 100,
        },
        "steps": 10_000,
        "optimizer": common.solver(0.1, (6000, 8500), 0.3, 1e-3),
    }
    return config
