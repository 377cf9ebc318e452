"""The verbs on a model: prune, freeze, strip, set_mask, settings."""

from __future__ import annotations

import re
import typing
import warnings

import keras
import numpy as np

from tfprune import methods
from tfprune.compress import strip as strip_lib
from tfprune.compress import traverse
from tfprune.core import errors
from tfprune.core import units
from tfprune.layers import prunable

strip = strip_lib.strip


def prune(
    model: keras.Model,
    method: str | methods.Method,
    filters: typing.Any = None,
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

    Returns:
        A Keras model of the same class, layer names and weights.

    Raises:
        ValueError: for a subclassed model, an unknown method, a pattern that
            matches no layer, an unknown setting, a chosen layer that does not
            fit, or a model with nothing to prune.

    Example:

    ```python
    method = tfprune.methods.Surgery(0.95, settings={"fc8": None})
    model = tfprune.prune(model, method)
    model.compile(tfprune.PruningOptimizer("sgd"), loss="mse")
    ```
    """
    traverse.check_clonable(model, "prune")
    if isinstance(method, str):
        method = methods.build(method)
    layers = traverse.leaves(model)
    settings = _resolve(method, layers)
    chosen = _chosen(layers, filters)
    reasons = _reasons(method, layers, chosen, settings)
    _check_chosen(method, reasons, {**chosen, **settings})
    if all(reasons.get(layer.name) for layer in layers):
        listed = "".join(f"\n  {k}: {v}" for k, v in reasons.items())
        raise ValueError(
            f"`model` has nothing that `method={method.name}` can prune. "
            f"Received: model={model.name!r} with the layers{listed}"
        )

    def wrap(layer, clone):
        if reasons[layer.name]:
            return clone
        own = settings.get(layer.name)
        return prunable.Prunable(clone, method, own)

    pruned = traverse.clone(model, wrap)
    _warn_skipped(method, layers, chosen, settings, reasons)
    return pruned


def freeze(model: keras.Model) -> keras.Model:
    """Makes all masks of a pruned model final, in place, for fine-tuning.

    Pruned weights are set to zero and stay there, whatever the method allowed
    before. Compile the model again before training on.

    Args:
        model: Keras model with `Prunable` layers.

    Returns:
        The same model.
    """
    for layer in wrapped(model).values():
        layer.freeze()
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
    model: keras.Model, layer: str, mask: typing.Any, role: str = "kernel"
) -> None:
    """Replaces a mask of a live model, between two steps.

    Args:
        model: Keras model with `Prunable` layers.
        layer: String, name of the layer.
        mask: Bool array of the weight's shape, True keeps.
        role: `"kernel"` or `"bias"`. Defaults to `"kernel"`.

    Raises:
        ValueError: for an unknown layer or role, or another shape or dtype.
    """
    layers = wrapped(model)
    if layer not in layers:
        raise ValueError(errors.unknown("layer", layer, layers))
    targets = {t.role: t for t in layers[layer].unit.targets}
    if role not in targets:
        raise ValueError(errors.unknown("role", role, targets))
    mask, target = np.asarray(mask), targets[role]
    if mask.dtype != bool or mask.shape != tuple(target.mask.shape):
        raise ValueError(
            f"`mask` must be bool of shape {tuple(target.mask.shape)}. "
            f"Received: mask of dtype {mask.dtype}, shape {mask.shape}"
        )
    target.mask.assign(mask)


def wrapped(model: keras.Model) -> dict[str, prunable.Prunable]:
    """Returns layer name to the `Prunable` layers of any model.

    Raises:
        ValueError: if there are none.
    """
    found = {
        layer.name: layer
        for layer in traverse.walk(model)
        if isinstance(layer, prunable.Prunable)
    }
    if not found:
        raise ValueError(
            "`model` must have Prunable layers. Received: "
            f"model={model.name!r}, which has none. Call tfprune.prune first."
        )
    return found


def _resolve(method, layers):
    """Returns layer name to its settings, or None for a dense layer.

    A layer's exact name goes before any expression.
    """
    resolved, names = {}, {layer.name for layer in layers}
    exact_last = sorted(method.settings.items(), key=lambda x: x[0] in names)
    for pattern, own in exact_last:
        matches = _matching("settings", pattern, layers)
        for name in own or ():
            if name not in method.pruner.settings:
                raise ValueError(
                    errors.unknown("settings", name, method.pruner.settings)
                )
        resolved.update(dict.fromkeys(matches, own))
    return resolved


def _chosen(layers, filters):
    """Returns layer name to True for what the filters choose."""
    if filters is None:
        return {}
    if callable(filters):
        chosen = [layer.name for layer in layers if filters(layer)]
    else:
        patterns = [filters] if isinstance(filters, str) else list(filters)
        matches = [_matching("filters", p, layers) for p in patterns]
        chosen = [name for names in matches for name in names]
    if not chosen:
        raise ValueError(
            "`filters` must choose at least one layer. Received: "
            f"filters={filters!r}, which chooses none of "
            f"{', '.join(layer.name for layer in layers)}"
        )
    return dict.fromkeys(chosen, True)


def _matching(argument, pattern, layers):
    """Returns the names that equal a pattern, or else match it wholly."""
    names = [layer.name for layer in layers]
    if pattern in names:
        return [pattern]
    matches = [name for name in names if re.fullmatch(pattern, name)]
    if not matches:
        raise ValueError(errors.unknown(argument, pattern, names))
    return matches


def _reasons(method, layers, chosen, settings):
    """Returns layer name to why it stays dense, or to None."""
    reasons = {}
    for layer in layers:
        if chosen and layer.name not in chosen:
            reasons[layer.name] = "not chosen by `filters`"
        elif settings.get(layer.name, ()) is None:
            reasons[layer.name] = "dense by `settings`"
        else:
            reasons[layer.name] = method.misfit(layer)
    return reasons


def _check_chosen(method, reasons, chosen):
    for name, wanted in chosen.items():
        if wanted is not None and reasons[name]:
            raise ValueError(
                f"`method={method.name}` does not fit layer {name!r}, which "
                f"was chosen: {reasons[name]}. Leave it out, or set it to None."
            )


def _warn_skipped(method, layers, chosen, settings, reasons):
    """Lists layers with weights that a default choice left out."""
    skipped = [
        f"\n  {layer.name}: {reasons[layer.name]}"
        for layer in layers
        if reasons[layer.name]
        and layer.weights
        and not chosen
        and layer.name not in settings
    ]
    if skipped:
        warnings.warn(
            f"{method.name} leaves these layers dense:{''.join(skipped)}",
            stacklevel=3,
        )
