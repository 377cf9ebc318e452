"""Figures of the ranks of runs, beside each other."""

from __future__ import annotations

import pathlib

from experiments import workdir
from experiments.plots import rank_plots
from tfprune.compress.low_rank import spectra
from tfprune.exporters import npz


def draw(paths: list) -> list[pathlib.Path]:
    """Draws ranks over the steps, and the spectra before factorisation.

    Args:
        paths: Workdirs of runs that logged ranks. The first seed of each is
            drawn, into the `plots` of the first one.

    Returns:
        List of the files.
    """
    roots = [pathlib.Path(path) for path in paths]
    records, nets = {}, {}
    for root in roots:
        config = workdir.config(root)
        folder = workdir.seed_dir(root, config.seeds[0])
        records[root.name] = _ranks(folder, config.stages[0])
        dense = npz.load(folder / "dense.npz")
        nets[root.name] = spectra.spectra(dense).energies
    plots = roots[0] / "plots"
    ranks, energies = plots / "ranks.png", plots / "spectra.png"
    rank_plots.rank_over_steps(records, ranks)
    rank_plots.energy_spectra(nets, energies)
    return [ranks, energies]


def _ranks(folder, stage):
    """The records of the stage in which layers are whole."""
    found = workdir.read_metrics(folder / "metrics.jsonl")
    return [x for x in found if "ranks" in x and x["stage"] == stage]
