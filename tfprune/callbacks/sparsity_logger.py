"""SparsityLogger: sparsity beside the loss, wherever Keras logs it."""

from __future__ import annotations

import collections
import dataclasses

import keras
import numpy as np

from tfprune.core import units
from tfprune.graph import leaves
from tfprune.utils import validation


class SparsityLogger(keras.callbacks.Callback):
    """Adds the sparsity of a pruned model to the logs. It changes nothing.

    The names are `sparsity`, and where the model has such layers
    `conv_sparsity` and `dense_sparsity`: fractions of zeros, by the masks,
    of all kernels. Keras hands one dict of logs from callback to callback,
    so put this one before `CSVLogger` or `TensorBoard`; the progress bar and
    the history come last by themselves.

    Args:
        frequency: Integer, batches between two looks at the masks. Defaults
            to 100. The end of an epoch always looks.
        per_layer: Bool: add `sparsity/<layer>` for each kernel that has a
            mask. Defaults to False.

    Raises:
        ValueError: when training begins, if the model has no masks.

    Example:

    ```python
    log = keras.callbacks.CSVLogger("log.csv")
    model.fit(x, y, callbacks=[SparsityLogger(), log])
    ```
    """

    def __init__(self, frequency: int = 100, per_layer: bool = False):
        super().__init__()
        is_count = isinstance(frequency, int) and frequency > 0
        validation.check("frequency", frequency, is_count, "a positive integer")
        self.frequency, self.per_layer = frequency, per_layer

    def on_train_begin(self, logs=None):
        if not units.tagged(self.model.variables):
            raise ValueError(
                "`SparsityLogger` needs a model with masks. Received: "
                f"model={self.model.name!r}, which has none. Call "
                "tfprune.prune first, or leave the callback out."
            )
        self._kernels = _kernels(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        self._period = None

    def on_train_batch_end(self, batch, logs=None):
        # `batch` may jump: it is the last one of `steps_per_execution`.
        period = batch // self.frequency
        if period != self._period:
            self._values, self._period = self._read(), period
        _add(logs, self._values)

    def on_epoch_end(self, epoch, logs=None):
        self._values = self._read()
        _add(logs, self._values)

    def _read(self):
        zeros = [kernel.zeros() for kernel in self._kernels]
        values = {"sparsity": self._fraction(zeros, ("conv", "dense", ""))}
        for kind in ("conv", "dense"):
            if any(kernel.kind == kind for kernel in self._kernels):
                name = f"{kind}_sparsity"
                values[name] = self._fraction(zeros, (kind,))
        return {**values, **(self._layers(zeros) if self.per_layer else {})}

    def _fraction(self, zeros, kinds):
        pairs = zip(zeros, self._kernels, strict=True)
        mine = [(z, k.size) for z, k in pairs if k.kind in kinds]
        pruned, sizes = map(sum, zip(*mine, strict=True))
        return pruned / sizes

    def _layers(self, zeros):
        pruned, sizes = collections.Counter(), collections.Counter()
        for zero, kernel in zip(zeros, self._kernels, strict=True):
            if kernel.mask is not None:
                pruned[kernel.layer] += zero
                sizes[kernel.layer] += kernel.size
        return {f"sparsity/{x}": pruned[x] / sizes[x] for x in sizes}


@dataclasses.dataclass
class _Kernel:
    """A kernel: the layer it is of, its entries, and its mask or None."""

    layer: str
    kind: str
    size: int
    mask: object

    def zeros(self):
        if self.mask is None:
            return 0
        return self.size - int(np.count_nonzero(np.array(self.mask)))


def _kernels(model):
    return [
        _Kernel(
            leaf.address,
            leaves.kind_of(type(leaf.layer).__name__),
            int(np.prod(kernel.shape)),
            getattr(getattr(kernel, units.TAG, None), "mask", None),
        )
        for leaf in leaves.with_parameters(model)
        for kernel in filter(leaves.is_kernel, leaf.parameters)
    ]


def _add(logs, values):
    if logs is not None:
        logs.update(values)
