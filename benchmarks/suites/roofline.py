"""Which layers of published nets are worth pruning, and on which machine."""

from __future__ import annotations

from benchmarks.cases import models
from benchmarks.cases import skimcaffe
from benchmarks.harness import report
from tfprune.profiling import calibration
from tfprune.profiling import machines
from tfprune.profiling import projection

THIS = "this"


def main(flags) -> str:
    """Returns the results of a command line."""
    return run(flags.model, flags.machine, flags.batch)


def run(names, machine_names, batch_size: int) -> str:
    """Projects the gain of each layer at the sparsities that were published.

    Args:
        names: Strings, nets that SkimCaffe published.
        machine_names: Strings, of `profiling.machines`, or `"this"`.
        batch_size: Integer, examples in a call.

    Returns:
        Tables in Markdown, one for each net and machine.

    Raises:
        ValueError: for an unknown net or machine, before any is measured.
    """
    for name in names:
        skimcaffe.sparsities(name)
    for machine in machine_names:
        if machine != THIS:
            machines.get(machine)
    profiles = {machine: _profile(machine) for machine in machine_names}
    parts = [_about(names, profiles)]
    for name in names:
        model = models.pruned(name, models.SKIMCAFFE)
        for machine, profile in profiles.items():
            found = projection.project(model, profile, batch_size)
            parts.append(_section(name, machine, batch_size, found))
    return "\n".join(parts)


def _profile(machine):
    return calibration.calibrate() if machine == THIS else machines.get(machine)


def _about(names, profiles):
    """Returns the machines, since all of the rest follows from them."""
    rows = [
        (name, f"{x.flops / 1e9:.0f}", f"{x.bandwidth / 1e9:.0f}")
        + (f"{x.slowdown:.2f}", f"{x.overhead:.0f}")
        for name, x in profiles.items()
    ]
    heads = ("machine", "GFLOP/s", "GB/s", "alpha", "beta")
    return (
        "# Where pruning pays\n\n    python scripts/benchmark.py roofline "
        f"--model={','.join(names)} --machine={','.join(profiles)}\n\n"
        + report.table([heads, *rows])
    )


def _section(name, machine, batch_size, found):
    counts = {}
    for row in found.rows:
        counts[row.decision] = counts.get(row.decision, 0) + 1
    line = ", ".join(f"{count} {x}" for x, count in sorted(counts.items()))
    title = f"## {name} on {machine}, batch {batch_size}\n\n{line}\n\n"
    return title + report.table(found.cells())
