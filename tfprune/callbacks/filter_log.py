"""FilterLog: which filters of each layer are kept, as text anyone can read."""

from __future__ import annotations

import pathlib

import keras
import numpy as np

from tfprune.core import structures
from tfprune.graph import pruned

_MARKS = np.array(["0", "1"])


class FilterLog(keras.callbacks.Callback):
    """Writes which filters are kept, a line for each layer, after each epoch.

    ```
    epoch 3
    conv1 9 of 20 01101001010010110001
    conv2 26 of 50 01011010010110100101101001011010010110100101101001
    ```

    Args:
        path: String, the file, which is begun anew. Folders are made.

    Raises:
        ValueError: when training begins, if no layer is pruned by filters.

    Reference:
        Lin et al. Accelerating Convolutional Networks via Global & Dynamic
        Filter Pruning. IJCAI 2018 (mask.log of the authors' code).
    """

    def __init__(self, path: str):
        super().__init__()
        self.path = pathlib.Path(path)

    def on_train_begin(self, logs=None):
        if not filters_kept(self.model):
            raise ValueError(
                "`FilterLog` needs a model that is pruned by filters. "
                f"Received: model={self.model.name!r}, which is not. Call "
                "tfprune.prune with FilterRanking, or leave the callback out."
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("")

    def on_epoch_end(self, epoch, logs=None):
        with self.path.open("a") as file:
            file.write(f"epoch {epoch}\n{text(self.model)}\n")


def filters_kept(model: keras.Model) -> dict[str, np.ndarray]:
    """A bool for each filter of each pruned layer, by the layer's name.

    Args:
        model: Keras model that is pruned, or not: then there are none.
    """
    return {
        address: _of_filters(target)
        for address, unit in pruned.units_if_any(model).items()
        if isinstance(unit.method.pruner.structure, structures.Filter)
        for target in unit.targets
        if target.role == "kernel"
    }


def text(model: keras.Model) -> str:
    """A line for each layer: its name, how many are kept, which."""
    return "\n".join(
        f"{name} {np.count_nonzero(kept)} of {kept.size} "
        f"{''.join(_MARKS[kept.astype(int)])}"
        for name, kept in filters_kept(model).items()
    )


def _of_filters(target):
    mask = np.array(target.mask)
    axis = -1 if target.coupled_axis is None else target.coupled_axis.axis
    return np.moveaxis(mask, axis, 0).reshape(mask.shape[axis], -1).any(axis=1)
