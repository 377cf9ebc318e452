"""Thins finished runs to what results/ keeps of them.

    python scripts/thin.py results/lenet5_olmp

The log of each seed keeps at most `--lines` lines of training, dropping those
that accuracy and sparsity over the steps need least, and numbers of six digits.
The ends of stages and what was measured beside training (validation) stay. The
report and result of each seed go: summary.json has all results, and report.json
is the median's.
"""

import argparse
import json
import pathlib


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("workdirs", type=pathlib.Path, nargs="+")
    parser.add_argument("--lines", type=int, default=200)
    options = parser.parse_args(arguments)
    for root in options.workdirs:
        if not (root / "summary.json").exists():
            parser.error(
                "`workdirs` must be finished runs. Received: "
                f"{str(root)!r}, which has no summary.json."
            )
        for log in root.glob("seeds/*/metrics.jsonl"):
            thin_log(log, options.lines)
        for name in ("report.json", "result.json"):
            for file in root.glob(f"seeds/*/{name}"):
                file.unlink()


def thin_log(path: pathlib.Path, lines: int) -> None:
    """Rewrites a log with fewer lines and digits."""
    records = [
        json.loads(line, parse_float=lambda text: float(f"{float(text):.6g}"))
        for line in path.read_text().splitlines()
    ]
    dropped = _needed_least(records, lines)
    kept = [x for i, x in enumerate(records) if i not in dropped]
    path.write_text("".join(json.dumps(x) + "\n" for x in kept))


def _needed_least(records, lines):
    """The indices of the records that curves need least, one by one."""
    curve = [(i, x) for i, x in enumerate(records) if "accuracy" in x]
    bends, dropped = [_bend(curve, i) for i in range(len(curve))], set()
    while len(curve) > lines and min(bends) < float("inf"):
        place = bends.index(min(bends))
        dropped.add(curve.pop(place)[0])
        bends.pop(place)
        for beside in (place - 1, place):
            bends[beside] = _bend(curve, beside)
    return dropped


def _bend(curve, place):
    """How far a record is from the line between its neighbours."""
    near = [record for _, record in curve[max(place - 1, 0) : place + 2]]
    kinds = {(x["stage"], *x.get("layers", ())) for x in near}
    if len(near) < 3 or len(kinds) > 1:
        return float("inf")
    begin, step, end = (x["step"] for x in near)
    share = (step - begin) / (end - begin)
    values = ([x["accuracy"], *x.get("layers", {}).values()] for x in near)
    lines = zip(*values, strict=True)
    return max(abs(b - a - share * (c - a)) for a, b, c in lines)


if __name__ == "__main__":
    main()
