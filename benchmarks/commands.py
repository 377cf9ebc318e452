"""The benchmarks by name, as `scripts/benchmark.py` runs them."""

from __future__ import annotations

from benchmarks import callers
from benchmarks import engines
from benchmarks import force
from benchmarks import gates
from benchmarks import images
from benchmarks import kernels
from benchmarks import low_rank
from benchmarks import model_layers
from benchmarks import models
from benchmarks import nets
from benchmarks import processor
from benchmarks import runs
from benchmarks import search_contest
from benchmarks import search_speed
from benchmarks import slimmed
from benchmarks import slimming
from benchmarks import smaller
from benchmarks import training
from benchmarks import winograd


def run(name: str, flags) -> str:
    """Runs a benchmark.

    Args:
        name: String, one of `scripts/benchmark.py`.
        flags: The flags of that script.

    Returns:
        The results as Markdown, and which processor they come from.
    """
    results = _COMMANDS[name](flags).rstrip()
    return f"{results}\n\nMeasured on {processor.describe()}.\n"


def _training(flags):
    return training.run(flags.rounds, flags.tfmot)


def _kernels(flags):
    setup = kernels.Setup(
        _sparsities(flags), flags.batch, flags.threads, flags.layers
    )
    environments = engines.Environments(flags.engines, flags.deepsparse)
    return kernels.run(setup, environments, flags.rounds, flags.plot)


def _models(flags):
    setup = models.Setup(
        flags.model, _sparsities(flags), flags.batch, flags.threads
    )
    environments = engines.Environments(
        flags.engines, flags.deepsparse, flags.convert
    )
    return models.run(setup, environments, flags.rounds)


def _layers(flags):
    setup = model_layers.Setup(
        flags.model[0], _sparsities(flags)[0], flags.batch, flags.threads
    )
    return model_layers.run(setup, flags.rounds, flags.plot)


def _gates(flags):
    return gates.run(flags.model, flags.machine, flags.batch)


def _images(flags):
    return images.run(flags.rounds)


def _slimming(flags):
    del flags  # It has none.
    return slimming.run_all()


def _families(flags):
    del flags
    return slimming.run_families()


def _slimmed(flags):
    setup = models.Setup(
        flags.model, _sparsities(flags), flags.batch, flags.threads
    )
    environments = engines.Environments(
        engines=flags.engines, convert=flags.convert
    )
    return slimmed.run(setup, environments, flags.rounds)


def _smaller(flags):
    return smaller.run(
        flags.workdir[0], flags.batch, flags.threads, flags.rounds
    )


def _runs(flags):
    return runs.run(flags.workdir, flags.batch, flags.threads, flags.rounds)


def _callers(flags):
    return callers.run(flags.rounds)


def _search(flags):
    speed = search_speed.run(flags.rounds)
    return f"{speed}\n{search_contest.run(flags.plot)}"


def _low_rank(flags):
    return low_rank.run(flags.rounds, flags.batch, flags.threads)


def _force(flags):
    return force.run(flags.rounds, flags.batch)


def _winograd(flags):
    setup = kernels.Setup(
        _sparsities(flags), flags.batch, flags.threads, flags.layers
    )
    environments = engines.Environments(flags.engines, flags.deepsparse)
    return winograd.run(setup, environments, flags.rounds)


def _sparsities(flags):
    return tuple(
        word if word == nets.SKIMCAFFE else float(word)
        for word in flags.sparsities
    )


_COMMANDS = {
    "training": _training,
    "kernels": _kernels,
    "models": _models,
    "layers": _layers,
    "gates": _gates,
    "images": _images,
    "slimming": _slimming,
    "families": _families,
    "slimmed": _slimmed,
    "smaller": _smaller,
    "runs": _runs,
    "callers": _callers,
    "search": _search,
    "low_rank": _low_rank,
    "force": _force,
    "winograd": _winograd,
}
