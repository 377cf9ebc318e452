"""Counts of parameters, multiply-accumulates and bytes."""

import numpy as np
import pytest

from tfprune.profiling import roofline
from tfprune.utils import counts


def test_kept_counts_what_is_not_zero():
    assert counts.kept(np.array([[1.0, 0.0, -2.0], [0.0, -0.0, 1e-30]])) == 3
    assert counts.kept(np.zeros((3, 0))) == 0


@pytest.mark.parametrize(
    "weights, output_shape, features, expected",
    [
        # AlexNet (Krizhevsky, one tower): conv1, conv2 and fc6.
        (11 * 11 * 3 * 96, (None, 55, 55, 96), 96, 105_415_200),
        (5 * 5 * 96 * 256, (None, 27, 27, 256), 256, 447_897_600),
        (9216 * 4096, (None, 4096), 4096, 37_748_736),
    ],
)
def test_macs_of_alexnet(weights, output_shape, features, expected):
    positions = counts.positions(output_shape, features)
    assert counts.macs(weights, positions) == expected


@pytest.mark.parametrize(
    "output_shape, features, expected",
    [
        ((None, 10), 10, 1),
        ((32, 10), 10, 1),
        ((None, 7, 10), 10, 7),
        ((None, 8, 8, 16), 16, 64),
        ((None, 16, 8, 8), 16, 64),  # channels first
        ((None, None, None, 16), 16, 1),  # unknown sizes count once
    ],
)
def test_positions(output_shape, features, expected):
    assert counts.positions(output_shape, features) == expected


def test_gzip_sees_zeros():
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(100, 100)).astype("float32")
    sparse = np.where(rng.random(dense.shape) < 0.9, 0, dense)
    assert counts.gzipped([sparse]) < 0.3 * counts.gzipped([dense])
    assert counts.gzipped([dense]) < 1.01 * dense.nbytes


def test_gzip_is_deterministic_and_takes_any_layout():
    array = np.arange(12.0).reshape(3, 4)
    assert counts.gzipped([array.T]) == counts.gzipped([array.T.copy()])
    assert counts.gzipped([array, array]) == counts.gzipped([array, array])


# AlexNet's conv5, one image, on two machines of the paper (section 3.2): the
# useful densities it names are about .02 and .01, and 1 / slowdown.
CONV5 = roofline.Work(
    flops=149.52e6,
    activation_bytes=4 * 13 * 13 * (384 + 256),
    weight_bytes=4 * 256 * 192 * 9,
)
XEON = roofline.MachineProfile(flops=2150e9, bandwidth=122e9)
ATOM = roofline.MachineProfile(flops=62e9, bandwidth=15e9, slowdown=1.2)


@pytest.mark.parametrize(
    "machine, least, greatest", [(XEON, 0.02, 1 / 3), (ATOM, 0.01, 1 / 1.2)]
)
def test_useful_densities_of_the_paper(machine, least, greatest):
    found = roofline.useful_densities(CONV5, machine)
    assert found == pytest.approx((least, greatest), rel=0.1)


def test_speedups_of_the_paper():
    """2x to 7x on the Xeon, 4x to 14x on the Atom, at densities .15 to .05."""
    speedups = [
        roofline.speedup(CONV5, density, machine)
        for machine in (XEON, ATOM)
        for density in (0.15, 0.05)
    ]
    assert speedups == pytest.approx([2.2, 6.7, 5.6, 16.7], rel=0.02)


@pytest.mark.parametrize("machine", [XEON, ATOM])
def test_speedup_is_one_at_the_greatest_density_and_level_below_the_least(
    machine,
):
    least, greatest = roofline.useful_densities(CONV5, machine)
    assert roofline.speedup(CONV5, greatest, machine) == pytest.approx(1)
    compute_bound = roofline.speedup(CONV5, 2 * least, machine)
    assert roofline.speedup(CONV5, least, machine) == pytest.approx(
        2 * compute_bound
    )
    assert roofline.speedup(CONV5, 1e-9, machine) < 2 * roofline.speedup(
        CONV5, least, machine
    )


def test_memory_limits_a_fully_connected_layer():
    fc6 = roofline.Work(2 * 9216 * 4096, 4 * (9216 + 4096), 4 * 9216 * 4096)
    least, greatest = roofline.useful_densities(fc6, ATOM)
    assert greatest == pytest.approx(1 / ATOM.overhead, rel=0.01)
    assert least == 0
