"""LeNet-5 on MNIST by structured sparsity learning: filter shapes.

    python scripts/train.py --config=configs/lenet5_ssl_shapes.py \\
        --workdir=results/lenet5_ssl_shapes
    python scripts/benchmark.py smaller --workdir=results/lenet5_ssl_shapes

The paper, of 25 taps and 500 columns: 7 and 14 at 1.0 % error, 21 and 41 at
0.8 %. Columns stay out while what is left of them is fine-tuned; the rest is as
in `lenet5_ssl.py`. The strength was chosen as there, for conv2: 0.05, 0.065 and
0.08 left 2 or 3 taps and 25 columns, at 99.01, 98.97 and 98.91 %.
"""

from configs import common
from configs import lenet5_ssl


def get_config():
    config = lenet5_ssl.get_config()
    config.name = "lenet5_ssl_shapes"
    config.stages = ("train", "ssl", "finetune", "slim")
    config.ssl.method = {
        "name": "ssl",
        "shapes": 0.05,
        "power": 0.0,
        "settings": {"ip1": None, "ip2": None},
    }
    config.finetune = config.slim.copy_and_resolve_references()
    config.finetune.change = "freeze"
    config.slim = common.untrained("slim")
    return config
