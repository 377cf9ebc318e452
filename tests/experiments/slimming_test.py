"""One small member of each family of keras.applications, half of it removed.

A minute in all: those that are not QUICK run with TFPRUNE_SLOW_TESTS=1.
"""

import os

import pytest

from tfprune.experiments.benchmarks import slimming

QUICK = {"MobileNetV3Small", "ResNet50V2", "Xception"}


@pytest.mark.parametrize("name", slimming.FAMILIES)
def test_half_of_the_filters_go(name):
    if name not in QUICK and not os.environ.get("TFPRUNE_SLOW_TESTS"):
        pytest.skip("slow")
    cells = [cell.strip() for cell in slimming.row(name).split("|")]
    _, _, _, filters, parameters, _, macs, difference, _, _ = cells
    half = name != "ConvNeXtTiny"  # Its trunk is normalized over channels.
    assert float(filters[:-1]) > (49 if half else 30)
    assert float(parameters[:-1]) > (70 if half else 40)
    assert float(macs[:-1]) < (35 if half else 60)
    assert float(difference) < 1e-5
