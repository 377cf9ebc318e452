"""Builds a net and fits it once: a script for a process of its own.

    python -m benchmarks.engines.first_fit "in place"

It prints a JSON object: seconds on the clock and of all threads, the bytes of
the model's and the optimizer's variables, and the most that was in memory.
What it takes to import the libraries is left out of the times.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings

import keras

from benchmarks.cases import training_nets
from tfprune import api
from tfprune import optimizers
from tfprune.graph import pruned

NET, STEPS, BATCH = "mobilenet_v2", 2, 8
# Keyword arguments of `tfprune.prune`.
VARIANTS: dict[str, dict | None] = {
    "plain": None,
    "plain again": None,
    "in place": {"method": "magnitude"},
    "wrapped": {"method": "magnitude", "wrap": True},
    "surgery in place": {"method": "surgery"},
    "surgery wrapped": {"method": "surgery", "wrap": True},
}


def main(variant: str) -> dict[str, float]:
    """Returns what a variant took.

    Args:
        variant: String, key of `VARIANTS`.
    """
    began = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `prune` lists what it leaves out.
        model = _fitted(VARIANTS[variant])
    hidden = pruned.hidden_variables(model)
    variables = [*model.variables, *model.optimizer.variables, *hidden]
    return {
        "wall": time.perf_counter() - began[0],
        "cpu": time.process_time() - began[1],
        "variables": sum(
            variable.value.numpy().nbytes for variable in variables
        ),
        # Linux counts in KiB.
        "peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def _fitted(how):
    model = training_nets.build(NET)
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    if how is not None:
        model = api.prune(model, **how)
        optimizer = optimizers.PruningOptimizer(optimizer)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=False)
    x, y = training_nets.batches(model, 1, STEPS * BATCH)
    model.fit(x[0], y[0], batch_size=BATCH, verbose=0)
    return model


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
