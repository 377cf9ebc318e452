"""OLMPSearch: searches thresholds between two training steps."""

from __future__ import annotations

import contextlib
import warnings

import keras
import numpy as np

from tfprune import backend
from tfprune import search
from tfprune.callbacks import update_interval
from tfprune.core import units as units_lib
from tfprune.graph import pruned
from tfprune.methods import olmp
from tfprune.search import executors
from tfprune.search import problem as problem_lib
from tfprune.search import trace as trace_lib


class OLMPSearch(keras.callbacks.Callback):
    """Runs the searches of `methods.OLMP` while a model is trained.

    A run that was killed in the middle of a search goes on with it, if it is
    resumed from a checkpoint before the search and has the trace.

    Args:
        data: Tuple of arrays (examples, labels): training data that is held
            out from training.
        trace: File to write all candidates to, or None (default).
        batch_size: Integer or None, examples in one pass. Defaults to None.
        executor: Who measures candidates: `"serial"` (default), here;
            `"processes"`, of this machine; `"ray"`. What is found is the same.
        workers: Integer, processes of the latter two. Defaults to 2.

    Raises:
        ValueError: when training begins, for a model that OLMP does not
            prune, an unknown executor, or where `steps_per_execution` does
            not divide the interval.

    Reference:
        Li, Qian, Jiang, Lu, Tang. Optimization based Layer-wise
        Magnitude-based Pruning for DNN Compression. IJCAI 2018.
    """

    def __init__(
        self,
        data,
        trace=None,
        batch_size: int | None = None,
        executor: str = "serial",
        workers: int = 2,
    ):
        super().__init__()
        self._data, self._batch_size = data, batch_size
        self._trace = trace_lib.Trace(trace)
        self._executor_name, self._workers = executor, workers

    def on_train_begin(self, logs=None):
        found = pruned.units_by(self.model, olmp.OLMPPruner, "OLMP")
        self._units = list(found.values())
        self._pruner = self._units[0].method.pruner
        self._plan = self._pruner.plan
        update_interval.check_steps(self.model, self._plan.interval)
        self._problem = problem_lib.Problem(
            self.model,
            self._data,
            self._plan.delta,
            layers=list(found),
            objective=self._plan.objective,
            target_cost=self._plan.target_cost,
            batch_size=self._batch_size,
        )
        self._resources = contextlib.ExitStack()
        self._executor = self._resources.enter_context(
            executors.build(self._executor_name, self._problem, self._workers)
        )
        self._search_if_due()

    def on_train_end(self, logs=None):
        self._resources.close()

    def on_train_batch_end(self, batch, logs=None):
        self._search_if_due()

    def _search_if_due(self):
        step = int(backend.to_numpy(self._units[0].updates))
        last = max(unit.settings["searched_step"] for unit in self._units)
        if not self._plan.due(step, last):
            return
        selected = self._selected(step)
        # Of one layer alone there is nothing to trade.
        if selected.sum() > 1:
            self._search(step, selected)
        for unit in self._units:
            unit.settings["searched_step"] = step

    def _selected(self, step):
        """The layers drawn at random, of those that are not frozen."""
        settings = units_lib.settings_of(self._units)
        due = backend.to_numpy(self._pruner.due(step, settings))
        return due & [not unit.frozen for unit in self._units]

    def _search(self, step, selected):
        problem, plan = self._problem, self._plan
        self._executor.refresh()
        searcher = self._searcher(step, selected)
        about = {
            "layers": problem.layers,
            "reference": problem.reference,
            "search": searcher.state(),
            "fingerprint": problem.fingerprint(),
        }
        self._trace.begin(step, about, plan.population)
        some = _Some(self._executor, problem.incumbent, selected)
        best = trace_lib.run(searcher, some, self._trace)
        if best.is_feasible:
            problem.apply(some.whole([searcher.best])[0])
        else:
            warnings.warn(_nothing_found(step, best, problem), stacklevel=2)

    def _searcher(self, step, selected):
        plan, count = self._plan, int(selected.sum())
        incumbent = self._problem.incumbent[selected]
        return search.build(
            plan.acceptance,
            np.clip(incumbent, plan.lower, plan.upper),
            [plan.lower] * count,
            [plan.upper] * count,
            sigma=plan.sigma_at(step),
            population=plan.population,
            evaluations=plan.evaluations,
            seed=[plan.seed, step],
        )


class _Some:
    """Measures candidates of some layers; the others are as they were."""

    def __init__(self, executor, incumbent, selected):
        self._executor, self._selected = executor, selected
        self._incumbent = incumbent

    def whole(self, candidates):
        candidates = np.array(candidates)
        rows = np.tile(self._incumbent, (len(candidates), 1))
        rows[:, self._selected] = candidates
        return rows

    def evaluate(self, candidates):
        return self._executor.evaluate(self.whole(candidates))


def _nothing_found(step, best, problem):
    return (
        f"the search at step {step} found no thresholds within delta="
        f"{problem.delta}: the best reach an accuracy of {best.accuracy:.4f}, "
        f"{problem.bound:.4f} is the least allowed. The net keeps its masks; a "
        "greater delta, a smaller sigma or more evaluations find more."
    )
