"""ConvNet on CIFAR-10, its convolutions under force, then factorised.

    python scripts/train.py --config=configs/convnet_force.py \\
        --workdir=results/convnet_force \\
        --config.data.data_dir=cifar-10-batches-bin

The published solver; the strength is a guess. Not yet run. The authors'
tutorial: ranks 13, 21 and 27 of 32, 32 and 64, at 82.0 % before.
"""

from configs import common


def get_config():
    config = common.cifar10("convnet_force", "convnet")
    config.augment = ""
    config.batch_size = 100
    config.rank_energy = 0.95
    config.stages = ("train", "finetune")
    config.train = {
        **common.force(1e-4, {"conv[1-3]": 1.0}, "constant"),
        "steps": 240_000,
        "optimizer": common.solver(1e-3, (200_000, 220_000), 0.1, 4e-3),
    }
    config.finetune = {
        "change": "factorize",
        "factorize": {"energy": {"conv[1-3]": 0.95}},
        "steps": 60_000,
        "optimizer": common.solver(1e-3, (40_000, 50_000), 0.1, 4e-3),
    }
    return config
