"""Magnitude pruning: the smallest weights go, along a schedule."""

from __future__ import annotations

import typing

from tfprune.core import allocation as allocations
from tfprune.core import criteria
from tfprune.core import method
from tfprune.core import pruner
from tfprune.core import sparsity_schedules
from tfprune.core import structures
from tfprune.core import update_schedules
from tfprune.interop import tfmot
from tfprune.utils import validation


@method.serializable
class Magnitude(method.Method):
    """Keeps the weights of largest magnitude, ever fewer of them.

    `mask = top_k(abs(w), k=(1 - sparsity(step)) * size)`, every `frequency`
    updates; in between and ever after, pruned weights stay zero.

    Args:
        target_sparsity: Float in [0, 1), fraction of zeros in the end.
            Defaults to 0.5.
        begin_step: Integer, completed updates at the first decision.
            Defaults to 0: after the first update.
        end_step: Integer or None. Until there the sparsity rises from 0
            with the third power. Defaults to None: the target holds from the
            first decision on.
        frequency: Integer, updates between decisions; `end_step` is always
            one. Defaults to 100.
        schedule: A schedule object of tfmot in place of the four arguments
            above. Defaults to None.
        structure: What is pruned as one group: `Unstructured` (default),
            `Block`, `Filter`, or `CoupledFilter`, with which all that is masked
            can be removed.
        criterion: `Magnitude` (default), and for groups `GroupNorm`,
            `GeometricMedian`, or, of coupled filters, `Gamma`.
        allocation: `Uniform` (default), `ErdosRenyiKernel` or `Global`.
        settings: Dict, layer to `{"target_sparsity": s}` (with `Uniform`),
            or to None.

    Reference:
        Zhu, Gupta. To Prune, or Not to Prune. ICLR workshop 2018.
    """

    def __init__(
        self,
        target_sparsity: float = 0.5,
        *,
        begin_step: int = 0,
        end_step: int | None = None,
        frequency: int = 100,
        schedule: typing.Any = None,
        structure: structures.Structure = structures.Unstructured(),
        criterion: typing.Any = criteria.Magnitude(),
        allocation: typing.Any = allocations.Uniform(),
        settings: dict | None = None,
    ):
        validation.check_sparsity("target_sparsity", target_sparsity)
        if schedule is not None:
            every, sparsity = tfmot.schedule(schedule)
        else:
            every, sparsity = schedules(
                target_sparsity, begin_step, end_step, frequency
            )
        rule = pruner.Pruner(
            structure=structure,
            criterion=criterion,
            allocation=allocation,
            update_schedule=every,
            sparsity_schedule=sparsity,
        )
        super().__init__("magnitude", rule, structure.covers, settings)


def schedules(
    target_sparsity: float,
    begin_step: int,
    end_step: int | None,
    frequency: int,
):
    """The (update schedule, sparsity schedule) of these arguments."""
    if end_step is None:
        every = update_schedules.Every(frequency, begin_step)
        return every, sparsity_schedules.Constant(target_sparsity)
    return (
        update_schedules.Every(frequency, begin_step, end_step),
        sparsity_schedules.Polynomial(
            0.0, target_sparsity, begin_step, end_step
        ),
    )
