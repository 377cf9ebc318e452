"""Candidates: layers eligible for factorisation, and their ranks."""

from __future__ import annotations

import dataclasses
import functools
import typing

import keras
import numpy as np

from tfprune import backend
from tfprune.compress import opened as opened_lib
from tfprune.compress.low_rank import layouts
from tfprune.graph import cost as cost_lib
from tfprune.graph import model_graph
from tfprune.graph import opening
from tfprune.graph import traversal
from tfprune.layers import parts
from tfprune.utils import layer_names


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A layer that is eligible for factorisation.

    A rank is that of each group of a convolution.

    Args:
        name: String, what the layer is called by.
        path: String, the names of the layers around it and its own.
        layer: Keras layer, built.
        form: `Channels` or `Spatial`.
        calls: List, for each call of the layer its input shapes, or None.
        responses: List of `Responses`, one for each group; or None.
    """

    name: str
    path: str
    layer: keras.layers.Layer
    form: typing.Any
    calls: list | None = None
    responses: list | None = None

    @functools.cached_property
    def fits(self) -> list:
        """The factors of each group."""
        matrices = self.form.matrices(self.layer)
        responses = self.responses or [None] * len(matrices)
        fit = self.form.decomposition.fit
        return [fit(*both) for both in zip(matrices, responses, strict=True)]

    @property
    def energies(self) -> np.ndarray:
        """Float array `(full rank,)`, the least energy that a group keeps."""
        return np.min([fit.energies for fit in self.fits], axis=0)

    @property
    def full_rank(self) -> int:
        """The rank at which nothing is lost."""
        return self.fits[0].full_rank

    def rank(self, energy: float) -> int:
        """The least rank that keeps so much energy of every group."""
        return max(fit.rank(energy) for fit in self.fits)

    def energy(self, rank: int) -> float:
        """The energy that a rank keeps, of the group that loses most."""
        return min(fit.energy(rank) for fit in self.fits)

    def split(self, rank: int) -> list[keras.layers.Layer]:
        """The two layers of a rank, built, that take the place of the one."""
        lefts, rights, offsets = zip(*self._at(rank), strict=True)
        bias = self._bias(offsets)
        made = self.form.layers(self.layer, lefts, rights, bias is not None)
        shape = model_graph.built_on(self.layer)[0]
        for layer, kernel in made:
            layer.build(shape)
            layer.kernel.assign(kernel)
            shape = layer.compute_output_shape(shape)
        layers = [layer for layer, _ in made]
        if bias is not None:
            self._layout.put_bias(layers[-1], bias)
        return layers

    def kernel(self, rank: int):
        """The kernel of a rank, in the shape that the layer has it."""
        products = [left @ right for left, right, _ in self._at(rank)]
        return self.form.kernel(self.layer, products)

    def count(self, cost) -> int:
        """What the layer costs as it is.

        Args:
            cost: Callable, `cost.macs` or `cost.parameters`, or one like
                these: a layer and its calls to a number.
        """
        return cost(self.layer, self.calls)

    def count_split(self, cost, layers: list) -> int:
        """What the layers of `split` cost in its place.

        Args:
            cost: As of `count`.
            layers: List of Keras layers.
        """
        total = 0
        calls = [
            x or model_graph.built_on(self.layer) for x in self.calls or [None]
        ]
        for layer in layers:
            total += cost(layer, calls)
            calls = [[cost_lib.output_shape(layer, x)] for x in calls]
        return total

    def _at(self, rank):
        return [fit.at(rank) for fit in self.fits]

    def _bias(self, offsets):
        """The bias of the second layer, None for none."""
        pairs = zip(offsets, self._layout.matrices(), strict=True)
        added = np.concatenate(
            [np.broadcast_to(x, matrix.shape[1]) for x, matrix in pairs]
        )
        bias = self._layout.bias()
        if bias is not None:
            return added + bias
        return added if added.any() else None

    @property
    def _layout(self):
        return layouts.of(self.layer)


def find(
    graph: model_graph.ModelGraph, form
) -> tuple[list[Candidate], dict[int, str]]:
    """Finds the candidates of a model, and why other layers are none.

    Args:
        graph: `ModelGraph` of a Sequential or Functional model.
        form: `Channels` or `Spatial`.

    Returns:
        List of `Candidate`, and dict, id of a layer with weights to the
        reason.
    """
    layers = {id(x): x for x in graph.leaves if x.weights}
    reasons = {key: form.unsupported_reason(x) for key, x in layers.items()}
    found = [
        Candidate(
            graph.names[key],
            graph.paths[key],
            layer,
            form,
            graph.calls.get(key) or None,
        )
        for key, layer in layers.items()
        if not reasons[key]
    ]
    return found, {key: why for key, why in reasons.items() if why}


def inside(model: keras.Model, form) -> list[Candidate]:
    """Finds the candidates of any model, those under masks included.

    Of Keras' own layers, what is in attention counts, where no masks of Keras
    reach it: `opened` opens that.

    Args:
        model: Keras model, built.
        form: `Channels` or `Spatial`.
    """
    found: dict = {}
    for path, layer in _paths(model):
        if layer.weights and not form.unsupported_reason(layer):
            found.setdefault(layer, path)
    paths = list(found.values())
    names = layer_names.shortest(paths)
    return [
        Candidate(name, path, layer, form)
        for name, path, layer in zip(names, paths, found, strict=True)
    ]


def opened(model: keras.Model, form) -> opening.Opened:
    """The model with all candidates in its graph, as `compress.opened`.

    Args:
        model: Sequential or Functional model.
        form: `Channels` or `Spatial`.
    """
    there = {id(x) for x in traversal.leaves(model)}
    hidden = {id(x.layer) for x in inside(model, form)} - there
    if not hidden:
        return opening.Opened(model, [], {})
    return opened_lib.opened(
        model, lambda x: hidden.isdisjoint(map(id, traversal.walk(x)))
    )


def _paths(layer, above=""):
    for child in backend.sublayers(layer):
        path = above + child.name
        yield path, child
        if not parts.is_whole(child) or opened_lib.is_open(child):
            yield from _paths(child, f"{path}/")
