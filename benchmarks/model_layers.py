"""Where the time of a net goes: layer by layer, dense and sparse."""

from __future__ import annotations

import typing

from benchmarks import kinds
from benchmarks import markdown
from benchmarks import nets
from benchmarks import threads as threads_lib
from benchmarks import waterfall
from tfprune.compress.sparse import sparsify

_HEADER = (
    "layer",
    "sparsity",
    "dense ms",
    "sparse ms",
    "dense GFLOPS",
    "GFLOPS",
    "dense-equivalent",
    "of dense time",
    "runs",
)
_KINDS = ("kind", "dense ms", "of it", "mixed ms", "of it", "x")


class Setup(typing.NamedTuple):
    """What is measured.

    Args:
        name: String, key of `tfprune.applications.MODELS`, which is pruned at
            random, or a path of a `.keras` file, which is taken as it is.
        sparsity: As of `nets.pruned`.
        batch: Integer. Defaults to 1.
        threads: Integer. Defaults to 1.
    """

    name: str
    sparsity: float | str
    batch: int = 1
    threads: int = 1


def run(setup: Setup, rounds: int, plot: str | None = None) -> str:
    """Measures every layer of a model, as `sparsify` decides about it.

    Args:
        setup: `Setup`.
        rounds: Integer.
        plot: Path of a waterfall to draw, or None.

    Returns:
        The results as Markdown: layer by layer, and kind by kind.
    """
    nets.check(setup.name, setup.sparsity)
    threads_lib.use(setup.threads)
    model = nets.pruned(setup.name, setup.sparsity)
    found = sparsify.sparsify(model, setup.batch, rounds=rounds)
    spent = kinds.spent(model, found, setup.batch, rounds)
    title = f"{setup.name}, batch {setup.batch}, {setup.threads} thread(s)"
    if plot:
        waterfall.draw(spent, title, plot)
    return (
        f"{title}: the layers with zeros, one by one. The whole model,\n"
        f"as many times as fast as it was given: {_ratios(found)}.\n\n"
        f"{_layers(found)}\n"
        "All layers of a kind, one by one. The rest is what is left of a call "
        "of the whole model:\nnormalizations, activations, additions, which "
        "mixed models have in their convolutions, and the call\nitself.\n\n"
        f"{_kinds(spent)}"
    )


def _ratios(found):
    first, *others = found.milliseconds.items()
    return ", ".join(f"{name} {first[1] / ms:.2f}x" for name, ms in others)


def _layers(found):
    measured = [x for x in found.decisions if x.dense_ms is not None]
    total = sum(decision.dense_ms for decision in measured)
    rows = [_cells(decision, total) for decision in measured]
    return markdown.table([_HEADER, *rows])


def _kinds(spent):
    _, dense, mixed = zip(*spent, strict=True)
    whole = kinds.Kind("whole", sum(dense), sum(mixed))
    return markdown.table(
        [_KINDS, *(_kind_cells(kind, whole) for kind in [*spent, whole])]
    )


def _kind_cells(kind, whole):
    return (
        kind.name,
        f"{kind.dense:.2f}",
        f"{kind.dense / whole.dense:.1%}",
        f"{kind.mixed:.2f}",
        f"{kind.mixed / whole.mixed:.1%}",
        _ratio(kind),
    )


def _ratio(kind):
    # The rest is a difference, which noise can turn around.
    return f"{kind.dense / kind.mixed:.2f}" if min(kind[1:]) > 0 else ""


def _cells(decision, total):
    dense, sparse = decision.dense_ms, decision.sparse_ms
    rate = decision.flops / 1e6
    return (
        decision.layer,
        f"{decision.sparsity:.0%}",
        f"{dense:.3f}",
        f"{sparse:.3f}",
        f"{rate / dense:.0f}",
        f"{rate * (1 - decision.sparsity) / sparse:.0f}",
        f"{rate / sparse:.0f}",
        f"{dense / total:.1%}",
        decision.chosen,
    )
