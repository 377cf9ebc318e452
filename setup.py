"""Metadata of tfprune."""

import pathlib
import re

import setuptools

_HERE = pathlib.Path(__file__).parent
_VERSION = re.search(
    r'__version__ = "(.*)"', (_HERE / "tfprune/__init__.py").read_text()
)[1]

setuptools.setup(
    name="tfprune",
    version=_VERSION,
    description="Pruning for Keras 3: models that get small and fast.",
    long_description=(_HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=setuptools.find_packages(include=["tfprune", "tfprune.*"]),
    python_requires=">=3.10",
    install_requires=["keras>=3.12", "numpy>=1.26", "ml-collections>=1.0"],
    extras_require={
        "cpu": ["tensorflow-cpu>=2.20,<2.22"],
        "gpu": ["tensorflow[and-cuda]>=2.20,<2.22"],
        "tensorboard": ["tensorboard"],
        "plots": ["matplotlib>=3.8"],
        "tfmot": ["tf-keras>=2.20,<2.22", "tensorflow-model-optimization"],
        "test": ["pytest>=8", "ruff>=0.8", "scikit-learn>=1.4"],
    },
)
