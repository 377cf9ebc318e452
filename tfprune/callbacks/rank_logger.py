"""RankLogger: the ranks of layers beside the loss, wherever Keras logs it."""

from __future__ import annotations

import keras

from tfprune.compress.low_rank import forms
from tfprune.compress.low_rank import ranks as ranks_lib
from tfprune.compress.low_rank import spectra
from tfprune.utils import validation


class RankLogger(keras.callbacks.Callback):
    """Adds `rank/<layer>` to the logs. It changes nothing.

    That is the rank that keeps so much energy, at the end of each epoch; with
    `frequency`, also after so many batches. Put it before `CSVLogger` or
    `TensorBoard`.

    Args:
        energy: Float in (0, 1]. Defaults to 0.95.
        frequency: Integer, batches between two looks, or None (default).
        method: As `tfprune.factorize` takes it. Defaults to `"pca"`.

    Example:

    ```python
    log = keras.callbacks.CSVLogger("log.csv")
    model.fit(x, y, callbacks=[RankLogger(), log])
    ```
    """

    def __init__(
        self,
        energy: float = 0.95,
        frequency: int | None = None,
        method: str | forms.Channels | forms.Spatial = "pca",
    ):
        super().__init__()
        ranks_lib.check_energy(energy)
        if frequency is not None:
            validation.check_count("frequency", frequency, 1)
        self.energy, self.frequency = energy, frequency
        self._form = forms.form(method)

    def on_epoch_begin(self, epoch, logs=None):
        self._period, self._values = 0, {}

    def on_train_batch_end(self, batch, logs=None):
        # `batch` may jump: it is the last one of `steps_per_execution`.
        if self.frequency and (batch + 1) // self.frequency > self._period:
            self._period = (batch + 1) // self.frequency
            self._values = self._read()
        if logs is not None:
            logs.update(self._values)

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs.update(self._read())

    def _read(self):
        found = spectra.spectra(self.model, self._form).ranks(self.energy)
        return {f"rank/{name}": rank for name, rank in found.items()}
