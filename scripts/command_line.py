"""What the scripts share: flags, and errors a person can act on.

Nothing here imports TensorFlow, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import pathlib
import re
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import app  # noqa: E402
from absl import flags  # noqa: E402


def run(main) -> None:
    """Runs `main()` as an absl app, which takes flags only.

    Errors of use are one line, and status 2.
    """
    app.run(lambda argv: _main(main, argv[1:]), flags_parser=_parse)


def call(main) -> None:
    """Runs `main()`; errors of use are one line, and status 2."""
    try:
        main()
    except (ValueError, OSError) as error:
        _fail(error)
    except KeyboardInterrupt:
        _fail("stopped. The same command goes on from the last checkpoint.")


def _main(main, arguments):
    if arguments:
        _fail(f"expected flags only. Received: {' '.join(arguments)}")
    call(main)


def _parse(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _fail(f"{error} See --help.")
    except (AttributeError, KeyError) as error:
        # ml_collections suggests the nearest field.
        words = re.sub(r"\\n|\\|\s+", " ", str(error)).strip("' ")
        _fail(f"`--config` has no field '{words}")
    except TypeError as error:
        _fail(f"`--config` has a field of the wrong type: {error}")


def _fail(message):
    print(f"{pathlib.Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(2)
