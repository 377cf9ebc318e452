"""Draws a run: accuracy and sparsity over the steps, sparsity per layer.

    python scripts/plot.py --workdir=runs/lenet300

Where thresholds were searched it draws every candidate; where ranks were
logged, them and the spectra, `--beside` another run.
"""

import json
import pathlib

import command_line
from absl import flags

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a run.")
_BESIDE = flags.DEFINE_string("beside", None, "Folder of a run to compare.")
flags.mark_flag_as_required("workdir")


def main():
    from experiments import workdir
    from experiments.plots import rank_figures

    root = pathlib.Path(_WORKDIR.value)
    config = workdir.config(root)
    (root / "plots").mkdir(exist_ok=True)
    for seed in config.seeds:
        draw_seed(root / "seeds" / str(seed), config.stages, root / "plots")
    if (root / "report.json").exists():
        draw_report(root / "report.json", root / "plots")
    if config.get("rank_energy"):
        files = rank_figures.draw([root, *filter(None, [_BESIDE.value])])
        print(*files, sep="\n")


def draw_seed(folder, stages, plots_dir):
    """Draws the training of a seed, and the searches of its stages."""
    from experiments import workdir
    from experiments.plots import curves
    from experiments.plots import search_plots
    from tfprune.search import trace

    records = workdir.read_metrics(folder / "metrics.jsonl")
    records = [record for record in records if "accuracy" in record]
    path = plots_dir / f"accuracy_and_sparsity_{folder.name}.png"
    curves.accuracy_and_sparsity(records, path)
    print(path)
    for stage in stages:
        if (folder / f"{stage}.jsonl").exists():
            path = plots_dir / f"{stage}_{folder.name}.png"
            search_plots.search(trace.read(folder / f"{stage}.jsonl"), path)
            print(path)


def draw_report(file, plots_dir):
    """Draws what is left of each layer."""
    from experiments.plots import curves

    path = plots_dir / "sparsity_per_layer.png"
    curves.sparsity_per_layer(json.loads(file.read_text()), path)
    print(path)


if __name__ == "__main__":
    command_line.run(main)
