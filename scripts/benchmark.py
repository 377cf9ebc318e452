"""Measures what pruning costs and gains: ratios in one run, interleaved.

    python scripts/benchmark.py training --output=results/overhead.md
    python scripts/benchmark.py kernels --output=results/kernels/kernels.md

`training`: a step beside one of plain Keras; `--tfmot=.venv-tfmot/bin/python`
measures tfmot beside, in its own environment (`make bench-peers` builds it).
`kernels`: sparse layers beside TensorFlow's dense ones, on the shapes of
`custom_ops/benchmarks/shapes`; `--engines=.venv-engines/bin/python` and
`--deepsparse=.venv-deepsparse/bin/python` measure other engines beside.
`models`: whole nets, dense and as `tfprune.sparsify` makes them.
`layers --model=resnet50`: the layers of a net or a `.keras` file, one by one.
`slimming`: half of the filters of each model of `keras.applications`.
`callers`: how many calls of one layer 64 threads get done, sparse and dense.
"""

import pathlib

import command_line
from absl import flags

_ROUNDS = flags.DEFINE_integer(
    "rounds", 300, "Interleaved rounds.", lower_bound=20
)
_OUTPUT = flags.DEFINE_string("output", None, "File for the table.")
_TFMOT = flags.DEFINE_string(
    "tfmot", None, "A Python that can import tfmot, to measure it beside."
)
_ENGINES = flags.DEFINE_string(
    "engines", None, "A Python that can import ONNX Runtime and others."
)
_DEEPSPARSE = flags.DEFINE_string(
    "deepsparse", None, "A Python that can import DeepSparse."
)
_SPARSITIES = flags.DEFINE_list(
    "sparsities", ["0.8", "0.9", "0.95"], "Of the kernels' weights."
)
_MODEL = flags.DEFINE_list(
    "model",
    ["resnet50", "caffenet", "mobilenet_v2"],
    "Nets of `tfprune.experiments.models`, or paths of `.keras` files.",
)
_LAYERS = flags.DEFINE_string("layers", "", "Part of the layers' names.")
_BATCH = flags.DEFINE_integer("batch", 1, "Of the kernels.", lower_bound=1)
_THREADS = flags.DEFINE_integer("threads", 1, "Of the kernels.", lower_bound=1)


def main(benchmark):
    table = _BENCHMARKS[benchmark]()
    print(table)
    if _OUTPUT.value:
        path = pathlib.Path(_OUTPUT.value)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(table)


def _training():
    from tfprune.experiments.benchmarks import training

    return training.run(_ROUNDS.value, _TFMOT.value)


def _kernels():
    from tfprune.experiments.benchmarks import engines
    from tfprune.experiments.benchmarks import kernels

    setup = kernels.Setup(
        _sparsities(),
        _BATCH.value,
        _THREADS.value,
        _LAYERS.value,
    )
    environments = engines.Environments(_ENGINES.value, _DEEPSPARSE.value)
    return kernels.run(setup, environments, _ROUNDS.value)


def _models():
    from tfprune.experiments.benchmarks import models

    return models.run(
        _MODEL.value, _sparsities(), _BATCH.value, _THREADS.value, _ROUNDS.value
    )


def _model_layers():
    from tfprune.experiments.benchmarks import models

    return models.layers(
        _MODEL.value[0],
        _sparsities()[0],
        _BATCH.value,
        _THREADS.value,
        _ROUNDS.value,
    )


def _sparsities():
    return tuple(map(float, _SPARSITIES.value))


def _callers():
    from tfprune.experiments.benchmarks import callers

    return callers.run(_ROUNDS.value)


def _slimming():
    from tfprune.experiments.benchmarks import slimming

    return slimming.run(slimming.names())


_BENCHMARKS = {
    "training": _training,
    "kernels": _kernels,
    "models": _models,
    "layers": _model_layers,
    "callers": _callers,
    "slimming": _slimming,
}

if __name__ == "__main__":
    command_line.run(main, choices=_BENCHMARKS)
