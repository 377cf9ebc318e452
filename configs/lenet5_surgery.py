"""LeNet-5 on MNIST by dynamic network surgery.

    python scripts/train.py --config=configs/lenet5_surgery.py \\
        --workdir=results/lenet5_surgery
"""

import ml_collections


def get_config():
    config = ml_collections.ConfigDict()
    config.name = "lenet5_surgery"
    config.model = "lenet_5"
    config.seeds = (0, 1, 2)
    config.processes = 2
    config.data = {"name": "mnist", "data_dir": "", "validation": 0}
    config.batch_size = 64
    config.jit_compile = False
    config.steps_per_execution = 10
    config.log_every = 500
    config.checkpoint_every = 5000
    config.stages = ("train", "surgery", "finetune")
    config.train = {
        "steps": 10_000,
        "optimizer": _solver(0.05, (6000, 8500), 0.3, 1e-3),
    }
    config.surgery = {
        "change": "prune",
        "method": {
            "name": "surgery",
            "stop_step": 29_000,
            "settings": {
                "conv1": {"c": 1.3},
                "conv2": {"c": 2.5},
                "ip1": {"c": 9.2},
                "ip2": {"c": 3.0},
            },
        },
        "steps": 30_000,
        "optimizer": _solver(0.05, (10_000, 18_500, 24_000), 0.4, 1e-3),
    }
    config.finetune = {
        "change": "freeze",
        "steps": 5000,
        "optimizer": _solver(0.03, (3000, 4500), 0.3, 5e-4),
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
