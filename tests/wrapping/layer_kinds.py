"""Kinds of layers and models, and what becomes of each when it is pruned.

python -m tests.wrapping.layer_kinds > results/layer_kinds.md
"""

import dataclasses
import inspect
import pathlib
import tempfile
import typing
import warnings

import keras
import numpy as np

import tfprune
from tests.wrapping import layer_recipes
from tests.wrapping import model_recipes
from tfprune import backend
from tfprune.core import units
from tfprune.graph import traversal

WAYS = ("in place", "wrapped")
COLUMNS = ("train", "save", "restore", "strip")
RECIPES = {**layer_recipes.RECIPES, **model_recipes.RECIPES}
_METHOD = tfprune.methods.Magnitude(0.5, frequency=1)
_HEAD = """\
# Kinds of layers and models, pruned

*masked*: the share of all parameters that has masks. *train*: after some steps
half of each layer is masked, and in place the weights there are zero and the
model has the same class and layers. *save*: `load_model` of a `.keras` file
predicts the same, bit for bit. *restore*: it trains on as the model itself
does, bit for bit. *strip*: the same predictions, bit for bit, and nothing of
tfprune is left. "-": there is no such way.

Both ways predict the same (1e-6).

Made by `python -m tests.wrapping.layer_kinds > results/layer_kinds.md`.
"""


@dataclasses.dataclass
class Row:
    """What is known of a kind that was pruned in one way.

    Args:
        share: Float, the parameters that have masks, of all.
        results: Dict, column to `"yes"`, `"-"`, or what went wrong.
        predicted: Arrays, what the model gave after training.
    """

    share: float = 0.0
    results: dict = dataclasses.field(default_factory=dict)
    predicted: typing.Any = None


def kinds() -> dict:
    """The layers of Keras that build weights, by name."""
    found = [x for _, x in inspect.getmembers(keras.layers, inspect.isclass)]
    lazy = keras.layers.Layer.build
    return {
        x.__name__: x
        for x in found
        if issubclass(x, keras.layers.Layer) and x.build is not lazy
    }


def prune(name: str, way: str) -> Row:
    """Prunes a kind, trains, saves, restores, strips it.

    Args:
        name: String, a key of `RECIPES`.
        way: String, one of `WAYS`.
    """
    keras.utils.set_random_seed(0)
    model = RECIPES[name].build()
    if way == "wrapped" and not traversal.is_container(model):
        return Row(0.0, dict.fromkeys(COLUMNS, "-"))
    steps = _Steps(model, way, RECIPES[name].inputs(model))
    row = Row()
    for column in COLUMNS:
        try:
            row.results[column] = getattr(steps, column)() or "yes"
        except Exception as error:
            row.results[column] = f"{type(error).__name__}: {error}"
            break
    row.share, row.predicted = steps.share, steps.predicted
    return row


def table(names) -> str:
    """All that is known of some kinds, as Markdown."""
    lines = ["| kind | way | masked | " + " | ".join(COLUMNS) + " |"]
    lines.append("|---" * (3 + len(COLUMNS)) + "|")
    for name in names:
        for way in WAYS:
            row = prune(name, way)
            share = f"{row.share:.1%}" if row.share else "-"
            results = [row.results.get(x, "") for x in COLUMNS]
            cells = [name, way, share, *results]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


class _Steps:
    """A model on its way through the columns, which return what is wrong."""

    def __init__(self, model, way, inputs):
        self.way, self.x = way, inputs
        self.plain = type(model), list(model.layers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model = tfprune.prune(model, _METHOD, wrap=way == "wrapped")
        rng = np.random.default_rng(1)
        self.y = keras.tree.map_structure(
            lambda y: rng.normal(size=y.shape).astype("float32"), self._call()
        )
        masks = [x.mask for x in self._targets()]
        self.share = sum(np.size(x) for x in masks) / _parameters(model)
        self.predicted = None

    def train(self):
        loss = keras.tree.map_structure(lambda _: "mse", self.y)
        sgd = keras.optimizers.SGD(1e-3, momentum=0.9)
        self.model.compile(
            tfprune.PruningOptimizer(sgd), loss, run_eagerly=True
        )
        for _ in range(2):
            self._step(self.model)
        self.predicted = self._call()
        for unit in units.tagged(self.model.variables):
            masks = [backend.to_numpy(x.mask).ravel() for x in unit.targets]
            masks = np.concatenate(masks)
            if abs(masks.mean() - 0.5) > 1 / masks.size:
                return f"{unit.name} keeps {masks.mean():.2f}"
        for target in self._targets() if self.way == "in place" else ():
            hidden = ~backend.to_numpy(target.mask)
            if np.any(backend.to_numpy(target.variable)[hidden]):
                return f"{target.variable.path} is not masked"
        if self.way == "in place":
            now = type(self.model), list(self.model.layers)
            return "it has other layers" * (now != self.plain)
        return None

    def save(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.keras"
            self.model.save(path)
            self.loaded = keras.models.load_model(path)
        return self._differs(self._call(self.loaded), self.predicted)

    def restore(self):
        for model in (self.model, self.loaded):
            keras.utils.set_random_seed(0)
            self._step(model)
        return self._differs(self._call(self.loaded), self._call())

    def strip(self):
        before = self._call()
        bare = tfprune.strip(self.model)
        if units.tagged(bare.variables):
            return "it is still pruned"
        return self._differs(self._call(bare), before)

    def _step(self, model):
        model.train_on_batch(self.x, self.y)

    def _call(self, model=None):
        outputs = (model or self.model)(self.x, training=False)
        return keras.tree.map_structure(np.array, outputs)

    def _targets(self):
        tagged = units.tagged(self.model.variables)
        return [target for unit in tagged for target in unit.targets]

    def _differs(self, some, others):
        pairs = zip(
            keras.tree.flatten(some), keras.tree.flatten(others), strict=True
        )
        worst = max(np.max(np.abs(a - b)) for a, b in pairs)
        return f"differs by {worst:.0e}" if worst > 0 else None


def _parameters(model):
    return sum(np.size(x) for x in model.trainable_variables)


if __name__ == "__main__":
    print(_HEAD)
    print(table(RECIPES))
