"""Runs an experiment: its stages one after the other, for each seed.

A stage is a change of the model (prune it, freeze its masks, remove filters),
a solver and a number of steps, counted from 0: surgery's coin starts anew on a
trained net.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import pathlib
import typing

import keras

from experiments import checkpoints
from experiments import datasets
from experiments import evaluation
from experiments import logging
from experiments import solvers
from experiments import workdir
from experiments.datasets import batches
from tfprune import api
from tfprune import applications
from tfprune import backend
from tfprune import callbacks
from tfprune import methods
from tfprune import optimizers
from tfprune.compress import winograd
from tfprune.compress.filters import remove
from tfprune.core import units
from tfprune.exporters import compact
from tfprune.profiling import projection
from tfprune.utils import validation


def run(config, path, init: str = "") -> dict:
    """Trains every seed of a config and writes what came out.

    Killed at any point, the same call goes on from the last checkpoint.

    Args:
        config: ConfigDict, as `configs/` describe it.
        path: Workdir, made by `workdir.create`.
        init: A file to take the first weights from. Defaults to none.

    Returns:
        The summary, as in summary.json.
    """
    with workdir.locked(path):
        work = [
            (config, workdir.seed_dir(path, s), s, init) for s in config.seeds
        ]
        if config.processes > 1:
            _in_processes(work, config.processes)
        else:
            for one in work:
                run_seed(*one)
        return evaluation.summarize(config, path)


def run_seed(config, folder, seed: int, init: str = "") -> None:
    """Trains one seed through all stages, from where it stopped."""
    splits = datasets.load(config.data)
    model, begin, step, optimizer = _start(config, folder, seed, init)
    for number in range(begin, len(config.stages)):
        stage = config[config.stages[number]]
        if step is None:
            _keep_dense(model, stage, folder)
            model, step, optimizer = change(model, stage, splits), 0, None
        _compile(model, stage, config, optimizer, folder)
        _fit(model, splits, config, folder, seed, number, step)
        step = None
    machine = _machine(config)
    evaluation.finish(model, splits, folder, seed, **machine)


def change(model: keras.Model, stage, splits) -> keras.Model:
    """Applies the change that a stage begins with.

    Args:
        model: Keras model.
        stage: ConfigDict.
        splits: `Splits` of the data, of which some changes see examples.

    Raises:
        ValueError: for an unknown one.
    """
    name = stage.get("change") or "none"
    if name not in CHANGES:
        raise ValueError(validation.unknown("change", name, CHANGES))
    return CHANGES[name](model, stage, splits)


def _keep_dense(model, stage, folder):
    """Keeps the net as it was before it lost anything, to compare with."""
    loses = stage.get("change") in ("prune", "factorize")
    if loses and stage.get("from_dense", True):
        compact.save(api.strip(model), folder / "dense.npz")


def _prune(model, stage, splits):
    arguments = stage.method.to_dict()
    if "gate" in stage:
        own = arguments.get("settings", {})
        arguments["settings"] = {**_gate(model, stage.gate).settings(), **own}
    return api.prune(model, methods.build(arguments.pop("name"), **arguments))


def _factorize(model, stage, splits):
    factorized = api.factorize(api.strip(model), **stage.factorize.to_dict())
    print(factorized)
    return factorized.model


def _winograd(model, stage, splits):
    count = stage.get("examples")
    if count and not hasattr(splits.train, "images"):
        raise ValueError(
            "`examples` must be left out where images are streamed. Received: "
            f"examples={count}"
        )
    return winograd.to_winograd(
        model,
        stage.get("filters"),
        data=splits.train.images[:count] if count else None,
    )


def _gate(model, fields):
    """Asks which layers of a net would be faster if they were sparse."""
    found = projection.gate(model, **_on(fields))
    print(found)
    return found


def _machine(config):
    """Returns what a gate of the last stage that has one projects for."""
    gates = [config[x].gate for x in config.stages if "gate" in config[x]]
    return _on(gates[-1]) if gates else {}


def _on(fields):
    names = ("machine", "batch_size")
    return {name: fields[name] for name in names if name in fields}


CHANGES: dict[str, typing.Callable] = {
    "none": lambda model, stage, splits: model,
    "factorize": _factorize,
    "prune": _prune,
    "freeze": lambda model, stage, splits: api.freeze(model),
    "strip": lambda model, stage, splits: api.strip(model),
    "winograd": _winograd,
    "slim": lambda model, stage, splits: (
        remove.remove_filters(api.strip(model)).model
    ),
}


def _start(config, folder, seed, init):
    """Returns model, stage, step and optimizer state to go on from.

    A step of None means that the stage's change is still to be made.
    """
    file = folder / "checkpoint.npz"
    if file.exists():
        model, optimizer, progress = checkpoints.load(file)
        metrics = folder / "metrics.jsonl"
        workdir.truncate_metrics(metrics, progress["metrics"])
        return model, progress["stage"], progress["step"], optimizer
    (folder / "metrics.jsonl").unlink(missing_ok=True)
    keras.utils.set_random_seed(seed)
    model = applications.build(config.model, seed)
    if init:
        checkpoints.initialize(model, init)
    return model, 0, None, None


def _compile(model, stage, config, state, folder):
    """Compiles for a stage; the optimizer takes up a saved state."""
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


def _fit(model, splits, config, folder, seed, number, step):
    """Trains the rest of a stage."""
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
        callbacks=[*_drivers(model, stage, splits, folder), log, keeper],
        shuffle=False,
        verbose=0,
    )
    if len(splits.validation.labels):
        log.note(evaluation.accuracy(model, splits.validation), "validation")
    keeper.save(stage.steps)


def _drivers(model, stage, splits, folder):
    """What works between two steps comes first: checkpoints are after it."""
    names = {unit.method.name for unit in units.tagged(model.variables)}
    held_out = [x[: stage.get("search_examples")] for x in splits.validation]
    found = [
        driver(held_out, folder / f"{name}.jsonl")
        for name, driver in callbacks.REQUIRED.items()
        if name in names
    ]
    if "gate" in stage:
        dense = compact.load(folder / "dense.npz")
        trace = folder / "gate.jsonl"
        fields = stage.gate.to_dict()
        found.append(callbacks.GuidedGate(dense, trace=trace, **fields))
    return found


class Keeper(keras.callbacks.Callback):
    """Writes a checkpoint every so many steps."""

    def __init__(self, path: pathlib.Path, config, stage: int, begin: int, log):
        super().__init__()
        self._path, self._stage, self._begin = path, stage, begin
        self._every, self._log = config.checkpoint_every, log

    def on_train_batch_end(self, batch, logs=None):
        step = self._begin + batch + 1
        if step % self._every == 0:
            self.save(step)

    def save(self, step: int) -> None:
        size = self._log.flush()
        progress = {"stage": self._stage, "step": step, "metrics": size}
        checkpoints.save(self._path, self.model, progress)


def _in_processes(work, processes):
    """Runs seeds side by side, each with its share of the cores."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        processes, context, backend.share_cores, (processes,)
    ) as pool:
        for done in [pool.submit(run_seed, *one) for one in work]:
            done.result()
