"""LeNet-5 on MNIST by structured sparsity learning: filters and channels.

    python scripts/train.py --config=configs/lenet5_ssl.py \\
        --workdir=results/lenet5_ssl

The paper, of 20 and 50 filters: 3 and 12 at 1.0 % error, 5 and 19 at 0.8 %.
The last stage trains an ordinary smaller model. Not yet run: in a trial of a
quarter of the steps, strengths of 0.02 left 2 and 12 filters, and 98.6 % of
4000 images that were held out.
"""

from configs import common


def get_config():
    config = common.mnist("lenet5_ssl", "lenet_5")
    config.processes = 2
    config.stages = ("train", "ssl", "slim")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.05, (6000, 8500), 0.3, 1e-3),
    }
    config.ssl = {
        "change": "prune",
        "method": {
            "name": "ssl",
            "filters": 0.01,
            "channels": 0.01,
            "settings": {"ip1": None, "ip2": None},
        },
        "steps": 10_000,
        "optimizer": common.solver(0.05, (7000, 9000), 0.3, 5e-4),
    }
    config.slim = {
        "change": "slim",
        "steps": 10_000,
        "optimizer": common.solver(0.03, (6000, 8500), 0.3, 5e-4),
    }
    return config
