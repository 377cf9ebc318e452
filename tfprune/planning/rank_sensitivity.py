"""Rank sensitivity: how much accuracy each layer's rank costs by itself.

Each layer in turn gets a kernel of each rank of a grid, while the others stay
as they are. It takes forward passes only; no layer is built.
"""

from __future__ import annotations

import dataclasses
import math

import keras
from keras import ops

from tfprune.compress import strip
from tfprune.compress.low_rank import candidates
from tfprune.compress.low_rank import forms
from tfprune.graph import model_graph
from tfprune.planning import scorer
from tfprune.utils import validation

GRID = (1.0, 0.75, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03)


@dataclasses.dataclass(frozen=True)
class RankSensitivity:
    """Accuracy by layer and rank.

    Args:
        dense: Float, accuracy of the model as it is.
        ranks: Dict, layer name to ranks, the full one first.
        accuracies: Dict, layer name to one float for each rank.
    """

    dense: float
    ranks: dict[str, list[int]]
    accuracies: dict[str, list[float]]

    def at(self, drop: float) -> dict[str, int]:
        """The least rank of each layer that costs at most a drop.

        Args:
            drop: Float, of the accuracy, by each layer by itself. A rank is
                reached only by greater ones that cost no more.
        """
        return {name: self._least(name, drop) for name in self.ranks}

    def __str__(self) -> str:
        rows = [
            f"{name}: "
            + "  ".join(
                f"{rank} {accuracy:.2%}"
                for rank, accuracy in zip(
                    ranks, self.accuracies[name], strict=True
                )
            )
            for name, ranks in self.ranks.items()
        ]
        return "\n".join([f"accuracy by rank, {self.dense:.2%} dense", *rows])

    def _least(self, name, drop):
        least = self.ranks[name][0]
        pairs = zip(self.ranks[name], self.accuracies[name], strict=True)
        for rank, accuracy in pairs:
            if not accuracy >= self.dense - drop:
                break
            least = rank
        return least


def measure_rank_sensitivity(
    model: keras.Model,
    data,
    shares=GRID,
    method: str | forms.Channels | forms.Spatial = "pca",
    metric=None,
    batch_size: int | None = None,
) -> RankSensitivity:
    """Measures how much accuracy each layer's rank costs.

    Args:
        model: Sequential or Functional model without `Prunable` layers; it is
            not changed.
        data: Tuple of arrays (examples, labels): training data that is held
            out from training.
        shares: Decreasing floats from 1 to above 0, of full ranks. Defaults
            to `GRID`.
        method: `"pca"` (default), `"svd"`, `"lra"`, or a form of
            `tfprune.compress.low_rank`.
        metric: As `Scorer` takes it. Defaults to the accuracy.
        batch_size: Integer or None, examples in one pass. Defaults to None.

    Returns:
        A `RankSensitivity`. Print it, or plot it.

    Raises:
        ValueError: for a grid or data that cannot be, or a model without
            layers that can be factorised.
    """
    shares = [float(share) for share in shares]
    falling = shares[:1] == [1.0] and shares == sorted(set(shares))[::-1]
    fine = falling and shares[-1] > 0
    validation.check("shares", shares, fine, "decreasing from 1 to above 0")
    trial = Trial(model, data, method, metric, batch_size)
    ranks = {
        name: sorted({math.ceil(s * x.full_rank) for s in shares})[::-1]
        for name, x in trial.found.items()
    }
    choices = [{name: r} for name, own in ranks.items() for r in own]
    dense, *others = trial.accuracies([{}, *choices])
    found = iter(others)
    accuracies = {x: [next(found) for _ in own] for x, own in ranks.items()}
    return RankSensitivity(dense, ranks, accuracies)


class Trial:
    """A model whose kernels are tried with lower ranks.

    Arguments are those of `measure_rank_sensitivity`.
    """

    def __init__(self, model, data, method="pca", metric=None, batch_size=None):
        strip.check_stripped(model, "factorize")
        form = forms.form(method)
        model = candidates.opened(model, form).model
        self.graph = model_graph.ModelGraph(model)
        found, _ = candidates.find(self.graph, form)
        if not found:
            raise ValueError(
                "`model` must have layers that can be factorised. Received: "
                f"model={model.name!r}, which has none."
            )
        validation.check(
            "method",
            form,
            not isinstance(form.decomposition, forms.KMeans),
            "one whose ranks build on each other, which means do not",
        )
        self.found = {x.name: x for x in found}
        self._scorer = scorer.Scorer(
            model, data, len(found), self._substitute, metric, batch_size
        )

    def accuracies(self, choices: list[dict]) -> list[float]:
        """The accuracy with each choice, layer name to rank."""
        rows = [
            [choice.get(name, 0) for name in self.found] for choice in choices
        ]
        return self._scorer(rows)[0].tolist()

    def _substitute(self, row):
        values = []
        for i, candidate in enumerate(self.found.values()):
            kernel = candidate.layer.kernel
            lower = ops.cast(self._kernel(candidate, row[i]), kernel.dtype)
            values.append((kernel, ops.where(row[i] > 0, lower, kernel)))
        return values, ops.zeros((), "int32")

    def _kernel(self, candidate, rank):
        products = []
        for fit in candidate.fits:
            keep = ops.arange(fit.full_rank, dtype="float32") < rank
            left = ops.where(keep, ops.cast(fit.left, "float32"), 0.0)
            products.append(ops.matmul(left, ops.cast(fit.right, "float32")))
        return candidate.form.kernel(candidate.layer, products)
