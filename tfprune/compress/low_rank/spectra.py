"""Spectra: which rank each layer of a model needs, as it is now."""

from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np

from tfprune.compress.low_rank import candidates as candidates_lib
from tfprune.compress.low_rank import forms
from tfprune.compress.low_rank import ranks as ranks_lib
from tfprune.core import units
from tfprune.graph import cloning
from tfprune.utils import tables

_ENERGIES = (0.9, 0.95, 0.99)


def spectra(
    model: keras.Model,
    method: str | forms.Channels | forms.Spatial = "pca",
) -> Spectra:
    """Decomposes the kernels of all layers eligible for factorisation.

    Args:
        model: Keras model, pruned ones included: masks are applied.
        method: As `tfprune.factorize` takes it. Defaults to `"pca"`.

    Returns:
        A `Spectra`. Print it for a table.

    Raises:
        ValueError: for an unknown method, or NaN weights.

    Example:

    ```python
    found = tfprune.compress.spectra(model)
    print(found.ranks(0.95))
    ```
    """
    form = forms.form(method)
    return Spectra(
        [
            dataclasses.replace(x, layer=_bare(x.layer))
            for x in candidates_lib.inside(model, form)
        ]
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Spectra:
    """How much of the energy of each kernel its ranks keep.

    Args:
        candidates: List of `Candidate`.
    """

    candidates: list[candidates_lib.Candidate]

    @functools.cached_property
    def energies(self) -> dict[str, np.ndarray]:
        """Layer to a float array, the share that ranks 1, 2, ... keep."""
        return {x.name: x.energies for x in self.candidates}

    def ranks(self, energy: float = 0.95) -> dict[str, int]:
        """Layer to the least rank that keeps so much energy.

        Args:
            energy: Float in (0, 1]. Defaults to 0.95.

        Raises:
            ValueError: for an energy outside (0, 1].
        """
        ranks_lib.check_energy(energy)
        return {x.name: x.rank(energy) for x in self.candidates}

    def __str__(self) -> str:
        head = ["layer", "full rank", *(f"{x:.0%} energy" for x in _ENERGIES)]
        columns = [self.ranks(energy) for energy in _ENERGIES]
        rows = [
            [x.name, *map(str, [x.full_rank, *(y[x.name] for y in columns)])]
            for x in self.candidates
        ]
        return "\n".join(tables.aligned([head, *rows], range(1, len(head))))


def _bare(layer):
    """A layer without masks, its weights as they act."""
    tags = [getattr(x, units.TAG, None) for x in layer.weights]
    # In place, variables are masked already.
    if not any(x and not isinstance(x, units.InPlaceTarget) for x in tags):
        return layer
    copied = cloning.copy(layer)
    for old, new in zip(layer.weights, copied.weights, strict=True):
        new.assign(units.masked(old))
    return copied
