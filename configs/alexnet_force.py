"""AlexNet on ImageNet under force from trained weights, then factorised.

    python scripts/train.py --config=configs/alexnet_force.py \\
        --workdir=results/alexnet_force --init=alexnet.keras \\
        --config.data.data_dir=imagenet

Not run here: it takes ImageNet and days of a GPU. The solver is published, the
strength is not. The paper's ranks of conv3 to conv5 at 95 % of the energy: 184,
201, 146 without force, 124, 106, 129 with it, both at 43.2 % error. Filters of
a group pull each other, as in the layers that the authors split.
"""

from configs import common


def get_config():
    config = common.imagenet("alexnet_force", "alexnet")
    config.rank_energy = 0.95
    config.stages = ("force", "finetune")
    config.force = {
        **common.force(1e-4, {"conv[1-5]": 1.0}),
        "steps": 240_000,
        "optimizer": common.solver(
            1e-3, (150_000, 200_000, 220_000), 0.1, 5e-4
        ),
    }
    config.finetune = {
        "change": "factorize",
        "factorize": {"energy": {"conv[1-5]": 0.95}},
        "steps": 150_000,
        "optimizer": common.solver(1e-3, (70_000, 140_000), 0.1, 5e-4),
    }
    return config
