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
    from tfprune.experiments import rank_figures
    from tfprune.experiments import workdir
    from tfprune.report import plots
    from tfprune.report import search_plots
    from tfprune.search import trace

    root = pathlib.Path(_WORKDIR.value)
    config = workdir.config(root)
    (root / "plots").mkdir(exist_ok=True)
    for seed in config.seeds:
        folder = root / "seeds" / str(seed)
        records = workdir.read_metrics(folder / "metrics.jsonl")
        records = [record for record in records if "accuracy" in record]
        path = root / "plots" / f"accuracy_and_sparsity_{seed}.png"
        plots.accuracy_and_sparsity(records, path)
        print(path)
        for stage in config.stages:
            if (folder / f"{stage}.jsonl").exists():
                path = root / "plots" / f"{stage}_{seed}.png"
                search_plots.search(trace.read(folder / f"{stage}.jsonl"), path)
                print(path)
    if (root / "report.json").exists():
        path = root / "plots" / "sparsity_per_layer.png"
        report = json.loads((root / "report.json").read_text())
        plots.sparsity_per_layer(report, path)
        print(path)
    if config.get("rank_energy"):
        rank_figures.draw([root, *filter(None, [_BESIDE.value])])


if __name__ == "__main__":
    command_line.run(main)
