"""ResNet-50 on ImageNet by global and dynamic filter ranking.

    python scripts/train.py --config=configs/resnet50_filter_ranking.py \\
        --workdir=results/resnet50_filter_ranking --init=resnet50.keras \\
        --config.data.data_dir=imagenet

Not run here: it takes ImageNet and days of a GPU. `resnet50.keras` is saved
from `keras.applications.ResNet50(classifier_activation=None)`. 30 epochs of
ranking and 20 of fine-tuning. The paper, six tenths of the filters left: 71.9 %
at 2.18 times fewer FLOPs, from about 75 %.
"""

from configs import common


def get_config():
    config = common.imagenet("resnet50_filter_ranking", "resnet50", 224)
    config.data.mean = (123.68, 116.779, 103.939)
    config.jit_compile = True
    config.stages = ("ranking", "slim")
    config.ranking = {
        "change": "prune",
        "method": {
            "name": "filter_ranking",
            "target_sparsity": 0.4,
            "stages": 5,
            "stage_steps": 20_000,
            "batches": 100,
            "stop_step": 100_000,
        },
        "steps": 150_000,
        "optimizer": common.solver(1e-3, (100_000,), 0.1, 1e-4),
    }
    config.slim = {
        "change": "slim",
        "steps": 100_000,
        "optimizer": common.solver(0.01, (50_000, 80_000), 0.1, 1e-4),
    }
    return config
