"""LeNet-5 on MNIST by structured sparsity learning: filters and channels.

    python scripts/train.py --config=configs/lenet5_ssl.py \\
        --workdir=results/lenet5_ssl

The paper, of 20 and 50 filters: 3 and 12 at 1.0 % error, 5 and 19 at 0.8 %.
The last stage trains an ordinary smaller model.
"""

from configs import common


def get_config():
    config = common.mnist("lenet5_ssl", "lenet_5")
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
            "filters": 0.05,
            "channels": 0.05,
            "settings": {"ip1": None, "ip2": None},
        },
        "steps": 10_000,
        "optimizer": common.solver(0.05, (7000, 9000), 0.3, 5e-4),
    }
    config.finetune = {
        "change": "freeze",
        "steps": 0,
        "optimizer": common.solver(0.03, (3000, 4500), 0.3, 5e-4),
    }
    config.slim = {
        "change": "slim",
        "steps": 5000,
        "optimizer": common.solver(0.03, (3000, 4500), 0.3, 5e-4),
    }
    return config
