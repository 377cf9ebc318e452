"""LeNet-300-100 on MNIST by magnitude pruning, nine tenths, along a ramp.

    python scripts/train.py --config=configs/lenet300_magnitude.py \\
        --workdir=results/lenet300_magnitude
"""

from configs import common


def get_config():
    config = common.mnist("lenet300_magnitude", "lenet_300_100")
    config.jit_compile = True
    config.stages = ("train", "prune")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.1, (6000, 8500), 0.3, 1e-3),
    }
    config.prune = {
        "change": "prune",
        "method": {
            "name": "magnitude",
            "target_sparsity": 0.9,
            "end_step": 6000,
            "frequency": 100,
            "settings": {"ip3": {"target_sparsity": 0.5}},
        },
        "steps": 10_000,
        "optimizer": common.solver(0.1, (6000, 8500), 0.3, 1e-3),
    }
    return config
