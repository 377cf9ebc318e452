"""Filter ranking: filters of all layers compete, and may come back.

Of each filter, with its bias and the gradient of the masked weights,

    contribution = abs(sum(w * dL/dw))

is followed in every step. Where the timing says so, the filters of the net
with the highest ones are kept and all others masked. Masked filters take no
part in the forward pass and go on learning.
"""

from __future__ import annotations

import keras
from keras import ops

from tfprune.core import allocation
from tfprune.core import criteria
from tfprune.core import part
from tfprune.core import pruner
from tfprune.core import ramps
from tfprune.core import structures
from tfprune.core import timing
from tfprune.methods import method

_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)


def FilterRanking(
    target_sparsity: float = 0.5,
    *,
    stages: int = 3,
    stage_steps: int = 1000,
    policy: str = "minus",
    stop_step: int | None = None,
    batches: int = 10,
    least: int = 1,
    normalize: bool = False,
    bias: bool = True,
    dense: bool = False,
    settings: dict | None = None,
) -> method.Method:
    """Keeps the filters, of all convolutions together, that matter most.

    Args:
        target_sparsity: Float in [0, 1), fraction of filters that go.
            Defaults to 0.5. (The original gives the fraction that stays.)
        stages: Integer, stages of `tfprune.core.timing.Staged`. Defaults
            to 3.
        stage_steps: Integer, updates of a stage. Defaults to 1000.
        policy: `"minus"` or `"exp"`, how intervals fall from stage to stage.
            Defaults to `"minus"`.
        stop_step: Integer or None, masks are final from there on. Defaults
            to None: never, as in the original.
        batches: Integer, about how many of the last batches contributions
            are averaged over. Defaults to 10; the original's 1 takes the
            batch at hand.
        least: Integer, filters that stay in each layer. Defaults to 1.
        normalize: Bool: contributions are divided by the L2 norm of those of
            their layer. Defaults to False, as in the original.
        bias: Bool: a filter's bias is masked with it, without which it still
            gives a constant. Defaults to True; the Caffe original has False.
        dense: Bool: units of dense layers compete, too. Set the last layer
            to None then. Defaults to False.
        settings: Dict, layer to None for one that stays dense.

    Returns:
        A `Method`.

    Reference:
        Lin et al. Accelerating Convolutional Networks via Global & Dynamic
        Filter Pruning. IJCAI 2018.
    """
    part.check_sparsity("target_sparsity", target_sparsity)
    rule = RankPruner(
        structure=structures.Filter(),
        criterion=criteria.Taylor(),
        allocation=allocation.Global(least),
        timing=timing.Staged(stages, stage_steps, policy, stop_step),
        ramp=ramps.Constant(target_sparsity),
        gradient="dense",
        batches=batches,
        normalize=normalize,
    )
    roles = ("kernel", "bias") if bias else ("kernel",)
    return FilterMethod("filter_ranking", rule, roles, settings, dense=dense)


@part.part
class RankPruner(pruner.Pruner):
    """Scores groups by a running mean of their contributions."""

    batches: int = 10
    normalize: bool = False

    looks_at_steps = True

    def __post_init__(self):
        super().__post_init__()
        part.check_count("batches", self.batches, least=1)

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
        scores = [own["contribution"] for own in state]
        if not self.normalize:
            return scores
        norms = [ops.sqrt(ops.sum(ops.square(score))) for score in scores]
        return list(map(ops.divide_no_nan, scores, norms))

    def _change(self, old, weights, gradients):
        """How far a mean over `batches` moves with one more batch."""
        gradients = [
            ops.zeros_like(weight) if gradient is None else gradient
            for weight, gradient in zip(weights, gradients, strict=True)
        ]
        join = self.structure.join
        now = self.criterion(join(weights), join(gradients))
        return (now - old["contribution"]) / self.batches


@part.part
class FilterMethod(method.Method):
    """A method that prunes the filters of convolutions.

    Args:
        dense: Bool: and units of dense layers. Defaults to False.
    """

    dense: bool = False

    def misfit(self, layer):
        if isinstance(layer, keras.layers.Dense) and not self.dense:
            return "units of dense layers are ranked with `dense=True` alone"
        if not isinstance(layer, (*_CONVOLUTIONS, keras.layers.Dense)):
            return "it has no filters of its own along the last axis"
        return super().misfit(layer)
