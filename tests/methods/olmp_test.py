"""OLMP: settings, searches between steps, and runs that are cut off."""

import json

import keras
import numpy as np
import pytest

import tfprune
from tests.search import nets
from tfprune import backend
from tfprune import callbacks
from tfprune import methods
from tfprune.core import units
from tfprune.search import trace as trace_lib

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


def method(**changes):
    arguments = {
        # It begins with nothing pruned, which is always feasible.
        "delta": 0.1,
        "c": -2.0,
        "lower": -2.0,
        "sigma": 2.0,
        "interval": 4,
        "prune_stop": 10,
        "evaluations": 40,
        "gamma": 0.0,
    }
    return methods.OLMP(**{**arguments, **changes})


def compiled(model, **arguments):
    model.compile(
        tfprune.PruningOptimizer(keras.optimizers.SGD(0.01, momentum=0.9)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **arguments,
    )
    return model


def pruned(own=None, **arguments):
    model = tfprune.prune(nets.dense(), own or method())
    return compiled(model, **arguments)


def fit(model, steps, *callbacks):
    x, y = nets.data(8 * steps, seed=2)
    model.fit(x, y, 8, shuffle=False, verbose=0, callbacks=list(callbacks))
    return model


def driver(**arguments):
    return callbacks.OLMPSearch(nets.data(), **arguments)


def state(model):
    return [backend.to_numpy(v) for v in model.variables] + [
        backend.to_numpy(v) for v in model.optimizer.variables
    ]


def assert_same(one, other):
    for a, b in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


def kept(model):
    return sum(
        int(target.mask.numpy().sum())
        for unit in units.tagged(model.variables)
        for target in unit.targets
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing interrupts, and its trace."""
    path = tmp_path_factory.mktemp("whole") / "trace.jsonl"
    return fit(pruned(), 12, driver(trace=path)), trace_lib.read(path)


class TestSearch:
    def test_steps_of_searches(self, whole):
        headers = [line for line in whole[1] if "fingerprint" in line]
        assert [line["step"] for line in headers] == [0, 4, 8]
        for settings in tfprune.settings(whole[0]).values():
            assert settings["searched_step"] == 8

    def test_evaluations(self, whole):
        for step in (0, 4, 8):
            tried = [x for x in whole[1] if x["step"] == step][1:]
            assert len(tried) == 50  # The start, and what 40 allow after it.

    def test_the_best_of_a_search_is_where_the_next_begins(self, whole):
        headers = [line for line in whole[1] if "fingerprint" in line]
        for one, other in zip(headers, headers[1:], strict=False):
            tried = [x for x in whole[1] if x["step"] == one["step"]][1:]
            best = min(tried, key=lambda x: x["value"])
            assert best["value"] <= tried[0]["value"]
            np.testing.assert_allclose(
                other["search"]["start"], best["candidate"], rtol=1e-6
            )

    def test_what_is_kept_obeys_the_bound(self, whole):
        for line in whole[1]:
            if "value" in line and line["value"] <= 1:
                (header,) = [
                    x
                    for x in whole[1]
                    if x["step"] == line["step"] and "reference" in x
                ]
                least = header["reference"] - 0.1
                assert line["accuracy"] >= least - 1e-6

    def test_prunes(self, whole):
        assert kept(whole[0]) < 632 / 2

    def test_goes_for_accuracy_from_the_target_cost_on(self, tmp_path):
        path = tmp_path / "trace.jsonl"
        fit(pruned(method(target_cost=0.5)), 4, driver(trace=path))
        lines = [x for x in trace_lib.read(path) if "candidate" in x]
        enough = [x for x in lines if x["cost"] <= 0.5 * 632]
        best = min(lines, key=lambda x: x["value"])
        assert best in enough and len(enough) > 1
        assert best["accuracy"] == max(x["accuracy"] for x in enough)

    def test_best_is_sent_to_the_live_net(self, tmp_path):
        """Without one step of training, masks are those of the best."""
        model, path = pruned(), tmp_path / "trace.jsonl"
        search = driver(trace=path)
        search.set_model(model)
        search.on_train_begin()
        best = min(trace_lib.read(path)[1:], key=lambda x: x["value"])
        assert kept(model) == best["kept"]

    def test_no_surgery_from_prune_stop_on(self):
        model = fit(pruned(), 10, driver())
        before = kept(model)
        assert kept(fit(model, 12, driver())) == before

    def test_only_selected_layers_are_searched(self, tmp_path):
        own = method(settings={"conv": {"stop_step": 0.0}})
        model, path = pruned(own), tmp_path / "trace.jsonl"
        fit(model, 2, driver(trace=path))
        (header,) = [x for x in trace_lib.read(path) if "search" in x]
        assert len(header["search"]["start"]) == 2
        # The others keep their setting, in candidates and in the net.
        assert tfprune.settings(model)["conv"]["c"] == -2.0

    def test_one_layer_alone_is_not_searched(self, tmp_path):
        stopped = {"stop_step": 0.0}
        own = method(settings={"conv": stopped, "out": stopped})
        path = tmp_path / "trace.jsonl"
        fit(pruned(own), 2, driver(trace=path))
        assert not path.exists()

    @pytest.mark.parametrize("acceptance", ["sampling", "cma"])
    def test_other_searches(self, acceptance):
        assert kept(fit(pruned(method(acceptance=acceptance)), 2, driver())) < (
            632
        )

    def test_nothing_feasible_changes_nothing(self, monkeypatch):
        """Data that the net has never seen right: no bound can be met."""
        model = pruned(method(delta=0.0))
        original = callbacks.olmp_search.problem_lib.Problem.refresh

        def refresh(self):
            original(self)
            self.reference = 2.0

        monkeypatch.setattr(
            callbacks.olmp_search.problem_lib.Problem, "refresh", refresh
        )
        search = driver()
        search.set_model(model)
        with pytest.warns(UserWarning, match=r"step 0 found no .* the best re"):
            search.on_train_begin()
        assert kept(model) == 632
        assert tfprune.settings(model)["conv"]["c"] == -2.0


class TestExecutors:
    def test_processes_find_the_same(self, whole, tmp_path):
        path = tmp_path / "trace.jsonl"
        search = driver(trace=path, executor="processes")
        assert_same(whole[0], fit(pruned(), 12, search))
        assert trace_lib.read(path) == whole[1]

    def test_ray_finds_the_same(self, whole, tmp_path):
        ray = pytest.importorskip("ray")
        path = tmp_path / "trace.jsonl"
        try:
            search = driver(trace=path, executor="ray")
            assert_same(whole[0], fit(pruned(), 12, search))
        finally:
            ray.shutdown()
        assert trace_lib.read(path) == whole[1]

    def test_bad_ones_are_named(self):
        with pytest.raises(ValueError, match="Did you mean 'processes'"):
            fit(pruned(), 1, driver(executor="proceses"))
        with pytest.raises(ValueError, match="`workers` must be an integer"):
            fit(pruned(), 1, driver(executor="processes", workers=0))


class TestResume:
    def test_saved_and_resumed_is_no_interruption(self, whole, tmp_path):
        """Saved at a step whose search is done, and not done again."""
        x, y = nets.data(8 * 12, seed=2)
        model = pruned()
        model.fit(
            x[:32], y[:32], 8, shuffle=False, verbose=0, callbacks=[driver()]
        )
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras")
        model.fit(
            x[32:], y[32:], 8, shuffle=False, verbose=0, callbacks=[driver()]
        )
        assert_same(whole[0], model)

    @pytest.mark.parametrize(
        ("cut", "torn"), [(1, False), (37, True), (100, False)]
    )
    def test_killed_in_a_search(self, whole, tmp_path, monkeypatch, cut, torn):
        """From before the first search, with the trace up to some line."""
        path = tmp_path / "trace.jsonl"
        lines = [json.dumps(line) + "\n" for line in whole[1]]
        rest = lines[cut][:20] if torn else ""
        path.write_text("".join(lines[:cut]) + rest)
        evaluated = count_evaluations(monkeypatch)
        model = fit(pruned(), 12, driver(trace=path))
        assert_same(whole[0], model)
        # Generations that are not whole are measured again, and so are
        # later searches: from here on, they have not happened.
        assert trace_lib.read(path) == whole[1]
        first = min(cut - 1, 50) // 10 * 10
        assert sum(evaluated) == 150 - first

    def test_a_trace_of_another_net_is_not_taken_up(
        self, whole, tmp_path, monkeypatch
    ):
        path = tmp_path / "trace.jsonl"
        path.write_text("".join(json.dumps(x) + "\n" for x in whole[1]))
        model = pruned()
        kernel = model.get_layer("out").kernel
        kernel.assign(1.01 * kernel.value)
        evaluated = count_evaluations(monkeypatch)
        fit(model, 2, driver(trace=path))
        assert sum(evaluated) == 50

    def test_steps_per_execution(self, whole):
        model = fit(pruned(steps_per_execution=4), 12, driver())
        assert_same(whole[0], model)


def count_evaluations(monkeypatch):
    counts = []
    problem = callbacks.olmp_search.problem_lib.Problem
    original = problem.evaluate

    def evaluate(self, candidates):
        counts.append(len(candidates))
        return original(self, candidates)

    monkeypatch.setattr(problem, "evaluate", evaluate)
    return counts


class TestArguments:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"delta": -1.0}, "`delta` must be >= 0"),
            ({"target_cost": -0.1}, r"`target_cost` must be in \[0, 1\)"),
            ({"interval": 0}, "`interval` must be an integer from 1"),
            ({"acceptance": "nsc"}, "Did you mean 'ncs'"),
            ({"objective": "flops"}, "`objective` must be one of"),
            ({"c": 11.0}, "`c` must be from lower=-2.0 to upper=10.0"),
            ({"upper": -3.0}, "`upper` must be > lower"),
            ({"sigma": 0.0}, "`sigma` must be"),
            ({"sigma": [(10, 1.0)]}, "`sigma` must be .* from step 0"),
        ],
    )
    def test_bad_ones_are_named(self, changes, words):
        with pytest.raises(ValueError, match=words):
            method(**changes)

    def test_sigma_by_step(self):
        plan = method(sigma=[(0, 5.0), (10_000, 0.5)]).pruner.plan
        assert [plan.sigma_at(s) for s in (0, 9_999, 10_000)] == [5, 5, 0.5]

    def test_a_model_of_another_method(self):
        model = pruned(methods.Surgery(c=0.0))
        with pytest.raises(ValueError, match="must be pruned by OLMP"):
            fit(model, 1, driver())

    def test_steps_per_execution_must_divide_the_interval(self):
        with pytest.raises(ValueError, match="`steps_per_execution` must div"):
            fit(pruned(steps_per_execution=3), 3, driver())
