"""The verbs on a model: prune, freeze, strip, set_mask, settings."""

from __future__ import annotations

import collections
import typing
import warnings

import keras
import numpy as np

from tfprune import methods
from tfprune import planning
from tfprune.compress import strip as strip_lib
from tfprune.core import structures
from tfprune.core import units
from tfprune.graph import cloning
from tfprune.graph import traversal
from tfprune.layers import prunable
from tfprune.planning import budget as budgets
from tfprune.planning import filter_budget
from tfprune.utils import validation
from tfprune.wrapping import layer_selection

strip = strip_lib.strip


def prune(
    model: keras.Model,
    method: str | methods.Method,
    filters: typing.Any = None,
    budget: str | None = None,
    data: tuple | None = None,
    accuracy_drop: float = 0.001,
) -> keras.Model:
    """Returns a clone of a model whose layers are wrapped for pruning.

    The model itself is untouched. Compile the clone with a
    `tfprune.PruningOptimizer` and train it as usual.

    Args:
        model: Sequential or Functional Keras model, nested ones included.
        method: `tfprune.methods.Method`, or the name of one for its defaults.
        filters: Which layers: a regular expression, a list of them, or a
            callable `layer -> bool`. A layer that is chosen here or in the
            method's settings must fit the method. Defaults to None: every
            layer that fits; those with weights that do not are listed in a
            warning with the reason.
        budget: String, what the net may cost: `"parameters<=2%"`,
            `"macs<=50%"`, `"bytes<=100KB"`, `"latency<=2ms"`. The method's
            `target_sparsity` is found for each layer, and a table printed of
            what that keeps. Latency is that of one example on this machine,
            of layers measured dense and sparse at several densities; what
            `tfprune.sparsify` makes of the net in the end is measured as a
            whole. Defaults to None.
        data: Tuple of arrays (examples, labels), training data that is held
            out, for a budget: layers are pruned most where it costs least
            accuracy. Defaults to None: all layers alike.
        accuracy_drop: Float >= 0, the drop of accuracy on `data` from which
            on the table warns. Defaults to 0.001.

    Returns:
        A Keras model of the same class, layer names and weights.

    Raises:
        ValueError: for a subclassed model, an unknown method, a pattern that
            matches no layer, an unknown setting, a chosen layer that does not
            fit, a model with nothing to prune, or a budget that no sparsity
            meets.

    Example:

    ```python
    method = tfprune.methods.Surgery(0.95, settings={"fc8": None})
    model = tfprune.prune(model, method)
    model.compile(tfprune.PruningOptimizer("sgd"), loss="mse")
    ```
    """
    pruned, tied = _wrap(model, method, filters)
    if budget is None:
        return pruned
    meet = _meet if tied is None else _meet_tied
    settings = meet(model, pruned, tied, budget, data, accuracy_drop)
    for layer in wrapped(pruned).values():
        # A threshold of its own would go before the target.
        free = {"c": np.nan} if "c" in layer.settings else {}
        layer.settings.update({**free, **settings.get(layer.name, {})})
    return pruned


def freeze(
    model: keras.Model,
    kinds: typing.Iterable = (structures.Unstructured(),),
) -> keras.Model:
    """Makes all masks of a pruned model final, in place, for fine-tuning.

    Pruned weights are set to zero and stay there, whatever the method allowed
    before. Compile the model again before training on.

    Args:
        model: Keras model with `Prunable` layers.
        kinds: Structures of `tfprune.core.structures`: what stays out is
            groups of these kinds of which nothing is left. Defaults to single
            weights (SkimCaffe's DISCONNECTED_ELTWISE). With `[Filter(),
            FilterShape()]` scattered zeros may learn again, and empty rows
            and columns of the kernel's matrix stay out (DISCONNECTED_GRPWISE).

    Returns:
        The same model.
    """
    kinds = tuple(kinds)
    for layer in wrapped(model).values():
        layer.freeze(kinds)
    model.train_function = model.test_function = model.predict_function = None
    return model


def settings(model: keras.Model) -> dict[str, units.Settings]:
    """Returns layer name to the live settings of that layer.

    Example:

    ```python
    tfprune.settings(model)["conv1"]["c"] = 1.5  # from the next step on
    ```
    """
    return {name: layer.settings for name, layer in wrapped(model).items()}


