"""What a machine can do is measured, never assumed."""

import pytest

import tfprune


def test_rounds_are_counted():
    with pytest.raises(ValueError, match="rounds"):
        tfprune.profiling.calibrate(rounds=0)


def test_a_profile_of_this_machine():
    machine = tfprune.profiling.calibrate(rounds=2)
    # Any CPU since 2010, and none yet.
    assert 1e9 < machine.flops < 1e14
    assert 1e8 < machine.bandwidth < 1e13
    assert 0.1 < machine.slowdown < 1e4
    assert machine.overhead == 2
