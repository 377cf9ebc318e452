"""CaffeNet on ImageNet by guided pruning, from published weights.

    python scripts/train.py --config=configs/caffenet_guided.py \\
        --workdir=results/caffenet_guided --init=caffenet.keras \\
        --config.data.data_dir=imagenet

Not run here: it takes ImageNet and weeks of a GPU. The schedule is that of the
released model: 85.6, 93.1, 91.8, 88.5 % of conv2 to conv5 and 90.3, 84.4,
73.8 % of fc6 to fc8 at 57.48 %, from 57.35 %. `caffenet.keras` is what
`tfprune.interop.load_caffemodel` makes of bvlc_reference_caffenet.caffemodel.
"""

from configs import common


def get_config():
    config = common.imagenet("caffenet_guided", "caffenet")
    config.stages = ("guided", "finetune")
    config.guided = {
        "change": "prune",
        "gate": {
            "machine": "xeon_e5_2697v4",
            "batch_size": 144,
            "interval": 50_000,
        },
        "method": {
            "name": "guided",
            "decay": 5e-5,
            "settings": {
                "conv1": None,
                "fc6": {"decay": 5e-6},
                "fc7": {"decay": 5e-6},
                "fc8": {"decay": 1e-5},
            },
        },
        "steps": 1_000_000,
        "optimizer": common.solver(1e-3, (400_000, 700_000), 0.1, 0.0),
    }
    config.finetune = {
        "change": "freeze",
        "steps": 640_000,
        "optimizer": {
            **common.solver(1e-3, (), 1.0, 5e-5),
            "learning_rate": {"policy": "poly", "base": 1e-3, "end": 640_000},
        },
    }
    return config
