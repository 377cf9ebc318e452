"""A release has one version everywhere."""

import importlib.util
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]


@pytest.fixture
def faults():
    file = ROOT / "scripts/release_check.py"
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.faults


def git(root, *arguments):
    command = ["git", *IDENTITY, *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    """A checkout of version 1.2.0 that is ready for its release."""
    (tmp_path / "tfprune").mkdir()
    (tmp_path / "tfprune/__init__.py").write_text('__version__ = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "## Unreleased\n\n## 1.2.0 - 2026-11-30\n\n## 1.1.0 - 2026-01-01\n"
    )
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/a-1.2.0-py3-none-manylinux_2_28_x86_64.whl").touch()
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "CHANGELOG.md")
    git(tmp_path, "commit", "-q", "-m", "Release")
    git(tmp_path, "tag", "v1.2.0")
    return tmp_path


def test_nothing_is_in_the_way(checkout, faults):
    assert faults(checkout, checkout / "dist") == []


def test_what_is_in_the_way_is_named(checkout, faults):
    (checkout / "tfprune/__init__.py").write_text('__version__ = "1.3.0"\n')
    wheel = checkout / "dist/a-1.3.0-py3-none-linux_x86_64.whl"
    next((checkout / "dist").iterdir()).rename(wheel)
    assert faults(checkout, checkout / "dist") == [
        "CHANGELOG.md's last section must be 1.3.0. Received: 1.2.0",
        "a tag of this commit must be v1.3.0. Received: v1.2.0",
        f"the platform of {wheel.name} must be manylinux. Received: linux",
    ]


def test_a_wheel_is_needed(checkout, faults, tmp_path):
    (fault,) = faults(checkout, tmp_path / "other")
    assert fault.endswith("Received: none. Run `make wheel`")
