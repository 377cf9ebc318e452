"""Stages: what changes in a model where one begins.

A stage is a change of the model (prune it, freeze its masks, remove filters),
a solver and a number of steps, counted from 0: surgery's updates start anew on
a trained net.
"""

from __future__ import annotations

import typing

import keras

from experiments import logging
from tfprune import api
from tfprune import methods
from tfprune.compress import strip
from tfprune.compress import winograd
from tfprune.compress.filters import remove
from tfprune.profiling import projection
from tfprune.utils import validation


def change(model: keras.Model, stage, splits) -> keras.Model:
    """Applies the change that a stage begins with.

    Args:
        model: Keras model.
        stage: ConfigDict.
        splits: `Splits` of the data, of which some changes see examples.

    Raises:
        ValueError: for an unknown one.
    """
    name = stage.get("change") or "none"
    if name not in CHANGES:
        raise ValueError(validation.unknown("change", name, CHANGES))
    return CHANGES[name](model, stage, splits)


def machine(config) -> dict:
    """Returns the machine that a run projects times for.

    Args:
        config: ConfigDict of a run.

    Returns:
        Dict of `machine` and `batch_size`, those of the last stage that has a
        gate; empty if there is none.
    """
    gates = [config[x].gate for x in config.stages if "gate" in config[x]]
    return _machine(gates[-1]) if gates else {}


def _prune(model, stage, splits):
    arguments = stage.method.to_dict()
    if "gate" in stage:
        own = arguments.get("settings", {})
        arguments["settings"] = {**_gate(model, stage.gate).settings(), **own}
    return api.prune(model, methods.build(arguments.pop("name"), **arguments))


def _gate(model, fields):
    """Projects which layers of a model would be faster if they were sparse."""
    found = projection.project(model, **_machine(fields))
    logging.announce(found)
    return found


def _machine(fields):
    names = ("machine", "batch_size")
    return {name: fields[name] for name in names if name in fields}


def _factorize(model, stage, splits):
    factorized = api.factorize(strip.strip(model), **stage.factorize.to_dict())
    logging.announce(factorized)
    return factorized.model


def _winograd(model, stage, splits):
    count = stage.get("examples")
    if count and not hasattr(splits.train, "images"):
        raise ValueError(
            "`examples` must be left out where images are streamed. Received: "
            f"examples={count}"
        )
    return winograd.to_winograd(
        model,
        stage.get("filters"),
        data=splits.train.images[:count] if count else None,
    )


CHANGES: dict[str, typing.Callable] = {
    "none": lambda model, stage, splits: model,
    "factorize": _factorize,
    "prune": _prune,
    "freeze": lambda model, stage, splits: api.freeze(model),
    "strip": lambda model, stage, splits: strip.strip(model),
    "winograd": _winograd,
    "slim": lambda model, stage, splits: (
        remove.remove_filters(strip.strip(model)).model
    ),
}
