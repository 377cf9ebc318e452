"""The training of one stage: compiled, fitted, logged, kept in checkpoints."""

from __future__ import annotations

import pathlib

import keras

from experiments import checkpoints
from experiments import evaluation
from experiments import logging
from experiments import solvers
from experiments.datasets import batches
from tfprune import callbacks
from tfprune import optimizers
from tfprune.core import units
from tfprune.exporters import npz


def compile_model(
    model: keras.Model, stage, config, state: list | None, folder: pathlib.Path
) -> None:
    """Compiles a model for a stage.

    Args:
        model: Keras model; a pruned one gets a `PruningOptimizer`.
        stage: ConfigDict of the stage.
        config: ConfigDict of the run.
        state: List of arrays that the optimizer's variables take up, or None:
            it starts anew.
        folder: Path of the seed's folder, where the state is from.
    """
    arguments = stage.optimizer.to_dict()
    optimizer = solvers.build(arguments.pop("name"), **arguments)
    if evaluation.is_pruned(model):
        optimizer = optimizers.PruningOptimizer(optimizer)
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=stage.get("jit_compile", config.jit_compile),
        steps_per_execution=config.steps_per_execution,
    )
    model.optimizer.build(model.trainable_variables)
    if state is not None:
        file = folder / "checkpoint.npz"
        checkpoints.restore(model.optimizer.variables, state, file)


def fit(
    model: keras.Model,
    splits,
    config,
    folder: pathlib.Path,
    seed: int,
    number: int,
    step: int,
) -> None:
    """Trains the rest of a stage; metrics and checkpoints go to the folder.

    Args:
        model: Keras model, compiled.
        splits: `Splits` of the data.
        config: ConfigDict of the run.
        folder: Path of the seed's folder.
        seed: Integer.
        number: Integer, of the stage in `config.stages`.
        step: Integer, of the stage, to go on from.
    """
    name = config.stages[number]
    stage = config[name]
    left = stage.steps - step
    if left <= 0:
        return
    log = logging.MetricsLog(folder / "metrics.jsonl", config, seed, name, step)
    keeper = Keeper(folder / "checkpoint.npz", config, number, step, log)
    train = batches.shuffled(
        splits.train,
        config.batch_size,
        seed,
        number,
        step,
        config.get("augment", ""),
    )
    model.fit(
        train,
        steps_per_epoch=left,
        callbacks=[*_callbacks(model, stage, splits, folder), log, keeper],
        shuffle=False,
        verbose=0,
    )
    if len(splits.validation.labels):
        log.note(evaluation.accuracy(model, splits.validation), "validation")
    keeper.save(stage.steps)


def _callbacks(model, stage, splits, folder):
    """Those that act between two steps: checkpoints come after them."""
    names = {unit.method.name for unit in units.tagged(model.variables)}
    held_out = [x[: stage.get("search_examples")] for x in splits.validation]
    found = [
        driver(held_out, folder / f"{name}.jsonl")
        for name, driver in callbacks.REQUIRED.items()
        if name in names
    ]
    if "gate" in stage:
        dense = npz.load(folder / "dense.npz")
        trace = folder / "gate.jsonl"
        fields = stage.gate.to_dict()
        found.append(callbacks.GuidedGate(dense, trace=trace, **fields))
    return found


class Keeper(keras.callbacks.Callback):
    """Writes a checkpoint every so many steps.

    Args:
        path: Path of the checkpoint.
        config: ConfigDict of the run, with `checkpoint_every`.
        stage: Integer, number of the stage.
        begin: Integer, the step it starts or resumes at.
        log: `logging.MetricsLog`, whose lines are flushed before.
    """

    def __init__(self, path: pathlib.Path, config, stage: int, begin: int, log):
        super().__init__()
        self._path, self._stage, self._begin = path, stage, begin
        self._every, self._log = config.checkpoint_every, log

    def on_train_batch_end(self, batch, logs=None):
        step = self._begin + batch + 1
        if step % self._every == 0:
            self.save(step)

    def save(self, step: int) -> None:
        """Writes a checkpoint of a step of the stage."""
        size = self._log.flush()
        progress = {"stage": self._stage, "step": step, "metrics": size}
        checkpoints.save(self._path, self.model, progress)
