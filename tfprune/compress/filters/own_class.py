"""own_class: smaller models as what their class makes of smaller numbers."""

from __future__ import annotations

import collections
import itertools

import keras

from tfprune import backend
from tfprune.graph import equivalence
from tfprune.graph import traversal

_MOST_KEYS = 4  # Of a config: what is built is one for each subset of them.


def remade(model: keras.Model, small: keras.Model) -> keras.Model:
    """A smaller model, of the classes of the model where these can be so.

    The constructor of a backbone of KerasHub takes sizes. Where all axes of a
    size have become equally small, numbers of that size in its config are
    replaced. What it makes then must have the variables of the smaller model,
    and give the same.

    Args:
        model: Sequential or Functional model, subclasses of these in it.
        small: The same with fewer channels and layers, by the same names.

    Returns:
        The smaller model, or another one that infers the same.
    """
    left = {layer.name: layer for layer in small.layers}
    pairs = [(x, left[x.name]) for x in model.layers if x.name in left]
    inner = {
        id(less): own
        for one, less in pairs
        # What was opened is a container in the result alone.
        if all(map(traversal.is_container, (one, less)))
        and (own := remade(one, less)) is not less
    }
    if inner:
        small = keras.models.clone_model(
            small,
            clone_function=lambda layer: inner.get(id(layer), layer),
            recursive=False,
        )
    return _of_class(model, small) or small


def _of_class(model, small):
    """The smaller model as one of the model's class, or None."""
    if type(model) is type(small):
        return None
    sizes = _sizes(model, small)
    for config in _smaller(model.get_config(), sizes):
        try:
            made = type(model).from_config(config)
            _fill(made, small)
            equivalence.check(small, made)
        except Exception:  # Of whatever kind constructors raise.
            continue
        return made
    return None


def _sizes(model, small):
    """The sizes of axes that changed to the one that each became."""
    found = collections.defaultdict(set)
    old, new = map(_variables, (model, small))
    for key in old.keys() & new.keys():
        pairs = zip(old[key].shape, new[key].shape, strict=True)
        for before, after in pairs:
            if before != after:
                found[before].add(after)
    return {size: min(own) for size, own in found.items() if len(own) == 1}


def _variables(model):
    """Variables by the names of layers that they are in; no random state.

    A layer that was opened names its variables from itself on.
    """
    return {
        (layer.name, *_below(layer, variable)): variable
        for layer in model.layers
        for variable in layer.variables
        if variable.name != "seed_generator_state"
    }


def _below(layer, variable):
    names = variable.path.split("/")
    return (
        names[names.index(layer.name) + 1 :] if layer.name in names else names
    )


def _smaller(config, sizes):
    """Configs with numbers replaced: all that may be, then some of them."""
    changed = {key: _replaced(value, sizes) for key, value in config.items()}
    keys = [key for key in config if changed[key] != config[key]]
    if len(keys) > _MOST_KEYS:
        return
    for count in range(len(keys), 0, -1):
        for some in itertools.combinations(keys, count):
            yield config | {key: changed[key] for key in some}


def _replaced(value, sizes):
    """A number, or a list of lists of them, with sizes replaced."""
    if isinstance(value, (list, tuple)):
        return type(value)(_replaced(x, sizes) for x in value)
    return sizes.get(value, value) if type(value) is int else value


def _fill(made, small):
    """Copies variables; those of both must have the same names."""
    old, new = map(_variables, (small, made))
    if old.keys() != new.keys():
        raise ValueError("other variables")
    for key, variable in new.items():
        variable.assign(backend.to_numpy(old[key]))
        variable.trainable = old[key].trainable
