"""Rows: what is left of each layer."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfprune.core import units
from tfprune.graph import cost
from tfprune.graph import leaves
from tfprune.layers import sparse
from tfprune.utils import counts

# Initialisers hit zero too, about once in ten million times.
_CHANCE = 1e-4


@dataclasses.dataclass(frozen=True)
class LayerReport:
    """One layer in numbers, or all of them together.

    Args:
        name: Name of the layer.
        kind: Name of its class, wrappers aside.
        parameters: Integer, entries of all arrays, biases counted.
        kept: Integer, those of them that are not pruned.
        weights: Integer, entries of the kernels.
        weights_kept: Integer, those of them that are not pruned.
        macs: Integer, multiply-accumulates of the kernels for one example.
        macs_kept: Integer, those of them that are not with a pruned weight.
        bytes: Integer, size of all arrays, stored dense.
        skipped: String, why a layer of a pruned model has no mask, or None.
    """

    name: str
    kind: str
    parameters: int = 0
    kept: int = 0
    weights: int = 0
    weights_kept: int = 0
    macs: int = 0
    macs_kept: int = 0
    bytes: int = 0
    skipped: str | None = None

    @property
    def weight_sparsity(self) -> float:
        """The fraction of zeros of the kernels."""
        return 1 - self.weights_kept / self.weights if self.weights else 0.0


def row(leaf: leaves.Leaf, calls: list | None, is_pruned: bool) -> LayerReport:
    """The row of one layer.

    Args:
        leaf: `Leaf`.
        calls: List, for each call of the layer its input shapes, or None:
            once, on what it was built on.
        is_pruned: Bool: the model has masks, only zeros under them count.
            Otherwise the zeros of kernels and biases do, in layers whose
            kernels have any.
    """
    if isinstance(leaf.layer, sparse.Sparse):
        return _sparse_row(leaf, calls)
    kept = _kept(leaf.parameters, is_pruned)
    kernels = [leaves.is_kernel(v) for v in leaf.parameters]
    factors = [cost.is_multiplied(v) for v in leaf.parameters]
    uses = cost.macs_per_weight(leaf.layer, calls) if any(factors) else 0
    sizes = [int(np.prod(v.shape)) for v in leaf.parameters]
    return LayerReport(
        leaf.address,
        type(leaf.layer).__name__,
        parameters=sum(sizes),
        kept=sum(kept),
        weights=_dot(sizes, kernels),
        weights_kept=_dot(kept, kernels),
        macs=uses * _dot(sizes, factors),
        macs_kept=uses * _dot(kept, factors),
        bytes=sum(np.array(v).nbytes for v in leaf.parameters),
        skipped=_skipped(leaf) if is_pruned else None,
    )


def _sparse_row(leaf, calls):
    """The row of a layer that stores no zeros, beside its dense one."""
    layer, uses = leaf.layer, cost.macs_per_weight(leaf.layer, calls)
    biases = 0 if layer.bias is None else int(np.prod(layer.bias.shape))
    itemsize = np.dtype(layer.values.dtype).itemsize
    return LayerReport(
        leaf.address,
        type(layer).__name__,
        parameters=layer.dense_size + biases,
        kept=layer.nonzeros + biases,
        weights=layer.dense_size,
        weights_kept=layer.nonzeros,
        macs=uses * layer.dense_size,
        macs_kept=uses * layer.nonzeros,
        bytes=itemsize * layer.dense_size + 4 * biases,
    )


def total(rows: list[LayerReport]) -> LayerReport:
    """The sum of some rows."""
    columns = [field.name for field in dataclasses.fields(LayerReport)[2:-1]]
    sums = {name: sum(getattr(row, name) for row in rows) for name in columns}
    return LayerReport("total", "", **sums)


def _kept(variables, is_pruned):
    """Entries left of each array.

    Fresh biases are zero too, so zeros only count where there is pruning.
    """
    values = [units.masked(variable) for variable in variables]
    may = [_may_be_pruned(variable, is_pruned) for variable in variables]
    pairs = list(zip(variables, values, may, strict=True))
    started = any(
        _has_pruned(variable, value) for variable, value, may in pairs if may
    )
    return [
        counts.kept(value) if may and started else value.size
        for _, value, may in pairs
    ]


def _may_be_pruned(variable, is_pruned):
    if is_pruned:
        return _mask(variable) is not None
    return leaves.is_kernel(variable) or variable.name.endswith("bias")


def _has_pruned(variable, value):
    mask = _mask(variable)
    if mask is not None and not np.all(mask):
        return True
    zeros = value.size - counts.kept(value)
    return leaves.is_kernel(variable) and zeros > _CHANCE * value.size


def _mask(variable):
    target = getattr(variable, units.TAG, None)
    return None if target is None else np.array(target.mask)


def _skipped(leaf):
    if any(_mask(v) is not None for v in leaf.parameters):
        return None
    has_kernel = any(leaves.is_kernel(v) for v in leaf.parameters)
    return "not pruned" if has_kernel else "no kernel"


def _dot(numbers, chosen):
    return sum(n for n, take in zip(numbers, chosen, strict=True) if take)
