"""Filter ranking: filters of all layers compete, and may come back.

Of each filter, with its bias, the gamma and beta behind it, and the filters
of other layers that it is coupled to,

    contribution = abs(sum(w * dL/dw))

with the gradient of the masked weights is followed in every step. Where the
schedule says so, the filters of the net with the highest ones are kept and all
others masked. Masked filters take no part in the forward pass and keep
receiving gradients. Before a normalization, the contribution of a kernel
alone is zero: its output does not depend on how large its weights are.
"""

from __future__ import annotations

import typing

import keras
from keras import ops

from tfprune.core import allocation as allocations
from tfprune.core import criteria
from tfprune.core import method
from tfprune.core import pruner
from tfprune.core import sparsity_schedules
from tfprune.core import structures
from tfprune.core import update_schedules
from tfprune.utils import serialization
from tfprune.utils import validation

_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)
_OTHERS = (  # Their filters do not lie, or not alone, along the last axis.
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)


@serialization.formerly("FilterMethod")
@method.serializable
class FilterRanking(method.Method):
    """Keeps the filters, of all convolutions together, that matter most.

    Args:
        target_sparsity: Float in [0, 1), fraction of filters that go.
            Defaults to 0.5. (The original gives the fraction that stays.)
        stages: Integer, stages of `update_schedules.Staged`. Defaults to 3.
        stage_steps: Integer, updates of a stage. Defaults to 1000.
        policy: `"minus"` or `"exp"`, how intervals fall from stage to stage.
            Defaults to `"minus"`.
        stop_step: Integer or None, masks are final from there on. Defaults
            to None: never, as in the original.
        batches: Integer, about how many of the last batches contributions
            are averaged over. Defaults to 10; the original's 1 takes the
            batch at hand.
        structure: `CoupledFilter` (default): filters that must be removed
            together compete as one, and their masks cover biases, gammas and
            betas, so that all that is masked can be removed. `Filter`: each
            layer by itself, with its bias; `Filter(covers=["kernel"])` is the
            Caffe original.
        criterion: `Taylor` (default), the contribution above; or one that
            looks at weights alone when masks are decided: `GroupNorm`,
            `GeometricMedian`, `Magnitude`, or, of coupled filters, `Gamma`.
        allocation: `Global` (default), with the filters that stay in each
            layer at `least`, and contributions that are normalized for each
            layer, or not (default, as in the original). Or `Uniform`.
        dense: Bool: units of dense layers are ranked, too. Set the last layer
            to None then. Defaults to False.
        settings: Dict, layer to None for one that is skipped, or, with
            `Uniform`, to `{"target_sparsity": s}`.

    Reference:
        Lin et al. Accelerating Convolutional Networks via Global & Dynamic
        Filter Pruning. IJCAI 2018.
    """

    dense: bool = False

    def __init__(
        self,
        target_sparsity: float = 0.5,
        *,
        stages: int = 3,
        stage_steps: int = 1000,
        policy: str = "minus",
        stop_step: int | None = None,
        batches: int = 10,
        structure: structures.Filter = structures.CoupledFilter(),
        criterion: typing.Any = criteria.Taylor(),
        allocation: typing.Any = allocations.Global(),
        dense: bool = False,
        settings: dict | None = None,
    ):
        validation.check_sparsity("target_sparsity", target_sparsity)
        object.__setattr__(self, "dense", dense)
        rule = _rule(
            criterion,
            batches,
            structure=structure,
            allocation=allocation,
            update_schedule=update_schedules.Staged(
                stages, stage_steps, policy, stop_step
            ),
            sparsity_schedule=sparsity_schedules.Constant(target_sparsity),
            gradient="dense",
        )
        super().__init__("filter_ranking", rule, structure.covers, settings)

    def unsupported_reason(self, layer):
        if isinstance(layer, keras.layers.Dense) and not self.dense:
            return "units of dense layers are ranked with `dense=True` alone"
        if not isinstance(layer, self._kinds()):
            return "it has no filters of its own along the last axis"
        return super().unsupported_reason(layer)

    def targets(self, layer):
        if isinstance(layer, _OTHERS):
            raise ValueError(
                f"Layer {layer.name!r} must be pruned with the model that it "
                "is in. Received: a layer alone, whose filters do not lie "
                "along the last axis. Call tfprune.prune with the model."
            )
        return super().targets(layer)

    def _kinds(self):
        coupled = isinstance(self.pruner.structure, structures.CoupledFilter)
        more = _OTHERS if coupled else ()
        return (*_CONVOLUTIONS, keras.layers.Dense, *more)


def _rule(criterion, batches, **parts):
    if criterion.needs_gradients:
        return RankPruner(criterion=criterion, batches=batches, **parts)
    return pruner.Pruner(criterion=criterion, **parts)


@serialization.serializable
class RankPruner(pruner.Pruner):
    """Scores groups by a running mean of their contributions."""

    batches: int = 10

    needs_update_hooks = True

    def __post_init__(self):
        super().__post_init__()
        validation.check_count("batches", self.batches, least=1)

    def build(self, weights, settings):
        join = self.structure.join
        scores = [ops.zeros(join(unit).shape[0]) for unit in weights]
        return [{"contribution": score} for score in scores], settings

    def observe(self, state, weights, gradients):
        return [
            {"contribution": old["contribution"] + self._change(old, *unit)}
            for old, *unit in zip(state, weights, gradients, strict=True)
        ]

    def scores(self, state, weights):
        return [own["contribution"] for own in state]

    def _change(self, old, weights, gradients):
        """How far a mean over `batches` moves with one more batch."""
        gradients = [
            ops.zeros_like(weight) if gradient is None else gradient
            for weight, gradient in zip(weights, gradients, strict=True)
        ]
        join = self.structure.join
        now = self.criterion(join(weights), join(gradients))
        return (now - old["contribution"]) / self.batches
