"""Measures the compressed model of a run, or a file, on the test set again.

python scripts/eval.py --workdir=results/lenet5_surgery --json=out.json
python scripts/eval.py --model=results/compact/lenet_5.tfprune
"""

import json

import command_line
import numpy as np
from absl import flags

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_MODEL = flags.DEFINE_string(
    "model", None, "A compact file (.tfprune, .npz) of a net on MNIST."
)
_JSON = flags.DEFINE_string("json", None, "File to write the result to.")
_EXAMPLES = flags.DEFINE_string(
    "examples", None, "File (.npz) to write the test set and the accuracy to."
)
flags.mark_flags_as_mutual_exclusive(["workdir", "model"], required=True)


def main():
    from experiments import datasets
    from experiments import evaluation
    from experiments import workdir

    if _MODEL.value:
        splits = datasets.load({"name": "mnist"})
        found = evaluation.evaluate_file(_MODEL.value, splits.test)
    else:
        splits = datasets.load(workdir.config(_WORKDIR.value).data)
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
