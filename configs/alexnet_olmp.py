"""AlexNet on Caltech-256 by OLMP, from scratch.

    python scripts/train.py --config=configs/alexnet_olmp.py \\
        --workdir=results/alexnet_olmp \\
        --config.data.data_dir=256_ObjectCategories

Not run on Caltech-256 yet: it takes a GPU and the data, which are unpacked from
256_ObjectCategories.tar (https://data.caltech.edu/records/nyy15-4j048). Steps
and settings are the paper's: up to 82x without loss of accuracy. 256 training
images are held out for its searches.
"""

from configs import common


def get_config():
    config = common.mnist("alexnet_olmp", "alexnet_caltech")
    config.seeds = (0,)
    config.batch_size = 256
    config.checkpoint_every = 1000
    config.data = {
        "name": "image_folders",
        "data_dir": "256_ObjectCategories",
        "validation": 256,
        "per_class": 60,
    }
    config.stages = ("train", "olmp")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.01, (5000, 8000), 0.1, 5e-4),
    }
    config.olmp = {
        "change": "prune",
        "search_examples": 256,
        "method": {
            "name": "olmp",
            "delta": 0.08,
            "interval": 250,
            "prune_stop": 10_000,
            "gamma": 2e-4,
            "population": 8,
            "sigma": ((0, 5.0), (7000, 0.5)),
            "settings": {"conv[1-5]": {"gamma": 2e-5}},
        },
        "steps": 15_000,
        "optimizer": common.solver(1e-3, (7000,), 0.1, 5e-4),
    }
    return config
