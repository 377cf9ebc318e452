"""registry: finds the `Operation` that covers a Keras operation."""

from __future__ import annotations

import importlib
import pkgutil

from tfprune.compress.filters import operations
from tfprune.compress.filters.operations import base

for _module in pkgutil.iter_modules(operations.__path__):
    importlib.import_module(f"{operations.__name__}.{_module.name}")

_UNKNOWN = base.Operation()


def is_keras(operation) -> bool:
    """Tells whether an operation is of a class of Keras' own."""
    return type(operation).__module__.startswith("keras.")


def is_known(operation) -> bool:
    """Tells whether there is an `Operation` that covers it."""
    return of(operation) is not _UNKNOWN


def of(operation) -> base.Operation:
    """The `Operation` that covers a Keras layer or operation."""
    name = type(operation).__qualname__
    if not is_keras(operation):
        name = f"{type(operation).__module__}.{name}"
    return base.KNOWN.get(name, _UNKNOWN)


def couple(call, channels) -> list:
    """As `Operation.couple`, but holds channels where that is unsupported."""
    own = of(call.operation)
    try:
        reason = own.unsupported_reason(call)
        if reason:
            raise base.Unsupported(reason)
        given = own.couple(call, channels)
        return [channels.along_one_axis(labels) for labels in given]
    except base.Unsupported as error:
        reason = f"{call.where} ({call.kind}): {error}"
    for labels in call.inputs:
        channels.fix(labels, reason)
    ranks = [len(shape or (None,)) for shape in call.shapes]
    return [channels.fixed(rank, reason) for rank in ranks]


def propagate(call, reads) -> list:
    """As `Operation.propagate`, and nothing is known where unsupported."""
    own = of(call.operation)
    try:
        if own.unsupported_reason(call):
            own = _UNKNOWN
        return own.propagate(call, reads)
    except base.Unsupported:
        return _UNKNOWN.propagate(call, reads)


def readers(call) -> list:
    """As `Operation.readers`, and none where unsupported."""
    own = of(call.operation)
    try:
        return [] if own.unsupported_reason(call) else own.readers(call)
    except base.Unsupported:
        return []
