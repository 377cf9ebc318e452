"""GoogLeNet on ImageNet by guided pruning, from published weights.

    python scripts/train.py --config=configs/googlenet_guided.py \\
        --workdir=results/googlenet_guided --init=googlenet.keras \\
        --config.data.data_dir=imagenet

Not run here: it takes ImageNet and weeks of a GPU. The schedule is that of the
released model: 84 to 99 % of the 3x3 and 5x5 convolutions at 68.66 %, from
68.93 %. Its 1x1 convolutions stay dense, and so does the first one. Without the
two heads that help it to learn from scratch.
"""

from configs import caffenet_guided
from configs import common


def get_config():
    config = caffenet_guided.get_config()
    config.name, config.model = "googlenet_guided", "googlenet"
    config.data.crop = 224
    config.batch_size = 32
    config.guided.method.settings = {
        r"conv1_7x7_s2|\w*_(1x1|reduce|pool_proj)": None
    }
    config.guided.steps = 1_300_000
    config.guided.optimizer = common.solver(
        1e-3, (700_000, 1_000_000), 0.1, 0.0
    )
    config.finetune.steps = 400_000
    config.finetune.optimizer = common.solver(
        1e-3, (100_000, 200_000, 300_000), 0.1, 1e-4
    )
    return config
