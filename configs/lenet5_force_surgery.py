"""LeNet-5 on MNIST: force, factorisation, and surgery on low-rank layers.

    python scripts/train.py --config=configs/lenet5_force_surgery.py \\
        --workdir=results/lenet5_force_surgery

Each seed's dense.npz is the net before surgery, with its low-rank layers.
With a learning rate of 0.03 one of two seeds diverged.
results/lenet5_runs_batch_64.md has it beside the runs that it is made of.
"""

from configs import common
from configs import lenet5_force


def get_config():
    config = lenet5_force.get_config()
    config.name = "lenet5_force_surgery"
    config.stages = ("train", "finetune", "surgery", "freeze")
    config.surgery = {
        "change": "prune",
        "method": {
            "name": "surgery",
            "target_sparsity": 0.9,
            "stop_step": 19_000,
        },
        "steps": 20_000,
        "optimizer": common.solver(0.01, (10_000, 16_000), 0.4, 1e-3),
    }
    config.freeze = {
        "change": "freeze",
        "steps": 5000,
        "optimizer": common.solver(0.01, (3000, 4500), 0.3, 5e-4),
    }
    return config
