"""LeNet-5 on MNIST, its convolutions under force, then factorised.

    python scripts/train.py --config=configs/lenet5_force.py \\
        --workdir=results/lenet5_force
    python scripts/train.py --config=configs/lenet5_force.py \\
        --workdir=results/lenet5_no_force --config.train.method.force_decay=0.0
    python scripts/plot.py --workdir=results/lenet5_force \\
        --beside=results/lenet5_no_force

The published solver; the force of the paper's example, 1e-3, leaves one filter
of conv2 here, and 1e-4 at last, too: it is a sum over 50 filters. Its strength
and the energies were chosen on 10000 training images, with seed 11 and
--config.data.validation_as_test=10000. Each seed's result.json has the ranks at
95 % of the energy and the MACs before and after.
"""

from configs import common


def get_config():
    config = common.mnist("lenet5_force", "lenet_5")
    config.processes = 2
    config.rank_energy = 0.95
    config.stages = ("train", "finetune")
    config.train = {
        **common.force(7e-5, {"conv1": 2.5, "conv2": 1.0}, "constant"),
        "steps": 10_000,
        "optimizer": common.solver(
            0.01, (5000, 7000, 8000, 9000, 9500), 0.9, 5e-4
        ),
    }
    config.finetune = {
        "change": "factorize",
        "factorize": {"energy": {"conv1": 0.92, "conv2": 0.85, "ip1": 0.45}},
        "steps": 3000,
        "optimizer": common.solver(0.01, (1500, 2500), 0.3, 5e-4),
    }
    return config
