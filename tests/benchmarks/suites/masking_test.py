"""The table of what masks move, on a few weights."""

import numpy as np

from benchmarks.suites import masking


def test_every_part_is_a_row():
    weights = [np.ones((4, 3), "float32"), np.ones((2, 2, 3), "float32")]
    text = masking.run(10, weights, lambda: sum(range(1000)))
    rows = [x for x in text.split("\n") if x.startswith("| ")][2:]
    assert len(rows) == 5 and all(row.count("%") == 2 for row in rows)
