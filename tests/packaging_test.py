"""What is installed: the library alone, found from every folder."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILT_FROM = [
    "custom_ops",
    "tfprune",
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "pyproject.toml",
    "setup.py",
]
BUILD = """
from setuptools import build_meta
print(build_meta.build_wheel("wheel"))
print(build_meta.build_editable("editable"))
"""
# Writes the file that it is asked for, in no time.
COMPILER = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -o ] && : > "$2"; shift; done
"""
IMPORT_ALL = """
import pathlib, sys
for name in ("ml_collections", "experiments", "benchmarks"):
    sys.modules[name] = None
for path in sorted(pathlib.Path("tfprune").rglob("*.py")):
    __import__(".".join(path.with_suffix("").parts))
"""


def call(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder of the wheel and the editable one, of ops that are empty."""
    pytest.importorskip("setuptools", minversion="77.0.3")
    folder = tmp_path_factory.mktemp("built")
    ignore = shutil.ignore_patterns("*.so", "__pycache__", "build")
    for name in BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        options = {"ignore": ignore} if (ROOT / name).is_dir() else {}
        copy(ROOT / name, folder / name, **options)
    compiler = folder / "compiler"
    compiler.write_text(COMPILER)
    compiler.chmod(0o755)
    for name in ("wheel", "editable"):
        (folder / name).mkdir()
    done = call("-c", BUILD, cwd=folder, CC=str(compiler), CXX=str(compiler))
    assert not done.returncode, done.stderr[-2000:]
    return folder


def opened(folder):
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_library_alone(built):
    names = set(opened(built / "wheel").namelist())
    roots = {name.split("/")[0] for name in names}
    assert sorted(root.split("-")[0] for root in roots) == ["tfprune"] * 2
    sources = {
        str(path.relative_to(ROOT)) for path in (ROOT / "tfprune").rglob("*.py")
    }
    assert sources < names
    assert {"tfprune/py.typed", "tfprune/ops/libtfprune.so"} < names


def test_the_wheel_needs_keras_and_numpy_alone(built):
    wheel = opened(built / "wheel")
    (path,) = (x for x in wheel.namelist() if x.endswith("/METADATA"))
    lines = wheel.read(path).decode().splitlines()
    needs = [x for x in lines if x.startswith("Requires-Dist:")]
    always = {x.split()[1].split(">")[0] for x in needs if "extra ==" not in x}
    assert always == {"keras", "numpy"}


def test_an_editable_install_is_a_folder_on_the_path(built):
    """A finder of its own would come after the folder that Python runs in."""
    wheel = opened(built / "editable")
    (path,) = (x for x in wheel.namelist() if x.endswith(".pth"))
    assert wheel.read(path).decode().strip() == str(built)


def test_every_module_imports_without_experiments():
    done = call("-c", IMPORT_ALL, cwd=ROOT)
    assert not done.returncode, done.stderr[-2000:]


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose package tells where it is, in a folder above it."""
    package = tmp_path / "tfprune/tfprune"
    package.mkdir(parents=True)
    shutil.copy2(ROOT / "__init__.py", package.parent)
    (package / "__init__.py").write_text("print(__name__, __file__)\n")
    (package / "part.py").write_text("print(__name__)\n")
    return package.parent


def test_the_folder_above_a_checkout_finds_what_is_installed(checkout):
    code = "import tfprune.part"
    done = call("-S", "-c", code, cwd=checkout.parent, PYTHONPATH=str(checkout))
    assert done.stdout.split() == [
        "tfprune",
        str(checkout / "tfprune/__init__.py"),
        "tfprune.part",
    ]


def test_the_folder_above_a_checkout_says_that_nothing_is(checkout):
    done = call("-Sc", "import tfprune", cwd=checkout.parent, PYTHONPATH="")
    assert done.returncode
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "ImportError: `import tfprune` must find the package"
    )
    assert f"Received: a checkout, {checkout}." in last
