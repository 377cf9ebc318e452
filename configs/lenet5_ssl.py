"""LeNet-5 on MNIST by structured sparsity learning: filters and channels.

    python scripts/train.py --config=configs/lenet5_ssl.py \\
        --workdir=results/lenet5_ssl
    python scripts/train.py --config=configs/lenet5_ssl.py \\
        --workdir=results/lenet5_ssl_wide \\
        --config.ssl.method.filters=0.02 --config.ssl.method.channels=0.03 \\
        --config.ssl.method.settings.conv2.filters=0.05

The paper, of 20 and 50 filters: 3 and 12 at 1.0 % error, 5 and 19 at 0.8 %.
The last stage trains an ordinary smaller model. A proximal step of 0.05 is as
strong as the published penalty, 0.005, with its momentum. The strength for
conv2's filters was chosen with seed 11 and
--config.data.validation_as_test=10000, the most that kept 99.0 % there: 0.05,
0.075 and 0.1 left 3 filters of conv1 and 17, 14 and 10 of conv2, at 99.12,
99.14 and 99.11 %; the second command's left 5 and 18, at 99.14 %.
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
            "filters": 0.05,
            "channels": 0.05,
            "power": 0.0,
            "settings": {"conv2": {"filters": 0.1}, "ip1": None, "ip2": None},
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
