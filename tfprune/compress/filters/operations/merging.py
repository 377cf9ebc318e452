"""Operations whose output depends on the same entry of several inputs."""

from __future__ import annotations

import numpy as np

from tfprune.compress.filters import constants
from tfprune.compress.filters.operations import base
from tfprune.compress.filters.operations import elementwise


class Merging(base.Operation):
    """One function of an entry of each input, of size 1 for all."""

    names = {
        *("Arctan2", "Average", "BitwiseAnd", "BitwiseLeftShift"),
        *("BitwiseOr", "BitwiseRightShift", "BitwiseXor", "CustomScaleLayer"),
        *("Divide", "DivideNoNan", "Equal", "FloorDivide", "Fmax", "Fmin"),
        *("Fmod", "Gcd", "Greater", "GreaterEqual", "Heaviside", "Hypot"),
        *("Isclose", "Lcm", "Ldexp", "LeftShift", "Less", "LessEqual"),
        *("Logaddexp", "Logaddexp2", "LogicalAnd", "LogicalOr", "LogicalXor"),
        *("Maximum", "Minimum", "Mod", "Nextafter", "NotEqual", "Polar"),
        *("Power", "RightShift", "Select", "Subtract", "TrueDivide", "Where"),
    }
    takes_numbers = True

    def unsupported_reason(self, call):
        if len({len(tensor.shape) for tensor in call.tensors}) > 1:
            return "what it takes differs in rank"
        return super().unsupported_reason(call)

    def couple(self, call, channels):
        sizes = np.max([x.shape for x in call.inputs], axis=0)
        wide = []
        for labels, tensor in zip(call.inputs, call.tensors, strict=True):
            if np.any((np.array(tensor.shape) == 1) & (sizes > 1)):
                reason = f"{call.where} ({call.kind}): it goes to all channels"
                channels.fix(labels, reason)
            else:
                wide.append(labels)
        wide = np.broadcast_arrays(*wide)
        for labels in wide[1:]:
            channels.unite(wide[0], labels)
        return [wide[0]]

    def propagate(self, call, reads):
        (value,) = elementwise.run(call, [x.value for x in call.inputs])
        known = np.broadcast_arrays(*(given.known for given in call.inputs))
        return [constants.finite(np.logical_and.reduce(known), value)]


class Add(Merging):
    """Zeros change nothing."""

    names = {"Add"}

    def propagate(self, call, reads):
        reads.add_sum(call)
        return super().propagate(call, reads)


class Multiply(Merging):
    """Zero times anything is zero."""

    names = {"Multiply"}

    def propagate(self, call, reads):
        (given,) = super().propagate(call, reads)
        zero = np.broadcast_arrays(*map(constants.is_zero, call.inputs))
        zero = np.logical_or.reduce(zero)
        value = np.where(zero, 0, given.value)
        return [constants.Constant(given.known | zero, value)]
