"""Executors: who measures candidates. The outcomes are the same from all.

A worker is a process with a copy of the problem. It learns the values of the
model's variables once for each `refresh`, and is sent candidates only.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import json
import multiprocessing
import pathlib
import tempfile

import keras
import numpy as np

from tfprune import backend
from tfprune.optimizers import model_state
from tfprune.search import problem as problem_lib
from tfprune.utils import validation


def build(name: str, problem, workers: int = 2):
    """An executor, a context manager with `refresh` and `evaluate`.

    Args:
        name: `"serial"`, `"processes"` or `"ray"`.
        problem: `Problem`.
        workers: Integer, processes. Defaults to 2.

    Raises:
        ValueError: for an unknown name, or no workers.
    """
    validation.check_count("workers", workers, 1)
    if name not in EXECUTORS:
        raise ValueError(validation.unknown("executor", name, EXECUTORS))
    return EXECUTORS[name](problem, workers)


class Serial:
    """Measures candidates here, one after the other.

    Args:
        problem: `Problem`.
        workers: Integer, what others have; not used.
    """

    def __init__(self, problem, workers: int = 1):
        self._problem, self._workers = problem, workers

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def refresh(self) -> float:
        """Takes the model as it is now; returns its accuracy."""
        return self._problem.refresh()

    def evaluate(self, candidates) -> list[problem_lib.Outcome]:
        """An `Outcome` for each candidate."""
        return self._problem.evaluate(candidates)


class Processes(Serial):
    """Measures candidates in a pool of processes on this machine."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._pool = concurrent.futures.ProcessPoolExecutor(
            self._workers,
            multiprocessing.get_context("spawn"),
            _start,
            (_recipe(self._problem), self._workers),
        )
        self._version = 0
        self._publish()
        return self

    def __exit__(self, *error):
        self._pool.shutdown()
        self._folder.cleanup()

    def refresh(self):
        reference = super().refresh()
        self._publish()
        return reference

    def evaluate(self, candidates):
        parts = np.array_split(np.array(candidates), self._workers)
        found = self._measure([part for part in parts if len(part)])
        accuracies, counts = zip(*found, strict=True)
        return self._problem.judge(
            np.concatenate(accuracies), np.concatenate(counts)
        )

    def _publish(self):
        self._version += 1
        self._ticket = pathlib.Path(self._folder.name) / f"{self._version}.npz"
        np.savez(self._ticket, *_values(self._problem))

    def _measure(self, parts):
        tasks = [(self._ticket, part) for part in parts]
        return list(self._pool.map(_measure_file, tasks))


class Ray(Processes):
    """Measures candidates in Ray's actors, which may be on other machines.

    Raises:
        ImportError: without the package `ray`.
    """

    def __enter__(self):
        self._ray = _import_ray()
        if not self._ray.is_initialized():
            self._ray.init(include_dashboard=False, log_to_driver=False)
        actor = self._ray.remote(Worker)
        recipe = _recipe(self._problem)
        self._actors = [
            actor.remote(recipe, self._workers) for _ in range(self._workers)
        ]
        self._pool = importlib.import_module("ray.util").ActorPool(self._actors)
        self._publish()
        return self

    def __exit__(self, *error):
        for actor in self._actors:
            self._ray.kill(actor)

    def _publish(self):
        # In a list, Ray hands on the reference and not the arrays.
        self._ticket = [self._ray.put(_values(self._problem))]

    def _measure(self, parts):
        tasks = [(self._ticket, part) for part in parts]
        return list(
            self._pool.map(
                lambda x, task: x.measure_shared.remote(*task), tasks
            )
        )


EXECUTORS = {"serial": Serial, "processes": Processes, "ray": Ray}


class Worker:
    """A copy of a problem in another process.

    Args:
        recipe: What `_recipe` returned.
        workers: Integer, among how many this machine's cores are shared.
    """

    def __init__(self, recipe, workers: int):
        backend.share_cores(workers)
        config, arguments = recipe
        config = json.loads(config)
        model = keras.saving.deserialize_keras_object(config["model"])
        model_state.restore(model, config["pruned"])
        self._problem = problem_lib.Problem(model, **arguments)
        self._ticket = None

    def measure(self, ticket, load, candidates):
        """As `Problem.measure`, for the values of a ticket."""
        if ticket != self._ticket:
            for variable, value in zip(
                self._problem.variables, load(ticket), strict=True
            ):
                variable.assign(value)
            self._ticket = ticket
        return self._problem.measure(candidates)

    def measure_shared(self, ticket, candidates):
        """Measures with values that Ray keeps."""
        return self.measure(ticket, _from_ray, candidates)


def _recipe(problem):
    """What a worker makes its copy from; the values come with tickets."""
    config = keras.saving.serialize_keras_object(problem.model)
    config.pop("compile_config", None)
    # Costs are reckoned here: a worker has no use for, say, measured times.
    arguments = {**problem.arguments, "objective": "parameters"}
    pruned = model_state.get_config(problem.model)
    return json.dumps({"model": config, "pruned": pruned}), arguments


def _values(problem):
    return [backend.to_numpy(variable) for variable in problem.variables]


def _start(recipe, workers):
    global _WORKER
    _WORKER = Worker(recipe, workers)


def _measure_file(task):
    return _WORKER.measure(task[0], _from_file, task[1])


def _from_file(path):
    with np.load(path) as file:
        return [file[name] for name in file.files]


def _from_ray(ticket):
    return _import_ray().get(ticket[0])


def _import_ray():
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ImportError(
            "Searching with Ray needs it: pip install 'tfprune[ray]'"
        ) from error
