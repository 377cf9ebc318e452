"""Runs the kernels' own tests: as shipped, and with sanitizers."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def has_googletest():
    """Tells whether a compiler finds googletest."""
    compiler = shutil.which("g++")
    if not compiler or not shutil.which("make"):
        return False
    source = b"#include <gtest/gtest.h>\n"
    command = [compiler, "-E", "-xc++", "-", "-o", "/dev/null"]
    done = subprocess.run(command, input=source, stderr=subprocess.DEVNULL)
    return done.returncode == 0


@pytest.mark.skipif(
    not has_googletest(),
    reason="needs g++, make and googletest (Debian: libgtest-dev)",
)
@pytest.mark.parametrize("target", ["test", "test-asan", "test-tsan"])
def test_native(target):
    done = subprocess.run(
        ["make", "-j2", "-C", ROOT / "custom_ops", target],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "PASSED" in done.stdout
