"""LeNet-5 on MNIST by threshold surgery: half of its convolutions.

    python scripts/train.py --config=configs/lenet5_threshold_surgery.py \\
        --workdir=results/lenet5_threshold_surgery

Expected: half of the convolutions' weights pruned, at the accuracy of the dense
net that it starts from.
"""

from configs import common


def get_config():
    config = common.mnist("lenet5_threshold_surgery", "lenet_5")
    config.processes = 2
    config.checkpoint_every = 1000
    config.stages = ("train", "surgery")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.05, (6000, 8500), 0.3, 1e-3),
    }
    # z of the second layer is lower, since decay leaves it heavy tails.
    config.surgery = {
        "change": "prune",
        "method": {
            "name": "threshold_surgery",
            "stop_step": 12_000,
            "settings": {
                "conv1": {"z": 0.75},
                "conv2": {"z": 0.45},
                "ip1": None,
                "ip2": None,
            },
        },
        "steps": 18_000,
        "optimizer": common.solver(0.05, (8000, 12_000, 15_500), 0.2, 1e-3),
    }
    return config
