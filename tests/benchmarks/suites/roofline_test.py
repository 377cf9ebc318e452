"""Which layers of published nets are worth pruning, as projected."""

import pytest

from benchmarks.suites import roofline


def test_tables_of_published_nets():
    both = ["xeon_e5_2697v4", "atom_c2750"]
    text = roofline.run(["googlenet"], both, 1)
    assert "| xeon_e5_2697v4 | 2150 | 122 | 3.00 | 2 |" in text
    xeon, atom = text.split("## googlenet on ")[1:]
    assert "| inception_3a_3x3 | " in xeon and "| useful |" in xeon
    assert atom.startswith("atom_c2750, batch 1")
    with pytest.raises(ValueError, match="`model` must be one of: caffenet"):
        roofline.run(["mobilenet_v2"], both, 1)
    with pytest.raises(ValueError, match="`machine` must be one of"):
        roofline.run(["googlenet"], ["atom"], 1)
