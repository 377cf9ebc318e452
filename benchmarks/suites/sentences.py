"""A sentence encoder without a part of its units and heads: what is lost."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import sentence_encoder
from benchmarks.harness import report
from tfprune.compress.filters import remove
from tfprune.compress.filters import zero

SENTENCES = 500
_BATCH = 64
_EVERY = range(sentence_encoder.LAYERS)
CASES = {
    "25 % of the feed-forward units": {f"wide_{i}": 0.25 for i in _EVERY},
    "50 % of the feed-forward units": {f"wide_{i}": 0.5 for i in _EVERY},
    "2 of 12 heads": {f"attention_{i}/num_heads": 2 / 12 for i in _EVERY},
    "both, 25 % and 2 of 12": {
        **{f"wide_{i}": 0.25 for i in _EVERY},
        **{f"attention_{i}/num_heads": 2 / 12 for i in _EVERY},
    },
}
_HEADER = (
    *("gone", "parameters", "by norm: cosine", "nearest", "fitted: cosine"),
    "nearest",
)


def main(flags) -> str:
    """Returns the results of a command line."""
    if not flags.packages:
        raise ValueError(
            "`--packages` must be the folder that "
            "benchmarks/cases/sentence_encoder.py describes. Received: none."
        )
    return run(flags.packages, runtime=flags.runtime)


def run(
    packages: str,
    sentences: int = SENTENCES,
    cases: dict | None = None,
    runtime: str | None = None,
) -> str:
    """Removes units and heads, and compares embeddings with the dense ones.

    Args:
        packages: String, folder with the package of the encoder.
        sentences: Integer, to compare and, others, to fit. Defaults to 500.
        cases: Dict as `CASES`. Defaults to these.
        runtime: Path of a Python that has sentence-transformers, to compare
            the dense model with. Defaults to None: it is not.

    Returns:
        The results as Markdown.
    """
    model = sentence_encoder.encoder(packages)
    texts = sentence_encoder.sentences(2 * sentences)
    test, some = (
        sentence_encoder.tokens(packages, part)
        for part in (texts[:sentences], texts[sentences:])
    )
    dense = model.predict(test, _BATCH, verbose=0)
    rows = [
        _row(name, own, model, dense, test, some)
        for name, own in (cases or CASES).items()
    ]
    return (
        f"MiniLM, {model.count_params():,} parameters, {len(dense)} sentences: "
        "the mean cosine similarity to what the dense model\ngives, and how "
        "often the nearest of the other sentences is the same. "
        f"{len(some[0])} other sentences for the fit;\nnothing is trained."
        f"{_compared(packages, texts, dense, runtime)}\n\n"
        f"{report.table([_HEADER, *rows])}"
    )


def _compared(packages, texts, dense, runtime):
    """How far the dense model is from its own runtime; "" where that is not."""
    if runtime is None:
        return ""
    own = sentence_encoder.by_runtime(packages, texts[: len(dense)], runtime)
    return (
        " Embeddings of the dense model differ from those of its\nown runtime, "
        f"sentence-transformers, by at most {abs(own - dense).max():.1e}."
    )


def _row(name, sparsity, model, dense, test, some):
    cells = []
    for data in (None, some):
        zeroed = zero.zero_filters(model, sparsity, compensate=data)
        small = remove.remove_filters(zeroed).model
        given = small.predict(test, _BATCH, verbose=0)
        cosine = np.mean(np.sum(given * dense, axis=1))
        same = np.mean(_nearest(given) == _nearest(dense))
        cells += [f"{cosine:.4f}", f"{same:.3f}"]
    return name, f"{small.count_params():,}", *cells


def _nearest(embeddings):
    alike = embeddings @ embeddings.T
    np.fill_diagonal(alike, -1)
    return np.argmax(alike, axis=1)
