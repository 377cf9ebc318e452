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
    """The spec of the `tfprune` that is found anywhere else, or None."""
    above = pathlib.Path(__file__).resolve().parents[1]
    path = [x for x in sys.path if pathlib.Path(x).resolve() != above]
    return importlib.machinery.PathFinder.find_spec("tfprune", path)


_spec = _installed() if __name__ == "tfprune" else None
if _spec is None or _spec.loader is None:
    raise ImportError(
        "`import` must find the package tfprune, which is not installed. "
        f"Received: a checkout of it, {pathlib.Path(__file__).parent}. Run "
        "`pip install -e '.[cpu]'` in there, or Python itself."
    )
sys.modules["tfprune"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["tfprune"])
