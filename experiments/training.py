"""Runs an experiment: its stages one after the other, for each seed.

A seed starts from new weights or goes on from its checkpoint; what it leaves
in its folder is described in `workdir.py`.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing

import keras

from experiments import checkpoints
from experiments import datasets
from experiments import evaluation
from experiments import loop
from experiments import stages
from experiments import workdir
from tfprune import applications
from tfprune import backend
from tfprune.exporters import npz


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
            model = stages.change(model, stage, splits)
            step, optimizer = 0, None
        loop.compile_model(model, stage, config, optimizer, folder)
        loop.fit(model, splits, config, folder, seed, number, step)
        step = None
    evaluation.finish(model, splits, folder, seed, **stages.machine(config))


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


def _keep_dense(model, stage, folder):
    """Keeps the net as it was before it lost anything, to compare with."""
    loses = stage.get("change") in ("prune", "factorize")
    if loses and stage.get("from_dense", True):
        npz.save(model, folder / "dense.npz")


def _in_processes(work, processes):
    """Runs seeds side by side, each with its share of the cores."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        processes, context, backend.share_cores, (processes,)
    ) as pool:
        for done in [pool.submit(run_seed, *one) for one in work]:
            done.result()