def set_mask(
    model: keras.Model, layer: str, mask: typing.Any, weight: str = "kernel"
) -> None:
    """Replaces a mask of a live model, between two steps.

    Args:
        model: Keras model with `Prunable` layers.
        layer: String, name of the layer, as in `tfprune.settings`.
        mask: Bool array of the weight's shape, True keeps.
        weight: `"kernel"`, `"bias"`, or the end of the weight's path where
            the layer has several: `"recurrent_kernel"`, `"query/kernel"`.
            Defaults to `"kernel"`.

    Raises:
        ValueError: for an unknown layer or weight, or another shape or dtype.
    """
    layers = wrapped(model)
    if layer not in layers:
        raise ValueError(validation.unknown("layer", layer, layers))
    target = _target(layers[layer].unit.targets, weight)
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != tuple(target.mask.shape):
        raise ValueError(
            f"`mask` must be bool of shape {tuple(target.mask.shape)}. "
            f"Received: mask of dtype {mask.dtype}, shape {mask.shape}"
        )
    target.mask.assign(mask)


def wrapped(model: keras.Model) -> dict[str, prunable.Prunable]:
    """Returns layer name to the `Prunable` layers of any model.

    Where layers of nested models share a name, it is `outer/name`.

    Raises:
        ValueError: if there are none.
    """
    found = {}
    for path, layer in traversal.paths(model):
        if isinstance(layer, prunable.Prunable):
            found.setdefault(id(layer), (path, layer))
    if not found:
        raise ValueError(
            "`model` must have Prunable layers. Received: "
            f"model={model.name!r}, which has none. Call tfprune.prune first."
        )
    names = collections.Counter(layer.name for _, layer in found.values())
    return {
        layer.name if names[layer.name] == 1 else path: layer
        for path, layer in found.values()
    }


def _wrap(model, method, filters):
    traversal.check_clonable(model, "prune")
    method = _method(method)
    found = layer_selection.choose(method, model, filters)
    if all(found.reasons):
        raise ValueError(
            f"`model` has nothing that `method={method.name}` can prune. "
            f"Received: model={model.name!r} with the layers{found}"
        )
    fit = found.fit
    names = [layer.name for layer in found.layers if id(layer) in fit]
    settings = {name: found.settings.get(name) for name in names}
    settings = method.resolve_settings(model, settings)

    def wrap(layer, clone):
        if id(layer) not in fit:
            return clone
        own = settings[layer.name]
        return prunable.Prunable(clone, method, own, ties=found.ties(layer))

    pruned = cloning.clone(model, wrap)
    if filters is None and found.skipped():
        warnings.warn(
            f"{method.name} leaves these layers dense:{found.skipped()}",
            stacklevel=3,
        )
    return pruned, found.tying


def _meet(model, pruned, tied, budget, data, accuracy_drop):
    """Returns the settings that meet a budget, and prints what they bring."""
    found = planning.measure_sensitivity(model, data) if data else None
    table = budgets.meet(pruned, budget, found)
    print(table)
    if data:
        budgets.check_drop(model, table, data, accuracy_drop)
    return table.settings


def _meet_tied(model, pruned, tied, budget, data, accuracy_drop):
    """The same, where filters go and the net gets smaller."""
    if data is not None:
        raise ValueError(
            "`data` must be None where filters are tied: their layers are "
            f"pruned alike. Received: {len(data)} arrays. Leave it out."
        )
    if not any(budgets.SETTING in x.settings for x in wrapped(pruned).values()):
        raise ValueError(
            "`budget` needs a method that prunes each layer by a share of "
            f"its own. Received: budget={budget!r} and a method without "
            "`target_sparsity` for layers. Give it `allocation=Uniform()`."
        )
    table = filter_budget.meet(model, budget, tied.graph, tied.free)
    print(table)
    return table.settings


def _method(method):
    if isinstance(method, str):
        return methods.build(method)
    if not isinstance(method, methods.Method):
        raise ValueError(
            "`method` must be a Method or the name of one. Received: "
            f"method={method!r}. For example: tfprune.methods.Magnitude(0.9)"
        )
    return method


def _target(targets, weight):
    """Returns the one target of that path, or else of that role."""
    paths = {target.variable.path: target for target in targets}
    ends = [x for path, x in paths.items() if f"/{path}".endswith(f"/{weight}")]
    found = ends or [x for x in targets if x.role == weight]
    if len(found) != 1:
        raise ValueError(validation.unknown("weight", weight, paths))
    return found[0]
