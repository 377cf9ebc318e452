"""ResNet-56 on CIFAR-10 by structured sparsity learning: whole layers.

    python scripts/train.py --config=configs/resnet56_ssl.py \\
        --workdir=results/resnet56_ssl \\
        --config.data.data_dir=cifar-10-batches-bin

Layers of residual blocks fade, and what they alone read is removed. For a GPU;
not yet run. The paper has 20 and 32 layers: 14 left of 20 at 8.54 % error
(8.82 % dense), 18 left of 32 at 7.40 % (7.51 %).
"""

from configs import common


def get_config():
    config = common.cifar10("resnet56_ssl", "resnet56")
    config.stages = ("train", "ssl", "finetune", "slim")
    config.train = {
        "steps": 64_000,
        "optimizer": common.solver(0.1, (32_000, 48_000), 0.1, 1e-4),
    }
    config.ssl = {
        "change": "prune",
        "method": {
            "name": "ssl",
            "layers": 0.007,
            "begin_step": 64_000,
            "settings": {
                "stage2_block1_shortcut_conv": None,
                "stage3_block1_shortcut_conv": None,
            },
        },
        "steps": 64_000,
        "optimizer": common.solver(0.1, (32_000, 48_000), 0.1, 1e-4),
    }
    config.finetune = {
        "change": "freeze",
        "steps": 32_000,
        "optimizer": common.solver(0.01, (16_000, 24_000), 0.1, 1e-4),
    }
    config.slim = common.untrained("slim")
    return config
