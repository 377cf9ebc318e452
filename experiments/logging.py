"""The log of a run: one line of JSON and a progress bar for each interval."""

from __future__ import annotations

import json
import sys

import keras

from experiments import evaluation
from tfprune.compress.low_rank import spectra


def announce(progress) -> None:
    """Shows how far a run is, or what became of a model, on the terminal."""
    print(progress, flush=True)


class MetricsLog(keras.callbacks.Callback):
    """Writes loss, accuracy and sparsity of every interval; only reports.

    Args:
        path: File of lines, appended to.
        config: ConfigDict with `log_every`, the stage's length, and where
            ranks are to be logged the `rank_energy` that they keep.
        seed: Integer.
        stage: Name of the stage.
        begin: Integer, the step it starts or resumes at.
    """

    def __init__(self, path, config, seed: int, stage: str, begin: int):
        super().__init__()
        self._file = open(path, "a", encoding="utf-8")
        self._every = config.log_every
        self._energy = config.get("rank_energy")
        self._where = {"seed": seed, "stage": stage}
        self._begin, self._step = begin, begin
        self._bar = keras.utils.Progbar(
            config[stage].steps,
            stateful_metrics=["loss", "accuracy", "sparsity"],
            verbose=int(sys.stderr.isatty()),
        )

    def on_train_begin(self, logs=None):
        announce(f"seed {self._where['seed']}, stage {self._where['stage']}")

    def on_train_batch_end(self, batch, logs=None):
        self._step = self._begin + batch + 1
        if self._step % self._every:
            return
        values = {name: float(value) for name, value in logs.items()}
        self.note(values | evaluation.sparsity(self.model) | self._ranks())
        self.model.reset_metrics()

    def on_train_end(self, logs=None):
        self.flush()

    def note(self, values: dict, prefix: str = "") -> None:
        """Writes one line, its values named after the prefix."""
        if prefix:
            values = {f"{prefix}_{k}": v for k, v in values.items()}
        line = {**self._where, "step": self._step, **values}
        self._file.write(json.dumps(line) + "\n")
        shown = [(k, v) for k, v in values.items() if isinstance(v, float)]
        self._bar.update(self._step, shown)

    def flush(self) -> int:
        """Makes sure of what was written; returns the file's size."""
        self._file.flush()
        return self._file.tell()

    def _ranks(self):
        if self._energy is None:
            return {}
        return {"ranks": spectra.spectra(self.model).ranks(self._energy)}
