"""The time that a machine should need for a dense or a sparse layer."""

from __future__ import annotations

import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class MachineProfile:
    """What a machine can do, as `tfprune.profiling.calibrate` measures it.

    A layer takes as long as its arithmetic, or as what it reads and writes,
    whichever is longer. (The paper has that for sparse layers only.)

    Args:
        flops: Float, floating point operations per second of dense layers.
        bandwidth: Float, bytes per second from and to memory.
        slowdown: Float, how much longer an operation of a sparse layer takes
            than one of a dense layer: alpha of the paper. Defaults to 3.
        overhead: Float, bytes of a stored weight and its index over those of
            a dense weight: beta of the paper. Defaults to 2.

    Reference:
        Park et al. Faster CNNs with Direct Sparse Convolutions and Guided
        Pruning. ICLR 2017.
    """

    flops: float
    bandwidth: float
    slowdown: float = 3.0
    overhead: float = 2.0


class Work(typing.NamedTuple):
    """What a dense layer does and touches in one call.

    Args:
        flops: Float, floating point operations.
        activation_bytes: Float, of its input and output.
        weight_bytes: Float, of its dense kernel.
    """

    flops: float
    activation_bytes: float
    weight_bytes: float


def speedup(work: Work, density: float, machine: MachineProfile) -> float:
    """How many times faster a sparse layer should be than a dense one.

    Args:
        work: `Work`.
        density: Float, the part of its weights that is not zero.
        machine: `MachineProfile`.
    """
    compute, per_weight, rest = _sparse_seconds(work, machine)
    seconds = max(compute * density, per_weight * density + rest)
    return _dense_seconds(work, machine) / max(seconds, 1e-30)


def useful_densities(work: Work, machine: MachineProfile) -> tuple:
    """The densities between which pruning makes a layer faster.

    From the greater one on a sparse layer is slower than a dense one. Below
    the smaller one its input and output limit it, whatever is pruned. Where
    the first exceeds the second, there is nothing to gain.

    Args:
        work: `Work`.
        machine: `MachineProfile`.

    Returns:
        Two floats from 0 to 1, the smaller bound first.
    """
    dense = _dense_seconds(work, machine)
    compute, per_weight, rest = _sparse_seconds(work, machine)
    greatest = min(dense / compute, (dense - rest) / per_weight)
    # Bound by memory throughout, weights remain what it carries.
    least = rest / (compute - per_weight) if compute > per_weight else 0.0
    return tuple(min(max(bound, 0.0), 1.0) for bound in (least, greatest))


def _dense_seconds(work, machine):
    moved = work.activation_bytes + work.weight_bytes
    return max(work.flops / machine.flops, moved / machine.bandwidth)


def _sparse_seconds(work, machine):
    """Of arithmetic and of reading weights, at density 1, and of the rest."""
    return (
        machine.slowdown * work.flops / machine.flops,
        machine.overhead * work.weight_bytes / machine.bandwidth,
        work.activation_bytes / machine.bandwidth,
    )
