"""Where the time of a net goes: layer by layer, dense and sparse."""

from __future__ import annotations

from tfprune.compress import sparsify
from tfprune.experiments.benchmarks import markdown
from tfprune.experiments.benchmarks import nets
from tfprune.experiments.benchmarks import threads as threads_lib

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


def run(name: str, sparsity, batch: int, threads: int, rounds) -> str:
    """Measures every layer of a model, as `sparsify` decides about it.

    Args:
        name: String, key of `experiments.models.MODELS`, which is pruned at
            random, or a path of a `.keras` file, which is taken as it is.
        sparsity: As of `nets.pruned`.
        batch: Integer.
        threads: Integer.
        rounds: Integer.

    Returns:
        The results as Markdown.
    """
    nets.check(name, sparsity)
    threads_lib.use(threads)
    found = sparsify.sparsify(nets.pruned(name, sparsity), batch, rounds=rounds)
    measured = [x for x in found.decisions if x.dense_ms is not None]
    total = sum(decision.dense_ms for decision in measured)
    rows = [_HEADER, *(_cells(decision, total) for decision in measured)]
    first, *others = found.milliseconds.items()
    ratios = ", ".join(
        f"{kind} {first[1] / value:.2f}x" for kind, value in others
    )
    return (
        f"{name}: batch {batch}, {threads} thread(s), the layers with zeros, "
        "one by one. The whole model,\nas many times as fast as it was given: "
        f"{ratios}.\n\n{markdown.table(rows)}"
    )


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
