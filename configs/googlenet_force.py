"""GoogLeNet on ImageNet, all convolutions under force, then factorised.

    python scripts/train.py --config=configs/googlenet_force.py \\
        --workdir=results/googlenet_force --init=googlenet.keras \\
        --config.data.data_dir=imagenet

Not run here: it takes ImageNet and weeks of a GPU. From trained weights, as
without its two other heads it would hardly learn from scratch. The published
decay of the learning rate, which is ten times lower for that; the strength is
a guess.
"""

from configs import alexnet_force
from configs import common

_CONVOLUTIONS = r"conv\w*|inception\w*"


def get_config():
    config = alexnet_force.get_config()
    config.name, config.model = "googlenet_force", "googlenet"
    config.data.crop = 224
    config.batch_size = 32
    config.force.method.force_mult = {_CONVOLUTIONS: 1.0}
    config.force.steps = 1_200_000
    config.force.optimizer = {
        **common.solver(1e-3, (), 1.0, 2e-4),
        "learning_rate": {
            "policy": "poly",
            "base": 1e-3,
            "power": 0.5,
            "end": 1_200_000,
        },
    }
    config.finetune.factorize.energy = {_CONVOLUTIONS: 0.95}
    return config
