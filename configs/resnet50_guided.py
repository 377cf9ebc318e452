"""ResNet-50 on ImageNet by guided pruning, from published weights.

    python scripts/train.py --config=configs/resnet50_guided.py \\
        --workdir=results/resnet50_guided --init=resnet50.keras \\
        --config.data.data_dir=imagenet

Not run here: it takes ImageNet and weeks of a GPU. `resnet50.keras` is what
`tfprune.interop.load_caffemodel` makes of ResNet-50-model.caffemodel;
`data.mean` may be a file of the mean image that it was trained with. The
schedule is that of the released model: 81 to 98 % of the 3x3 convolutions and
91.5 % of fc1000 at 72.84 %, from 72.88 %; its 1x1 convolutions stay dense, and
nothing is fine-tuned.
"""

from configs import caffenet_guided
from configs import common


def get_config():
    config = caffenet_guided.get_config()
    config.name, config.model = "resnet50_guided", "resnet50_msra"
    config.data.crop = 224
    config.batch_size = 32
    config.stages = ("guided",)
    config.guided.method.settings = {r"conv1|res\w*_branch(1|2a|2c)": None}
    config.guided.steps = 2_000_000
    config.guided.optimizer = common.solver(
        1e-4, (1_400_000, 1_700_000), 0.1, 0.0
    )
    return config
