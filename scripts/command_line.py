"""What the scripts share: flags, and errors a person can act on.

Nothing here imports TensorFlow, so that `--help` answers at once.
"""

from __future__ import annotations

import difflib
import os
import pathlib
import re
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from absl import app  # noqa: E402
from absl import flags  # noqa: E402


def run(main) -> None:
    """Runs `main()` as an absl app; errors of use are one line, status 2."""
    app.run(lambda argv: _main(main, argv), flags_parser=_parse)


def _main(main, argv):
    if argv[1:]:
        _fail(f"expected flags only. Received: {' '.join(argv[1:])}")
    try:
        main()
    except (ValueError, FileNotFoundError) as error:
        _fail(error)
    except KeyboardInterrupt:
        _fail("stopped. The same command goes on from the last checkpoint.")


def _parse(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _fail(f"{error} See --help.")
    except (AttributeError, KeyError) as error:
        _fail(_unknown_field(argv, error))
    except (TypeError, ValueError) as error:
        _fail(f"a config field has the wrong type: {error}")
    except (OSError, ImportError) as error:
        _fail(f"`--config` must be a config file. {error}")


def _unknown_field(argv, error):
    """Names the field of --config.a.b that is not there, and the nearest."""
    config = flags.FLAGS["config"].value
    for argument in argv[1:]:
        match = re.match(r"--?config\.([^=]+)", argument)
        for place, name in _walk(config, match[1]) if match else ():
            known = list(place.keys()) if hasattr(place, "keys") else []
            if name not in known:
                close = difflib.get_close_matches(name, known, 1, 0.4)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                return (
                    f"`--config.{match[1]}`: expected one of "
                    f"{', '.join(known)}. Received: {name!r}.{hint}"
                )
    return f"bad flags: {error}"


def _walk(config, path):
    """Yields (mapping, name) down a dotted path, as far as it exists."""
    for name in path.split("."):
        yield config, name
        config = config[name]


def _fail(message):
    print(f"{pathlib.Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(2)
