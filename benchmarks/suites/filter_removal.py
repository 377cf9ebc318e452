"""Models of `keras.applications` without half of their filters."""

from __future__ import annotations

import sys
import time
import typing

import keras
import numpy as np

from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters import remove
from tfprune.compress.filters import zero

SIDE, CLASSES, SPARSITY = 96, 10, 0.5

_COLUMNS = (
    *("model", "free channels", "filters removed", "parameters removed"),
    *("of convolutions", "MACs left", "difference", "seconds"),
)
# A small model of each family.
FAMILIES = (
    *("ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0"),
    *("InceptionResNetV2", "InceptionV3", "MobileNet", "MobileNetV2"),
    *("MobileNetV3Small", "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16"),
    "Xception",
)
_HEADER = f"""\
{{title}} of `keras.applications` of Keras {keras.__version__}: random
weights and statistics, inputs of {SIDE}x{SIDE}, {CLASSES} classes. Of the
filters that the same layers make, the {SPARSITY:.0%} of least magnitude are
zeroed (`tfprune.compress.zero_filters`) and removed (`tfprune.remove_filters`).
`free` are the channels that may be removed; the others are held by the outputs
and by what mixes channels. `difference` is the greatest between the outputs of
the zeroed and of the smaller model, on input that `remove_filters` did not see,
over the greatest output. `seconds` are those of `remove_filters`.

    python scripts/benchmark.py filter_removal {{flags}}

| {" | ".join(_COLUMNS)} |
|{"---|" * len(_COLUMNS)}
"""


def main(flags) -> str:
    """Returns the results of a command line."""
    return run_families() if flags.families else run_all()


def run_all() -> str:
    """Returns a table in Markdown of every model."""
    header = _HEADER.format(
        title="Every model", flags="--output=results/slim/applications.md"
    )
    names = [x for x in dir(keras.applications) if x[0].isupper()]
    return header + _rows(names)


def run_families() -> str:
    """Returns the same of one small model of each family."""
    header = _HEADER.format(
        title="A small model of each family",
        flags="--families --output=results/slim/families.md",
    )
    return header + _rows(FAMILIES)


def _rows(models):
    rows = []
    for name in models:
        keras.utils.clear_session()
        rows.append(row(name, remove_half(name)))
        print(rows[-1], file=sys.stderr, flush=True)
    return "\n".join(rows) + "\n"


class Pair(typing.NamedTuple):
    """A model with half of its filters zeroed, and one without them.

    Args:
        zeroed: Keras model, in which they are zero.
        small: Keras model, in which they are not.
        plan: `removal_plan.RemovalPlan`, made before.
        seconds: Float, that `remove_filters` took.
    """

    zeroed: keras.Model
    small: keras.Model
    plan: removal_plan.RemovalPlan
    seconds: float


def remove_half(name: str) -> Pair:
    """Removes half of the filters of a model of `keras.applications`."""
    zeroed = zero.zero_filters(build(name), SPARSITY)
    plan = removal_plan.plan_removal(zeroed)
    begin = time.perf_counter()
    small = remove.remove_filters(zeroed).model
    return Pair(zeroed, small, plan, time.perf_counter() - begin)


def row(name: str, pair: Pair) -> str:
    """Returns the row of one model."""
    zeroed, small, plan, seconds = pair
    graph = channel_graph.channel_graph(zeroed)
    _, before, after = plan.total
    kernels = [_kernels(model) for model in (zeroed, small)]
    cells = (
        name,
        f"{graph.free.sum() / graph.made.sum():.1%}",
        f"{1 - after.filters / before.filters:.1%}",
        f"{1 - after.parameters / before.parameters:.1%}",
        f"{1 - kernels[1] / kernels[0]:.1%}",
        f"{after.macs / before.macs:.1%}",
        f"{difference(zeroed, small):.0e}",
        f"{seconds:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def build(name: str) -> keras.Model:
    """Returns a model with random weights and statistics.

    It has no softmax, which would hide differences.
    """
    make = getattr(keras.applications, name)
    model = make(
        weights=None,
        input_shape=(SIDE, SIDE, 3),
        classes=CLASSES,
        classifier_activation=None,
    )
    random = np.random.default_rng(0)
    for variable in model.variables:
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
        elif variable.name in ("beta", "bias", "moving_mean"):
            variable.assign(random.normal(0, 0.3, variable.shape))
    return model


def difference(model: keras.Model, small: keras.Model) -> float:
    """Returns by how much two models differ, by the greatest output."""
    x = np.random.default_rng(1).uniform(-1, 1, (2, SIDE, SIDE, 3))
    one, other = (np.array(net(x, training=False)) for net in (model, small))
    return np.abs(one - other).max() / np.abs(one).max()


def _kernels(model):
    """Returns the weights of all convolutions of a model."""
    kernels = [x for x in model.weights if x.name.endswith("kernel")]
    return sum(np.prod(x.shape) for x in kernels if len(x.shape) == 4)
