"""Useful densities and speedups of a roofline model."""

import pytest

from tfprune.profiling import roofline

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
