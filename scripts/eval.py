"""Measures the compressed model of a finished run on the test set again.

python scripts/eval.py --workdir=results/lenet5_surgery --json=out.json
"""

import json

import command_line
import numpy as np
from absl import flags

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_JSON = flags.DEFINE_string("json", None, "File to write the result to.")
_EXAMPLES = flags.DEFINE_string(
    "examples", None, "File (.npz) to write the test set and the accuracy to."
)
flags.mark_flag_as_required("workdir")


def main():
    from experiments import datasets
    from experiments import evaluation
    from experiments import workdir

    config = workdir.config(_WORKDIR.value)
    splits = datasets.load(config.data)
    found = evaluation.evaluate(_WORKDIR.value, splits.test)
    if _JSON.value:
        workdir.write_json(_JSON.value, found)
    if _EXAMPLES.value:
        np.savez_compressed(
            _EXAMPLES.value,
            images=splits.test.images,
            labels=splits.test.labels,
            accuracy=found["test_accuracy"],
        )
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    command_line.run(main)
