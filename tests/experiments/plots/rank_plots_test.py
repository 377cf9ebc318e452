import numpy as np
import pytest

from experiments.plots import rank_plots
from tfprune import planning

RUN = [
    {"step": 10, "ranks": {"a": 5, "b": 3}},
    {"step": 20, "ranks": {"a": 4, "b": 2}},
]
SPECTRA = {name: np.linspace(0.5, 1, 4) for name in "abcde"}
SENSITIVITY = planning.RankSensitivity(0.9, {"a": [4, 2]}, {"a": [0.9, 0.5]})
DRAWN = [
    (rank_plots.rank_over_steps, {"none": RUN, "force": RUN}),
    (rank_plots.energy_spectra, {"none": SPECTRA, "force": {"a": [0.9, 1.0]}}),
    (rank_plots.accuracy_over_rank, SENSITIVITY),
]
NOTHING = [
    (rank_plots.rank_over_steps, {}),
    (rank_plots.energy_spectra, {"none": {}}),
    (rank_plots.accuracy_over_rank, planning.RankSensitivity(0.9, {}, {})),
]


@pytest.mark.parametrize(("draw", "values"), DRAWN)
def test_an_image_is_written(draw, values, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "plot.png"
    draw(values, path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("draw", "values"), NOTHING)
def test_nothing_to_draw(draw, values, tmp_path):
    with pytest.raises(ValueError, match="at least one layer to draw"):
        draw(values, tmp_path / "plot.png")
