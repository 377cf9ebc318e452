"""Roofline projections: bounds of the paper, and where a layer stands."""

import json
import math

import keras
import numpy as np
import pytest

import tfprune
from tfprune.profiling import machines
from tfprune.profiling import projection
from tfprune.profiling import roofline

LAYERS = keras.layers


def net():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((13, 13, 64), name="x"),
            LAYERS.Conv2D(256, 3, padding="same", name="wide"),
            LAYERS.Conv2D(2, 1, name="thin"),
            LAYERS.Flatten(name="flatten"),
            LAYERS.Dense(100, name="fc"),
        ],
        name="net",
    )


def zero(model, name, share):
    kernel = model.get_layer(name).kernel
    values = np.ones(kernel.shape, "float32").ravel()
    values[: round(share * values.size)] = 0
    kernel.assign(values.reshape(kernel.shape))
    return model


@pytest.mark.parametrize(
    ("machine", "lower", "upper"),
    [("xeon_e5_2697v4", 2 / 3, 0.98), ("atom_c2750", 1 / 6, 0.99)],
)
def test_conv5_of_alexnet_has_the_bounds_of_the_paper(machine, lower, upper):
    x = keras.Input((13, 13, 384))
    conv = LAYERS.Conv2D(256, 3, padding="same", groups=2, name="conv5")
    row = tfprune.profiling.project(keras.Model(x, conv(x)), machine)["conv5"]
    assert row.lower == pytest.approx(lower, abs=0.01)
    assert row.upper == pytest.approx(upper, abs=0.003)
    assert row.worth and row.decision == "prune"
    assert row.speedup == pytest.approx(1 - lower, rel=0.01)


def test_the_work_is_that_of_the_layer():
    """3x3, 64 to 256 channels, at 13x13; two images."""
    (wide, thin, fc) = tfprune.profiling.project(net(), "atom_c2750", 2).rows
    work = roofline.Work(
        2 * 2 * 9 * 64 * 256 * 169,
        2 * 4 * 169 * (64 + 256),
        4 * 9 * 64 * 256,
    )
    machine = machines.get("atom_c2750")
    least, greatest = roofline.useful_densities(work, machine)
    assert (wide.upper, wide.lower) == (1 - least, 1 - greatest)
    assert wide.gain == roofline.speedup(work, least, machine)
    assert [x.name for x in (wide, thin, fc)] == ["wide", "thin", "fc"]


def test_a_layer_that_only_moves_data_is_left_dense():
    found = tfprune.profiling.project(net(), "xeon_e5_2697v4")
    assert not found["thin"].worth
    assert found["thin"].decision == "dense"
    assert found["wide"].worth
    assert found.settings() == {"thin": None}
    method = tfprune.methods.Guided(settings=found.settings())
    model = tfprune.prune(net(), method)
    assert set(tfprune.settings(model)) == {"wide", "fc"}


@pytest.mark.parametrize(
    ("share", "decision"),
    [(0.0, "prune"), (0.1, "prune"), (0.5, "useful"), (1.0, "enough")],
)
def test_where_a_layer_stands(share, decision):
    row = tfprune.profiling.project(zero(net(), "wide", share), "atom_c2750")[
        "wide"
    ]
    assert row.sparsity == pytest.approx(share, abs=1e-4)
    assert row.decision == decision
    assert (row.speedup > 1) == (share > row.lower)


def test_masks_count_as_zeros():
    model = tfprune.prune(net(), tfprune.methods.Guided())
    mask = np.random.default_rng(0).random((3, 3, 64, 256)) < 0.25
    tfprune.set_mask(model, "wide", mask)
    row = tfprune.profiling.project(model, "atom_c2750")["wide"]
    assert row.sparsity == pytest.approx(1 - mask.mean())
    assert (
        row.lower
        == tfprune.profiling.project(net(), "atom_c2750")["wide"].lower
    )


def test_a_shared_layer_works_once_for_each_call():
    x = keras.Input((13, 13, 64))
    conv = LAYERS.Conv2D(64, 3, padding="same", name="conv")
    once = tfprune.profiling.project(keras.Model(x, conv(x)), "atom_c2750")[
        "conv"
    ]
    twice = tfprune.profiling.project(
        keras.Model(x, conv(conv(x))), "atom_c2750"
    )["conv"]
    assert twice.lower == pytest.approx(once.lower)
    assert twice.gain == pytest.approx(once.gain)


def test_it_is_printed_and_in_the_report():
    found = tfprune.profiling.project(net(), "atom_c2750", 4)
    lines = str(found).splitlines()
    assert lines[0] == "net on atom_c2750, batch 4"
    assert lines[1].split()[0] == "layer" and lines[2].split()[0] == "wide"
    report = tfprune.report(net(), machine="atom_c2750", batch_size=4)
    assert str(found) in str(report)
    assert report.to_dict()["projection"] == json.loads(
        json.dumps(found.to_dict())
    )
    assert "| wide | " in report.to_markdown().split("batch 4")[1]
    assert "projection" not in tfprune.report(net()).to_dict()


def test_a_profile_of_ones_own():
    slow = roofline.MachineProfile(1e9, 1e12, slowdown=10.0)
    found = projection.project(net(), slow)
    assert found["wide"].lower == pytest.approx(0.9)
    assert found.title == "net on this machine, batch 1"
    assert all(math.isfinite(row.gain) for row in found.rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"machine": "xeon"}, "`machine` must be one of: atom_c2750"),
        ({"machine": "xeon"}, r"tfprune.profiling.calibrate\(\)"),
        ({"machine": "atom_c2750", "batch_size": 0}, "`batch_size` must be"),
        ({"machine": "atom_c2750", "least_gain": 0.5}, "`least_gain` must"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        tfprune.profiling.project(net(), **arguments)
