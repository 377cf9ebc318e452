"""n:m pruning: the pattern that sparse tensor cores execute."""

from __future__ import annotations

from tfprune.core import allocation
from tfprune.core import method
from tfprune.core import pruner
from tfprune.core import selection
from tfprune.core import structures
from tfprune.graph import summed_axes
from tfprune.methods import magnitude


@method.serializable
class NM(method.Method):
    """Keeps the `n` largest of every `m` consecutive weights.

    Args:
        n: Integer, weights kept in each block of m. Defaults to 2.
        m: Integer, length of a block. Defaults to 4.
        begin_step: Integer, completed updates at the first decision.
            Defaults to 0: after the first update.
        end_step: Integer or None. Until there blocks go from m kept to n, one
            weight after the other. Defaults to None: n at once.
        frequency: Integer, updates between decisions; `end_step` is always
            one. Defaults to 100.
        axis: Integer, the axis cut into blocks. Defaults to None: what each
            layer sums over, by `tfprune.graph.summed_axes`.
        settings: Dict, layer to None for one that is skipped.

    Raises:
        ValueError: from `prune`, for a named layer without a kernel whose
            sums m divides; such layers are skipped and listed when none is
            named. Embeddings are: their rows are looked up.

    Reference:
        Mishra et al. Accelerating Sparse Deep Neural Networks. 2021.
    """

    def __init__(
        self,
        n: int = 2,
        m: int = 4,
        *,
        begin_step: int = 0,
        end_step: int | None = None,
        frequency: int = 100,
        axis: int | None = None,
        settings: dict | None = None,
    ):
        structure = structures.NM(n, m, axis)
        every, sparsity = magnitude.schedules(
            1.0 - n / m, begin_step, end_step, frequency
        )
        rule = pruner.Pruner(
            structure=structure,
            allocation=allocation.Pattern(n, m),
            update_schedule=every,
            sparsity_schedule=sparsity,
            selection=selection.TopK(row=m),
        )
        super().__init__("nm", rule, settings=settings)

    def summed_axes(self, layer, variable):
        if self.pruner.structure.axis is not None:
            return None
        return summed_axes.summed_axes(layer, variable)
