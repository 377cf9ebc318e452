"""RankClipping: cuts small components off kernels while a net learns."""

from __future__ import annotations

import contextlib

import keras

from tfprune import backend
from tfprune.callbacks import update_interval
from tfprune.compress.low_rank import candidates
from tfprune.compress.low_rank import forms
from tfprune.compress.low_rank import ranks as ranks_lib
from tfprune.core import units as units_lib
from tfprune.utils import validation


class RankClipping(keras.callbacks.Callback):
    """Every so many steps, makes kernels of the least rank that keeps energy.

    `kernel <- left @ right, of the rank that keeps the energy`

    Kernels keep their shapes, so that any optimizer continues as before;
    `tfprune.factorize` makes low-rank layers of them in the end. It works well
    with `tfprune.optimizers.ForceRegularized`, which lowers ranks in between.

    Args:
        energy: As `tfprune.factorize` takes it: a float in (0, 1], or a dict
            by layer. Defaults to 0.95.
        interval: Integer, steps from one clipping to the next. Defaults to
            1000.
        stop_step: Integer, the first step that is not clipped any more, or
            None (default).
        method: As `tfprune.factorize` takes it. Defaults to `"pca"`.

    Attributes:
        history: List of dicts, `step`, and `ranks` by layer.

    Raises:
        ValueError: when training begins, for a layer that is not there, or
            where `steps_per_execution` does not divide the interval.

    Example:

    ```python
    clipping = tfprune.callbacks.RankClipping(0.99, interval=500)
    model.fit(x, y, callbacks=[clipping])
    ```

    Reference:
        Wang, Wen, Liu, Chiarulli, Li. Group Scissor: Scaling Neuromorphic
        Computing Design to Large Neural Networks. DAC 2017.
    """

    def __init__(
        self,
        energy: float | dict = 0.95,
        interval: int = 1000,
        stop_step: int | None = None,
        method: str | forms.Channels | forms.Spatial = "pca",
    ):
        super().__init__()
        values = energy.values() if isinstance(energy, dict) else [energy]
        for value in values:
            if value is not None:
                ranks_lib.check_energy(value)
        validation.check_count("interval", interval, 1)
        if stop_step is not None:
            validation.check_count("stop_step", stop_step)
        self._energy, self._interval = energy, interval
        self._stop_step, self._form = stop_step, forms.form(method)
        self.history: list[dict] = []

    def on_train_begin(self, logs=None):
        update_interval.check_steps(self.model, self._interval)
        self._chosen()

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.optimizer.iterations)
        stopped = self._stop_step is not None and step >= self._stop_step
        if step and step % self._interval == 0 and not stopped:
            self.history.append({"step": step, "ranks": self._clip()})

    def _chosen(self):
        """Pairs of candidate and rank."""
        found = candidates.inside(self.model, self._form)
        ranks = ranks_lib.by_energy(found, self._energy)
        pairs = [(x, ranks.get(id(x.layer))) for x in found]
        return [(x, rank) for x, rank in pairs if rank is not None]

    def _clip(self):
        with _learning(self.model):
            chosen = self._chosen()
            for candidate, rank in chosen:
                candidate.layer.kernel.assign(candidate.kernel(rank))
        return {x.name: rank for x, rank in chosen}


@contextlib.contextmanager
def _learning(model):
    """A scope in which pruned variables have all values that learn."""
    units = units_lib.tagged(model.variables)
    targets = [target for unit in units for target in unit.targets]
    for target in targets:
        target.variable.assign(target.dense())
    try:
        yield
    finally:
        for target in targets:
            value = backend.to_numpy(target.variable)
            target.assign(value, backend.to_numpy(target.mask))
