"""Trains the stages of a config for each of its seeds; resumes by itself.

    python scripts/train.py --config=configs/lenet300_surgery.py \\
        --workdir=runs/lenet300 --config.seeds=0,1,2
"""

import logging
import shlex
import sys

import command_line
from absl import flags
from ml_collections import config_flags

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "A file of configs/; --config.a.b=v changes a field."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of this run.")
_INIT = flags.DEFINE_string(
    "init", "", "A .keras, .weights.h5 or checkpoint file to start from."
)
flags.mark_flags_as_required(["config", "workdir"])


def main():
    from experiments import evaluation
    from experiments import training
    from experiments import workdir

    library = logging.getLogger("tfprune")
    library.addHandler(logging.StreamHandler(sys.stdout))
    library.setLevel(logging.INFO)
    command = shlex.join(["python", *sys.argv])
    config = _CONFIG.value
    workdir.create(_WORKDIR.value, config, command)
    summary = training.run(config, _WORKDIR.value, _INIT.value)
    print(evaluation.describe(summary, _WORKDIR.value))


if __name__ == "__main__":
    command_line.run(main)
