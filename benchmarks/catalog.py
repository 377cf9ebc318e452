"""The suites by name, each with the flags that it takes; imports nothing heavy.

A suite is a module of `benchmarks/suites` whose `main(flags)` returns its
results as Markdown.
"""

from __future__ import annotations

import argparse
import typing
from collections.abc import Callable


class Flag(typing.NamedTuple):
    """A flag of a suite.

    Args:
        name: String, attribute of what `main` gets.
        help: String.
        default: What `main` gets without it.
        parse: Callable, text to value, or None: a flag without a value.
            Defaults to `str`.
    """

    name: str
    help: str
    default: typing.Any = None
    parse: Callable | None = str


class Suite(typing.NamedTuple):
    """A benchmark.

    Args:
        summary: String, one line.
        flags: Tuple of `Flag`; `--output` is of every suite.
        details: String, what else there is to know. Defaults to nothing.
    """

    summary: str
    flags: tuple[Flag, ...]
    details: str = ""


def _at_least(least):
    def parse(text):
        if not text.lstrip("-").isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"must be an integer of at least {least}. Received: {text}"
            )
        return int(text)

    return parse


def _counts(text):
    return tuple(map(_at_least(1), _words(text)))


def _words(text):
    return tuple(filter(None, text.split(",")))


def _sparsity(text):
    """A number, or whose sparsities they are, such as `skimcaffe`."""
    try:
        return float(text)
    except ValueError:
        return text


def _sparsities(text):
    return tuple(map(_sparsity, _words(text)))


OUTPUT = Flag("output", "File to write the results to.")
_ROUNDS = Flag("rounds", "Interleaved rounds.", 300, _at_least(10))
_BATCH = Flag("batch", "Examples in a call.", 1, _at_least(1))
_THREADS = Flag("threads", "Threads of each engine.", 1, _at_least(1))
_CALLS = (_ROUNDS, _BATCH, _THREADS)
_LAYERS = Flag("layers", "Part of the names of the layers.", "")
_SPARSITIES = Flag(
    "sparsities", "Of the weights.", (0.8, 0.9, 0.95), _sparsities
)
_MODELS = Flag(
    "model",
    "Names of tfprune.applications, or paths of .keras files.",
    ("resnet50", "caffenet", "googlenet", "mobilenet_v2"),
    _words,
)
_ENGINES = Flag(
    "engines", "A Python that has ONNX Runtime, OpenVINO, LiteRT, MKL, SciPy."
)
_DEEPSPARSE = Flag("deepsparse", "A Python that has DeepSparse.")
_CONVERT = Flag(
    "convert", "A Python that has tf2onnx, which other engines need."
)

