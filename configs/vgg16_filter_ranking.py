"""VGG-16 on CIFAR-10 by global and dynamic filter ranking.

    python scripts/train.py --config=configs/vgg16_filter_ranking.py \\
        --workdir=results/vgg16_filter_ranking \\
        --config.data.data_dir=cifar-10-batches-bin

Three tenths of the filters go, as in the authors' own code for ImageNet, by
the stages of the Caffe code. For a GPU; not yet run.
"""

from configs import common


def get_config():
    config = common.cifar10("vgg16_filter_ranking", "vgg16_cifar10")
    config.stages = ("train", "ranking", "slim")
    config.train = {
        "steps": 64_000,
        "optimizer": common.solver(0.05, (32_000, 48_000), 0.1, 5e-4),
    }
    config.ranking = {
        "change": "prune",
        "method": {
            "name": "filter_ranking",
            "target_sparsity": 0.3,
            "stages": 5,
            "stage_steps": 4000,
            "batches": 100,
            "stop_step": 20_000,
        },
        "steps": 24_000,
        "optimizer": common.solver(0.001, (16_000,), 0.1, 5e-4),
    }
    config.slim = {
        "change": "slim",
        "steps": 32_000,
        "optimizer": common.solver(0.01, (16_000, 24_000), 0.1, 5e-4),
    }
    return config
