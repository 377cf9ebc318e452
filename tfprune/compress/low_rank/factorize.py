"""factorize: layers become two layers of low rank each."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing

import keras

from tfprune.compress import opened as opened_lib
from tfprune.compress import result
from tfprune.compress import strip
from tfprune.compress.low_rank import acceptance
from tfprune.compress.low_rank import activation_moments
from tfprune.compress.low_rank import candidates
from tfprune.compress.low_rank import forms
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
    choose: collections.abc.Callable[..., dict[int, int]],
    method: str | forms.Channels | forms.Spatial = "pca",
    data: typing.Any = None,
    split_where: str = "macs",
    batch_size: int = 1,
    rounds: int = 30,
) -> Factorized:
    """Factorises the layers of a model, whatever chooses their ranks.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        choose: Callable, `ModelGraph` and list of `Candidate` to dict, id of
            a layer to its rank. Layers that are not there stay as they are.
        method: `"pca"` (default), `"svd"`, `"kmeans"`, `"lra"`, or a form.
        data: Examples for activation statistics, or None (default).
        split_where: `"macs"` (default), `"time"` or `"always"`.
        batch_size: Integer, examples in a call, for times. Defaults to 1.
        rounds: Integer, how often each layer is timed. Defaults to 30.

    Raises:
        ValueError: for a model or an argument that cannot be.
    """
    strip.check_stripped(model, "factorize")
    for name, count in (("batch_size", batch_size), ("rounds", rounds)):
        validation.check_count(name, count, least=1)
    if split_where not in acceptance.SAVINGS:
        raise ValueError(
            validation.unknown("split_where", split_where, acceptance.SAVINGS)
        )
    form = forms.form(method)
    whole = candidates.opened(model, form)
    graph = model_graph.ModelGraph(whole.model)
    found, reasons = candidates.find(graph, form)
    if data is not None:
        found = activation_moments.measured(whole.model, found, data)
    chosen = choose(graph, found)
    trial = acceptance.Trial(batch_size, rounds)
    decided = {
        id(x.layer): _decide(x, chosen[id(x.layer)], split_where, trial)
        for x in found
        if id(x.layer) in chosen
    }
    split = {
        id(whole.original(x.layer.kernel)): decided[id(x.layer)][0]
        for x in found
        if decided.get(id(x.layer), (None,))[0]
    }
    table = summary.build(
        graph, found, {x: row for x, (_, row) in decided.items()}, reasons
    )
    made = _made(model, split)
    return Factorized(
        model=made, table=table, class_change=result.class_change(model, made)
    )


def _made(model, split):
    """The model with layers in the place of those of some kernels.

    Layers made of other ones stay what they are where nothing in them goes.
    """
    found = opened_lib.opened(
        model, lambda x: not any(id(v) in split for v in x.variables)
    )
    kernels = {
        id(x): id(found.original(x.kernel))
        for x in model_graph.ModelGraph(found.model).leaves
        if getattr(x, "kernel", None) is not None
    }
    chains = {x: split[key] for x, key in kernels.items() if key in split}
    return cloning.clone_chains(found.model, chains)


def _decide(candidate, rank, split_where, trial):
    """The layers for the place of one, or None, and the table's row."""
    layers = candidate.split(rank)
    saving = acceptance.SAVINGS[split_where](candidate, layers, trial)
    row = summary.row(candidate, rank, layers, saving)
    return layers if saving.pays else None, row