SUITES: dict[str, Suite] = {
    "training": Suite(
        "A training step with pruning beside one of plain Keras.",
        (
            _ROUNDS,
            Flag("tfmot", "A Python that can import tfmot, to measure too."),
            Flag(
                "nets",
                "Nets to measure.",
                ("lenet_300_100", "lenet_5", "resnet_50", "transformer"),
                _words,
            ),
        ),
        "`make bench-peers` makes the environment of tfmot.",
    ),
    "kernels": Suite(
        "Sparse layers beside dense ones, in TensorFlow and other engines.",
        (
            *(*_CALLS, _SPARSITIES, _LAYERS, _ENGINES, _DEEPSPARSE),
            Flag("plot", "File for the ratios over the sparsities."),
        ),
        "The shapes are those of custom_ops/benchmarks/shapes. `make "
        "bench-peers` makes the environments of the engines.",
    ),
    "winograd": Suite(
        "Sparse convolutions in the Winograd domain beside direct ones.",
        (*_CALLS, _SPARSITIES, _LAYERS, _ENGINES, _DEEPSPARSE),
    ),
    "models": Suite(
        "Whole nets as tfprune.sparsify makes them, beside dense ones.",
        (
            *(*_CALLS, _MODELS),
            _SPARSITIES._replace(
                help="Of the weights; skimcaffe: as it published, per layer."
            ),
            *(_ENGINES, _DEEPSPARSE, _CONVERT),
        ),
        "A .keras file is taken as it is.",
    ),
    "tokens": Suite(
        "Transformers as tfprune.sparsify makes them, by number of tokens.",
        (_ROUNDS, _THREADS, _SPARSITIES._replace(default=(0.8, 0.9))),
    ),
    "token_engines": Suite(
        "The same transformers beside other engines.",
        (
            *(_ROUNDS, _THREADS, _SPARSITIES._replace(default=(0.8, 0.9))),
            Flag("lengths", "Tokens; others are left out.", (), _counts),
            *(_ENGINES, _DEEPSPARSE, _CONVERT),
        ),
        "`make bench-peers` makes the environments of the engines.",
    ),
    "model_layers": Suite(
        "The layers of a net, one by one and by types.",
        (
            *_CALLS,
            _MODELS._replace(
                help="Name of tfprune.applications, or path of a .keras file.",
                default="resnet50",
                parse=str,
            ),
            Flag(
                "sparsity",
                "Of the weights; skimcaffe: as it published, per layer.",
                0.8,
                _sparsity,
            ),
            Flag("plot", "File for a plot of what each type saves."),
        ),
        "A .keras file is taken as it is.",
    ),
    "roofline": Suite(
        "Which layers of published nets are worth pruning, as projected.",
        (
            _BATCH,
            Flag(
                "model",
                "Nets that SkimCaffe published.",
                ("caffenet", "googlenet", "resnet50"),
                _words,
            ),
            Flag(
                "machine",
                "Names of tfprune's machine profiles, or this: measured.",
                ("this",),
                _words,
            ),
        ),
    ),
    "filter_removal": Suite(
        "Models of keras.applications without half of their filters.",
        (
            Flag(
                "families",
                "One small model of each family instead of every model.",
                False,
                None,
            ),
        ),
        "What is removed, and by how much outputs change; no times.",
    ),
    "filter_speed": Suite(
        "Nets without a share of their filters beside whole ones.",
        (
            *(*_CALLS, _MODELS),
            _SPARSITIES._replace(help="Shares of the filters."),
            *(_ENGINES, _CONVERT),
        ),
        "They run in the engines of `models`.",
    ),
    "masking": Suite(
        "What masks move in a training step of ResNet-50.", (_ROUNDS,)
    ),
    "compensation": Suite(
        "Nets without half of their filters, what reads them fitted.",
        (
            Flag(
                "packages",
                "Folder with the weights and photographs of MobileNetV2.",
            ),
        ),
        "benchmarks/cases/photographs.py says which packages; no times.",
    ),
    "sentence_speed": Suite(
        "The sentence encoder without units and heads, in each engine.",
        (_ROUNDS, _THREADS, _ENGINES, _CONVERT),
    ),
    "sentences": Suite(
        "A sentence encoder without a part of its units and heads.",
        (
            Flag("packages", "Folder with the package of the encoder."),
            Flag("runtime", "A Python that has sentence-transformers."),
        ),
        "benchmarks/cases/sentence_encoder.py says which package; no times.",
    ),
    "runs": Suite(
        "The models of finished runs beside their dense nets.",
        (
            *_CALLS,
            Flag("workdir", "Folders of runs.", (".",), _words),
            Flag("by_layer", "A table of the layers of each.", False, None),
        ),
    ),
    "low_rank": Suite(
        "Layers that tfprune.factorize made beside dense ones.", _CALLS
    ),
    "force": Suite(
        "What the force costs in a training step of ResNet-50.",
        (_ROUNDS, _BATCH),
        "One of 20 rounds is run.",
    ),
    "search": Suite(
        "Candidates per second of each executor; NCS beside other searches.",
        (_ROUNDS, Flag("plot", "File for a plot of the searches.")),
    ),
    "input_pipeline": Suite(
        "JPEGs per second that are decoded, cropped and batched.", (_ROUNDS,)
    ),
    "concurrency": Suite(
        "Calls of one layer that 64 threads get done, sparse and dense.",
        (_ROUNDS,),
        "One of 20 rounds is run.",
    ),
    "first_fit": Suite(
        "What building and the first fit of MobileNetV2 take, and memory.",
        (_ROUNDS,),
        "Each is a process of its own; one of 60 rounds is run.",
    ),
}
