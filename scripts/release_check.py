"""Tells whether a checkout is ready for a release: one version everywhere.

    python scripts/release_check.py [--dist=DIR]

The version of `tfprune/__init__.py` must be that of the first section of
CHANGELOG.md with a number, of a git tag `v<version>` on the commit that is
checked out, and of every wheel in `--dist`, whose platform an index takes.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def faults(root: pathlib.Path, dist: pathlib.Path) -> list[str]:
    """What is in the way of a release, a sentence each."""
    source = (root / "tfprune/__init__.py").read_text()
    version = re.search(r'__version__ = "(.*)"', source)[1]
    section = re.search(
        r"^## (\d\S*)", (root / "CHANGELOG.md").read_text(), re.M
    )
    found = [
        _compare(
            "CHANGELOG.md's last section", section and section[1], version
        ),
        _compare(
            "a tag of this commit", _tag(root, f"v{version}"), f"v{version}"
        ),
    ]
    wheels = sorted(dist.glob("*.whl"))
    for wheel in wheels:
        _, number, *_, platform = wheel.stem.split("-")
        found.append(_compare(f"the version of {wheel.name}", number, version))
        kind = platform.split("_")[0]
        found.append(
            _compare(f"the platform of {wheel.name}", kind, "manylinux")
        )
    if not wheels:
        found.append(
            f"a wheel must be in {dist}. Received: none. Run `make wheel`"
        )
    return [fault for fault in found if fault]


def _tag(root, wanted):
    command = ["git", "tag", "--points-at", "HEAD"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    tags = done.stdout.split()
    return wanted if wanted in tags else " ".join(tags) or None


def _compare(name, found, expected):
    if found == expected:
        return ""
    return f"{name} must be {expected}. Received: {found or 'none'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dist", type=pathlib.Path, default=ROOT / "dist")
    found = faults(ROOT, parser.parse_args().dist)
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
