"""Ways to save a model that is pruned, and what goes on after each.

python -m tests.saving_ways > results/saving.md
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from tests import saving_process

# In the middle of the ramp, and after it.
STEPS = (3, 9)
_HEAD = """\
# Ways to save, by method

Each model is saved in all ways in the middle of its ramp and after it. A fresh
process loads the file and trains on. *yes*: all weights, masks, hidden values,
counters and variables of the optimizer are those of the model that was never
saved, bit for bit. "built": the optimizer had its variables before.

Made by `python -m tests.saving_ways > results/saving.md`.
"""


def compare(cells, folder: pathlib.Path) -> dict[tuple, dict[str, str]]:
    """Saves, loads in a fresh process and trains on.

    Args:
        cells: Pairs, name of a method and whether layers are wrapped.
        folder: Where files are written.

    Returns:
        Dict, (name, wrapped, steps before) to a dict: way to `"yes"` or to
        what differs first, and `"masked"`, the share of what has masks.
    """
    expected = {}
    for name, wrap in cells:
        model = saving_process.compiled(name, wrap)
        done = 0
        for first in STEPS:
            saving_process.train(model, first - done, done)
            path = folder / f"{name}-{first}-{'wrapped' if wrap else ''}"
            saving_process.save_all(model, path)
            done = first + saving_process.STEPS
            saving_process.train(model, saving_process.STEPS, first)
            expected[name, wrap, first] = path, saving_process.known(model)
    command = [sys.executable, "-m", "tests.saving_process", str(folder)]
    root = pathlib.Path(__file__).parents[1]
    subprocess.run(command, cwd=root, check=True)
    return {cell: _ways(*known) for cell, known in expected.items()}


def table(found: dict) -> str:
    """What `compare` returned, as Markdown."""
    ways = list(saving_process.LOAD)
    heads = ["method", "way", "saved after", "masked", *ways]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for (name, wrap, first), own in found.items():
        results = [own.get(way, "-") for way in ways]
        way = "wrapped" if wrap else "in place"
        cells = [name, way, f"{first} steps", own["masked"], *results]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ways(path, known):
    masks = [x.ravel() for key, x in known.items() if "mask" in key]
    found = {"masked": f"{1 - np.concatenate(masks).mean():.0%}"}
    for way in saving_process.ways(path):
        loaded = dict(np.load(path / f"{way}.npz"))
        wrong = [
            key
            for key in {**known, **loaded}
            if not _same(loaded.get(key), known.get(key))
        ]
        found[way] = wrong[0] if wrong else "yes"
    return found


def _same(one, other):
    both = one is not None and other is not None
    return both and np.array_equal(one, other, equal_nan=True)


if __name__ == "__main__":
    results = {}
    for method in saving_process.METHODS:
        with tempfile.TemporaryDirectory() as place:
            pairs = [(method, wrap) for wrap in (False, True)]
            results.update(compare(pairs, pathlib.Path(place)))
    print(_HEAD)
    print(table(results))
