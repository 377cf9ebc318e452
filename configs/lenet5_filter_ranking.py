"""LeNet-5 on MNIST by global and dynamic filter ranking.

    python scripts/train.py --config=configs/lenet5_filter_ranking.py \\
        --workdir=results/lenet5_gdp
    python scripts/train.py --config=configs/lenet5_filter_ranking.py \\
        --workdir=results/lenet5_gdp_narrow \\
        --config.ranking.method.target_sparsity=0.65

The recipe of the paper's Caffe code: half of the 70 filters go. Expected there:
98.91 % from 99.02 %, and 47.4 % of the bytes once they are removed. Seed
11 with --config.data.validation_as_test=10000 lost nothing at 65 % either:
99.15 %.
"""

from configs import common


def get_config():
    config = common.mnist("lenet5_filter_ranking", "lenet_5")
    config.processes = 2
    config.stages = ("train", "ranking", "slim")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.05, (6000, 8500), 0.3, 1e-3),
    }
    config.ranking = {
        "change": "prune",
        "method": {
            "name": "filter_ranking",
            "target_sparsity": 0.5,
            "stages": 3,
            "stage_steps": 1000,
            "stop_step": 4500,
        },
        "steps": 5000,
        "optimizer": common.solver(0.001, (3000, 4500), 0.3, 5e-4),
    }
    config.slim = {
        "change": "slim",
        "steps": 5000,
        "optimizer": common.solver(0.03, (3000, 4500), 0.3, 5e-4),
    }
    return config
