"""A CoupledAxis says in runs which channel each entry belongs to."""

import numpy as np
import pytest

from tfprune.core import coupled_axis


@pytest.mark.parametrize(
    "channels, runs",
    [
        ([0, 1, 2], [(0, 3)]),
        ([5], [(5, 1)]),
        ([-1, -1], [(-1, 2)]),
        ([3, 4, 3, 4], [(3, 2), (3, 2)]),
        ([2, -1, -1, 0, 1], [(2, 1), (-1, 2), (0, 2)]),
        ([-1, 0, 1, -1], [(-1, 1), (0, 2), (-1, 1)]),
        ([4, 3, 2], [(4, 1), (3, 1), (2, 1)]),
    ],
)
def test_runs_say_what_a_list_says(channels, runs):
    axis = coupled_axis.CoupledAxis.of(
        "kernel", "kernel", -1, np.array(channels)
    )
    assert list(axis.runs) == runs
    assert axis.channels.tolist() == channels
