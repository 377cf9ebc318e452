"""Exports the compressed model of a finished run for serving.

python scripts/export.py --workdir=runs/lenet300 --output=served
"""

import pathlib

import command_line
from absl import flags

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_OUTPUT = flags.DEFINE_string("output", None, "What to write.")
_FORMAT = flags.DEFINE_enum(
    "format", "saved_model", ["saved_model", "keras"], "What to export as."
)
flags.mark_flags_as_required(["workdir", "output"])


def main():
    import tfprune
    from experiments import workdir
    from tfprune.exporters import compact

    workdir.config(_WORKDIR.value)
    model = compact.load(pathlib.Path(_WORKDIR.value) / "model.npz")
    path = tfprune.export(model, _OUTPUT.value, _FORMAT.value)
    print(f"{path}: reloaded, and answers as the model does")


if __name__ == "__main__":
    command_line.run(main)
