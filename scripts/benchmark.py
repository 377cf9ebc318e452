"""Measures what pruning costs and gains: ratios in one run, interleaved.

    python scripts/benchmark.py training --output=results/overhead.md
    python scripts/benchmark.py kernels --output=results/kernels/kernels.md

`training`: a step beside one of plain Keras; `--tfmot=.venv-tfmot/bin/python`
measures tfmot beside, in its own environment (`make bench-peers` builds it).
`kernels`: sparse layers beside TensorFlow's dense ones, on the shapes of
`custom_ops/benchmarks/shapes`; `--engines=.venv-engines/bin/python` and
`--deepsparse=.venv-deepsparse/bin/python` measure other engines beside;
`--plot=break_even.png` draws the ratios over the sparsities.
`models`: whole nets as `tfprune.sparsify` makes them, beside the same; other
engines read what `--convert=.venv-convert/bin/python` makes.
`layers --model=resnet50`: the layers of a net or a `.keras` file, one by one
and by kinds; `--plot=waterfall.png` draws what each kind saves.
`gates`: which layers of the nets that SkimCaffe published are worth pruning on
`--machine=this,xeon_e5_2697v4,atom_c2750`.
`images`: how many JPEGs a second are decoded, cropped and batched.
`slimming`: half of the filters of each model of `keras.applications`;
`families`: of a small one of each family. `slimmed --sparsities=0.5`: nets
without a share of their filters beside whole ones, in the engines of `models`.
`smaller --workdir=results/lenet5_ssl`: a run's model beside the dense net, by
layers; `runs --workdir=results/lenet5_force,results/lenet5_surgery`: several.
`callers`: how many calls of one layer 64 threads get done, sparse and dense.
`search`: candidates per second of each executor, and NCS beside other searches;
`--plot=contest.png` draws the latter.
`low_rank`: layers that `tfprune.factorize` made thin, beside dense ones.
`force --batch=32`: what the force costs in a training step of ResNet-50.
`winograd`: sparse convolutions in the Winograd domain beside direct ones.
"""

import pathlib

import command_line
from absl import flags

BENCHMARKS = (
    *("training", "kernels", "models", "layers", "gates", "images"),
    *("slimming", "families", "slimmed", "smaller", "runs", "callers"),
    *("search", "low_rank", "force", "winograd"),
)

flags.DEFINE_integer("rounds", 300, "Interleaved rounds.", lower_bound=10)
flags.DEFINE_string("output", None, "File for the table.")
flags.DEFINE_string("plot", None, "File for a plot, where there is one.")
flags.DEFINE_string("tfmot", None, "A Python that can import tfmot.")
flags.DEFINE_string("engines", None, "One with ONNX Runtime and others.")
flags.DEFINE_string("deepsparse", None, "One that can import DeepSparse.")
flags.DEFINE_string("convert", None, "One that can import tf2onnx.")
flags.DEFINE_list(
    "sparsities",
    "0.8,0.9,0.95",
    "Of the weights. Of nets also `skimcaffe`: what it published per layer.",
)
flags.DEFINE_list(
    "model",
    "resnet50,caffenet,googlenet,mobilenet_v2",
    "Nets of `tfprune.applications`, or paths of `.keras` files.",
)
flags.DEFINE_list(
    "machine", "this", "Of `gates`: names of profiles, or `this`: measured."
)
flags.DEFINE_list("workdir", ".", "Folders, for `smaller` (one) and `runs`.")
flags.DEFINE_string("layers", "", "Part of the layers' names.")
flags.DEFINE_integer("batch", 1, "Examples in a call.", lower_bound=1)
flags.DEFINE_integer("threads", 1, "Of each engine.", lower_bound=1)


def main(benchmark):
    from benchmarks import commands

    table = commands.run(benchmark, flags.FLAGS)
    print(table)
    if flags.FLAGS.output:
        path = pathlib.Path(flags.FLAGS.output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(table)


if __name__ == "__main__":
    command_line.run(main, choices=BENCHMARKS)
