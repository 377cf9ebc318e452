"""Exports the compressed model of a finished run.

python scripts/export.py --workdir=runs/lenet300 --output=served
python scripts/export.py --workdir=runs/lenet300 --output=lenet300.tfprune \
    --format=compact --values=4
"""

import pathlib

import command_line
from absl import flags

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_OUTPUT = flags.DEFINE_string("output", None, "What to write.")
_FORMAT = flags.DEFINE_enum(
    "format",
    "saved_model",
    ["saved_model", "keras", "compact"],
    "What to export as.",
)
_VALUES = flags.DEFINE_enum(
    "values",
    "float32",
    ["float32", "float16", "int8", "6", "5", "4", "3", "2"],
    "What weights become first; a number is of bits: each layer shares values.",
)
flags.mark_flags_as_required(["workdir", "output"])


def main():
    import tfprune
    from experiments import workdir
    from tfprune.exporters import npz

    workdir.config(_WORKDIR.value)
    model = npz.load(pathlib.Path(_WORKDIR.value) / "model.npz")
    if _VALUES.value != "float32":
        bits = _VALUES.value
        ways = int(bits) if bits.isdigit() else bits
        model = tfprune.compress.quantize_weights(model, ways)
    path = tfprune.export(model, _OUTPUT.value, _FORMAT.value)
    print(f"{path}: reloaded, and answers as the model does")


if __name__ == "__main__":
    command_line.run(main)
