"""Two logical CPUs for every test, and the same random numbers each time."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tensorflow as tf

from tfprune.optimizers import masked_values

_CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    _CPU, [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    """Steps treat the weights of small models as those of large ones."""
    monkeypatch.setattr(masked_values, "LARGE", 0)


@pytest.fixture(autouse=True)
def fresh():
    """Starts each test from a fixed seed and without Keras' global state."""
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")
