"""What Python finds as `tfprune` in the folder above a checkout of that name.

The package is `tfprune/` in here. Without this file, `import tfprune` in the
folder above would silently give an empty namespace package; with it, Python
goes on to the `tfprune` that is installed, or says that none is.
"""

import importlib.machinery
import importlib.util
import pathlib
import sys


def _installed():
    """The package as found outside of the folder above, or None."""
    above = pathlib.Path(__file__).resolve().parents[1]
    path = [x for x in sys.path if pathlib.Path(x).resolve() != above]
    spec = importlib.machinery.PathFinder.find_spec("tfprune", path)
    return spec if spec and spec.loader else None


def _hand_over():
    spec = _installed()
    if not spec:
        raise ImportError(
            "`import tfprune` must find the package, and none is installed. "
            f"Received: a checkout, {pathlib.Path(__file__).parent}. Run "
            "`pip install -e '.[cpu]'` in it."
        )
    sys.modules["tfprune"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["tfprune"])


if __name__ == "tfprune":
    _hand_over()
