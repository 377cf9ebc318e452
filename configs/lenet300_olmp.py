"""LeNet-300-100 on MNIST by OLMP: nobody chooses its thresholds.

    python scripts/train.py --config=configs/lenet300_olmp.py \\
        --workdir=results/lenet300_olmp

3 minutes for a seed. The released model of the paper: 97.82 % at 113.5x. 4000
training images are held out; searches see the first 2000 of them.

Settings come from --config.data.validation_as_test=10000, where dense nets
reach 98.2 %. Without a target cost, searches up to step 15 000 left 106.9,
138.7 and 116.4x at 97.96, 97.60 and 97.84 % (seeds 11 to 13), up to 25 000
145.1x at 97.58 % (seed 11). With one of 1/152 that seed had 150.0x at 97.54 %,
with 1/112 126.6x at 97.77 %: surgery goes on below the target, and 10x cost 0.1
point. Three settings were given up after their seed 0 had seen the test set:
198.5x at 97.48 %, 138.5x at 97.78 % and 144.0x at 97.74 %.
"""

from configs import common


def get_config():
    config = common.mnist("lenet300_olmp", "lenet_300_100")
    config.seeds = (0, 1, 2, 3, 4)
    config.jit_compile = True
    config.data.validation = 4000
    config.stages = ("train", "olmp", "finetune")
    config.train = {
        "steps": 10_000,
        "optimizer": common.solver(0.1, (6000, 8500), 0.3, 1e-3),
    }
    config.olmp = {
        "change": "prune",
        "search_examples": 2000,
        "method": {
            "name": "olmp",
            "delta": 0.05,
            "target_cost": 1 / 112,
            "interval": 1000,
            "prune_stop": 25_000,
            "gamma": 2e-5,
            "upper": 20.0,
            "evaluations": 400,
        },
        "steps": 32_000,
        "optimizer": common.solver(0.1, (10_000, 18_000, 26_000), 0.4, 1e-3),
    }
    config.finetune = {
        "change": "freeze",
        "steps": 30_000,
        "optimizer": common.solver(0.1, (12_000, 21_000, 27_000), 0.3, 1e-4),
    }
    return config
