"""Files of earlier versions load, and what is in them goes on as it did.

`tests/stored` was written by the version in which methods were functions: the
configs of all methods of the conformance table, and two models saved in the
middle of a run, with what they predict and mask there and 8 updates later.
"""

import json
import pathlib

import keras
import numpy as np
import pytest

import tfprune
from tests import conformance_rows
from tfprune import methods
from tfprune.core import allocation
from tfprune.core import structures
from tfprune.core import units

STORED = pathlib.Path(__file__).parents[1] / "stored"
CONFIGS = json.loads((STORED / "methods.json").read_text())
# Where the default of an argument was another one.
FORMERLY = {"nm": lambda: methods.NM(1, 4, frequency=2, axis=-2)}


def load(name):
    return keras.saving.deserialize_keras_object(CONFIGS[name])


def parts(method):
    config = method.get_config()
    config.pop("method", None)
    return config


@pytest.mark.parametrize("name", conformance_rows.ROWS)
def test_a_method_has_the_same_parts(name):
    make = FORMERLY.get(name, conformance_rows.ROWS[name].make)
    assert parts(load(name)) == parts(make())


@pytest.mark.parametrize(
    "name", ["filter_ranking", "l1_winograd", "ssl", "winograd"]
)
def test_a_class_that_was_renamed_is_found(name):
    assert load(name) == conformance_rows.ROWS[name].make()
    assert isinstance(load(name), methods.REGISTRY[name])


def test_fields_and_structures_that_were_renamed_are_found():
    now = methods.Magnitude(
        0.8,
        begin_step=2,
        end_step=9,
        frequency=3,
        structure=structures.CoupledFilter(),
        allocation=allocation.Global(2),
        settings={"conv.*": None},
    )
    assert load("magnitude_ramp").get_config() == now.get_config()


def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(16, 6, 6, 2)).astype("float32")
    return x, random.integers(0, 3, 16)


def check(model, expected):
    weights = {variable.path: variable for variable in model.variables}
    for unit in units.tagged(model.variables):
        for target in unit.targets:
            name = target.variable.name
            weights[f"{unit.name}/{name}_mask"] = target.mask
    for path, value in expected.items():
        if path == "prediction":
            np.testing.assert_allclose(
                model(data()[0]), value, rtol=1e-5, atol=1e-5
            )
        else:
            path = path.removeprefix("mask/")
            np.testing.assert_array_equal(weights[path], value, path)


@pytest.mark.parametrize("name", ["surgery", "filter_ranking"])
def test_a_model_in_training_goes_on(name):
    model = keras.saving.load_model(STORED / f"{name}.keras")
    arrays = np.load(STORED / f"{name}.npz")
    stored, trained = (
        {
            path.removeprefix(f"{kind}/"): arrays[path]
            for path in arrays
            if path.startswith(kind)
        }
        for kind in ("stored", "trained")
    )
    check(model, stored)
    model.fit(*data(), 4, 2, shuffle=False, verbose=0)
    check(model, trained)
    np.testing.assert_allclose(
        tfprune.strip(model)(data()[0]),
        trained["prediction"],
        rtol=1e-5,
        atol=1e-5,
    )
