"""LeNet-300-100 on MNIST by dynamic network surgery.

    python scripts/train.py --config=configs/lenet300_surgery.py \\
        --workdir=results/lenet300_surgery
"""

import ml_collections


def get_config():
    config = ml_collections.ConfigDict()
    config.name = "lenet300_surgery"
    config.model = "lenet_300_100"
    config.seeds = (0, 1, 2)
    config.processes = 1
    config.data = {"name": "mnist", "data_dir": "", "validation": 0}
    config.batch_size = 64
    config.jit_compile = True
    config.steps_per_execution = 10
    config.log_every = 500
    config.checkpoint_every = 5000
    config.stages = ("train", "surgery", "finetune")
    config.train = {
        "steps": 10_000,
        "optimizer": _solver(0.1, (6000, 8500), 0.3, 1e-3),
    }
    config.surgery = {
        "change": "prune",
        "method": {
            "name": "surgery",
            "stop_step": 16_000,
            "settings": {
                "ip1": {"c": 5.2},
                "ip2": {"c": 3.0},
                "ip3": {"c": 2.0},
            },
        },
        "steps": 20_000,
        "optimizer": _solver(0.1, (6000, 12_000, 16_000), 0.4, 1e-3),
    }
    config.finetune = {
        "change": "freeze",
        "steps": 10_000,
        "optimizer": _solver(0.1, (4000, 7000, 9000), 0.3, 5e-4),
    }
    return config


def _solver(base, steps, gamma, weight_decay):
    return {
        "name": "caffe_sgd",
        "learning_rate": {
            "policy": "multistep",
            "base": base,
            "steps": steps,
            "gamma": gamma,
        },
        "momentum": 0.9,
        "weight_decay": weight_decay,
    }
