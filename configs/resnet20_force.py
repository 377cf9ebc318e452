"""ResNet-20 on CIFAR-10, its 3x3 convolutions under force, then factorised.

    python scripts/train.py --config=configs/resnet20_force.py \\
        --workdir=results/resnet20_force \\
        --config.data.data_dir=cifar-10-batches-bin

The first convolution and the shortcuts feel nothing. For a GPU; not yet run,
and the strength is a guess. The paper's ranks in the last stage: 47 to 56 of 64
at 8.82 % error without force, 1 or 2 at 9.57 % with it.
"""

from configs import common

_CONVOLUTIONS = r"stage\w*_[12]_conv"


def get_config():
    config = common.cifar10("resnet20_force", "resnet20")
    config.rank_energy = 0.95
    config.stages = ("train", "finetune")
    config.train = {
        **common.force(1e-4, {_CONVOLUTIONS: 1.0}),
        "steps": 64_000,
        "optimizer": common.solver(0.1, (32_000, 48_000), 0.1, 1e-4),
    }
    config.finetune = {
        "change": "factorize",
        "factorize": {"energy": {_CONVOLUTIONS: 0.95}},
        "steps": 32_000,
        "optimizer": common.solver(0.01, (16_000, 24_000), 0.1, 1e-4),
    }
    return config
