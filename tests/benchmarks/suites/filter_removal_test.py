"""One small member of each family of keras.applications, half of it removed."""

import subprocess
import sys

import numpy as np
import pytest

import tfprune
from benchmarks.suites import filter_removal

PLAIN_KERAS = """
import sys
sys.modules["tfprune"] = None
import keras
import numpy as np
model = keras.saving.load_model("small.keras", compile=False)
np.save("y.npy", model(np.load("x.npy"), training=False))
"""


# Their kinds of blocks are in others, too.
LARGE = {
    *("EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2"),
    *("InceptionV3", "NASNetMobile", "ResNet50V2", "VGG16", "Xception"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE))
        for name in filter_removal.FAMILIES
    ],
)
def test_half_of_the_filters_go(name, tmp_path):
    found = filter_removal.remove_half(name)
    cells = [
        cell.strip() for cell in filter_removal.row(name, found).split("|")
    ]
    _, _, _, filters, parameters, _, macs, difference, _, _ = cells
    half = name != "ConvNeXtTiny"  # Its trunk is normalized over channels.
    assert float(filters[:-1]) > (49 if half else 30)
    assert float(parameters[:-1]) > (70 if half else 40)
    assert float(macs[:-1]) < (35 if half else 60)
    assert float(difference) < 1e-5
    _, _, after = found.plan.total
    assert found.small.count_params() == after.parameters
    assert tfprune.report(found.small).total.macs == after.macs
    loads_with_plain_keras(found.small, tmp_path)


def loads_with_plain_keras(model, folder):
    x = np.random.default_rng(2).uniform(-1, 1, (1, 96, 96, 3))
    np.save(folder / "x.npy", x.astype("float32"))
    model.save(folder / "small.keras")
    command = [sys.executable, "-c", PLAIN_KERAS]
    subprocess.run(command, cwd=folder, check=True)
    y = np.array(model(x.astype("float32"), training=False))
    found = np.load(folder / "y.npy")
    np.testing.assert_allclose(found, y, 0, 1e-5 * np.abs(y).max())
