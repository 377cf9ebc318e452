"""factorize: layers become two layers of low rank each."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing

import keras

from tfprune.compress import result
from tfprune.compress import strip
from tfprune.compress.low_rank import acceptance
from tfprune.compress.low_rank import activation_moments
from tfprune.compress.low_rank import candidates
from tfprune.compress.low_rank import forms
from tfprune.compress.low_rank import ranks as ranks_lib
from tfprune.compress.low_rank import summary
from tfprune.graph import cloning
from tfprune.graph import model_graph
from tfprune.utils import validation


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Factorized(result.Compressed):
    """A model with low-rank layers, and how it came about.

    Args:
        table: `summary.Table`, a row for each layer with weights.
    """

    table: summary.Table

    def lines(self) -> list[str]:
        return str(self.table).splitlines()


def factorize(
    model: keras.Model,
    energy: float | dict | None = None,
    ranks: dict | collections.abc.Callable | None = None,
    method: str | forms.Channels | forms.Spatial = "pca",
    data: typing.Any = None,
    split_where: str = "macs",
    batch_size: int = 1,
    rounds: int = 30,
) -> Factorized:
    """Makes an ordinary model with low-rank layers in the place of others.

    A convolution of rank r becomes one of r filters, `<name>_lowrank`, and
    one of size 1, `<name>_linear`, with the old bias and activation; a Dense
    layer becomes two. The rank of a grouped convolution is that of each
    group. At full rank the new model gives what the old one did.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        energy: Float in (0, 1], what ranks keep of each layer. Or dict, layer
            name or regular expression to such a number, or to None: only the
            layers that it names. Defaults to 0.95, if nothing else is given.
        ranks: Dict, layer name or regular expression to a rank, or to None.
            Or a callable, `ModelGraph` and list of `Candidate` to dict, id of
            a layer to its rank. Give one of `energy` and `ranks`.
        method: `"pca"` (default), `"svd"`, `"kmeans"`, or `"lra"` for filters
            that are vertical and then horizontal; or a form like
            `tfprune.compress.low_rank.Channels(tfprune.compress.low_rank.PCA(centered=True))`.
        data: Examples, as the model takes them. PCA then keeps the
            activation statistics of the filters on them, and not the filters.
            Defaults to None.
        split_where: A layer is split only where that saves `"macs"`
            (default), where it saves measured `"time"`, or `"always"`.
        batch_size: Integer, examples in a call, for times. Defaults to 1.
        rounds: Integer, how often each layer is timed. Defaults to 30.

    Returns:
        A `Factorized`: the model, and a table of ranks, energies and costs.

    Raises:
        ValueError: for a subclassed model, one that is not stripped, NaN
            weights, a rank above the full one, an energy outside (0, 1], a
            pattern that matches no layer.

    Example:

    ```python
    found = tfprune.compress.low_rank.factorize(model, energy=0.95)
    print(found)
    found.model.summary()
    ```

    Reference:
        Wen et al. Coordinating Filters for Faster Deep Neural Networks. ICCV
        2017.
    """
    strip.check_stripped(model, "factorize")
    for name, count in (("batch_size", batch_size), ("rounds", rounds)):
        validation.check_count(name, count, least=1)
    if split_where not in acceptance.SAVINGS:
        raise ValueError(
            validation.unknown("split_where", split_where, acceptance.SAVINGS)
        )
    graph = model_graph.ModelGraph(model)
    found, reasons = candidates.find(graph, forms.form(method))
    if data is not None:
        found = activation_moments.measured(model, found, data)
    chosen = _ranks(graph, found, energy, ranks)
    trial = acceptance.Trial(batch_size, rounds)
    decided = {
        id(x.layer): _decide(x, chosen[id(x.layer)], split_where, trial)
        for x in found
        if id(x.layer) in chosen
    }
    split = {x: layers for x, (layers, _) in decided.items() if layers}
    table = summary.build(
        graph, found, {x: row for x, (_, row) in decided.items()}, reasons
    )
    made = cloning.clone_chains(model, split)
    return Factorized(
        model=made, table=table, class_change=result.class_change(model, made)
    )


def _ranks(graph, found, energy, ranks):
    validation.check(
        "energy, ranks",
        f"{energy}, {ranks}",
        energy is None or ranks is None,
        "one of the two",
    )
    if callable(ranks):
        return ranks(graph, found)
    if ranks is not None:
        return ranks_lib.by_ranks(found, ranks)
    return ranks_lib.by_energy(found, 0.95 if energy is None else energy)


def _decide(candidate, rank, split_where, trial):
    """The layers for the place of one, or None, and the table's row."""
    layers = candidate.split(rank)
    saving = acceptance.SAVINGS[split_where](candidate, layers, trial)
    row = summary.row(candidate, rank, layers, saving)
    return layers if saving.pays else None, row
