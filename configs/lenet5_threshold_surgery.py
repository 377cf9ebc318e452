"""LeNet-5 on MNIST by threshold surgery: half of its convolutions.

    python scripts/train.py --config=configs/lenet5_threshold_surgery.py \\
        --workdir=results/lenet5_threshold_surgery
"""

import ml_collections


def get_config():
    config = ml_collections.ConfigDict()
    config.name = "lenet5_threshold_surgery"
    config.model = "lenet_5"
    config.seeds = (0, 1, 2)
    config.processes = 2
    config.data = {"name": "mnist", "data_dir": "", "validation": 0}
    config.batch_size = 64
    config.jit_compile = False
    config.steps_per_execution = 10
    config.log_every = 500
    config.checkpoint_every = 1000
    config.stages = ("train", "surgery")
    config.train = {
        "steps": 10_000,
        "optimizer": _solver((6000, 8500)),
    }
    # z of the second layer is lower, since decay leaves it heavy tails.
    config.surgery = {
        "change": "prune",
        "method": {
            "name": "threshold_surgery",
            "stop_step": 9000,
            "settings": {
                "conv1": {"z": 0.6},
                "conv2": {"z": 0.4},
                "ip.*": None,
            },
        },
        "steps": 12_000,
        "optimizer": _solver((6000, 9500)),
    }
    return config


def _solver(steps):
    return {
        "name": "caffe_sgd",
        "learning_rate": {
            "policy": "multistep",
            "base": 0.05,
            "steps": steps,
            "gamma": 0.3,
        },
        "momentum": 0.9,
        "weight_decay": 1e-3,
    }
