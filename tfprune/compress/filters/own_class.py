"""own_class: a smaller model as what its class makes of smaller numbers."""

from __future__ import annotations

import collections
import itertools

import keras
import numpy as np

from tfprune import backend
from tfprune.graph import cloning
from tfprune.graph import equivalence
from tfprune.graph import traversal

_MOST_KEYS = 4  # Of a config: what is built is one for each subset of them.


def remade(model: keras.Model, small: keras.Model) -> keras.Model:
    """A smaller model by the constructor of the model's class, if it can be.

    That of a backbone of KerasHub takes sizes. Where all axes of a size have
    become equally small, numbers of that size in its config are replaced, as
    few as there must be. What it makes must have the variables of the smaller
    model, the layers of the model but for sizes, and give the same.

    Args:
        model: Sequential or Functional model, or a subclass of these.
        small: The same with fewer channels.

    Returns:
        The smaller model, or one of the model's class that infers the same.
    """
    if type(model) is type(small):
        return small
    try:
        config = model.get_config()
        sizes = _sizes(model, small)
        configs = list(_smaller(config, sizes))
    except Exception:  # Of a class of the user's own.
        return small
    for one in configs:
        made = _made(model, one)
        if made is not None and _becomes(made, model, small, sizes):
            return made
    return small


def _made(model, config):
    try:
        return type(model).from_config(config)
    except Exception:  # Of whatever kind constructors raise.
        return None


def _becomes(made, model, small, sizes):
    """Gives a new model all that the smaller one has; whether it can."""
    own, other = _variables(small), _variables(made)
    if own.keys() != other.keys() or not _is_alike(made, model, sizes):
        return False
    if any(own[key].shape != other[key].shape for key in own):
        return False
    for key, variable in other.items():
        variable.assign(backend.to_numpy(own[key]))
    cloning.copy_assets(model, made)
    cloning.copy_trainable(model, made)
    cloning.refresh(made)
    made.name = model.name
    try:
        equivalence.check(small, made)
    except RuntimeError:
        return False
    return True


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
    found = [
        ((layer.name, *_below(layer, variable)), variable)
        for layer in model.layers
        for variable in layer.variables
        if variable.name != "seed_generator_state"
    ]
    if len(found) > len(dict(found)):
        raise ValueError(f"Variables of {model.name} have equal names.")
    return dict(found)


def _below(layer, variable):
    names = variable.path.split("/")
    return (
        names[names.index(layer.name) + 1 :] if layer.name in names else names
    )


def _smaller(config, sizes):
    """Configs with numbers replaced: one of them, then more."""
    changed = {key: _replaced(value, sizes) for key, value in config.items()}
    keys = [key for key in config if changed[key] != config[key]]
    if len(keys) > _MOST_KEYS:
        return
    for count in range(1, len(keys) + 1):
        for some in itertools.combinations(keys, count):
            yield config | {key: changed[key] for key in some}


def _replaced(value, sizes):
    """A number, or a list of lists of them, with sizes replaced."""
    if isinstance(value, (list, tuple)):
        kind = tuple if isinstance(value, tuple) else list
        return kind(_replaced(x, sizes) for x in value)
    return sizes.get(value, value) if type(value) is int else value


def _is_alike(made, model, sizes):
    """Whether layers are equal but for sizes: no user has changed them."""
    new, old = traversal.walk(made), traversal.walk(model)
    return len(new) == len(old) and all(
        type(one) is type(other)
        and _is_equal(_config(one), _config(other), sizes)
        for one, other in zip(new, old, strict=True)
        if not traversal.is_container(one)
    )


def _config(layer):
    return layer.get_config() | {"name": "", "trainable": True}


def _is_equal(new, old, sizes):
    if type(new) is not type(old):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(
            _is_equal(new[key], old[key], sizes) for key in old
        )
    if isinstance(old, (list, tuple)):
        return len(new) == len(old) and all(
            _is_equal(x, y, sizes) for x, y in zip(new, old, strict=True)
        )
    return np.array_equal(new, old) or new == _replaced(old, sizes)
