"""PruningOptimizer: runs pruning methods inside the training step."""

from __future__ import annotations

import dataclasses
import functools
import logging
import typing

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.core import arranged_pruner
from tfprune.core import coupled_pruner
from tfprune.core import masks
from tfprune.core import units
from tfprune.optimizers import terms
from tfprune.optimizers import wrapper

_LOGGER = logging.getLogger("tfprune")


@keras.saving.register_keras_serializable(package="tfprune")
class PruningOptimizer(wrapper.OptimizerWrapper):
    """Updates weights with another optimizer, and masks by their method.

    ```
    gradients = sum over replicas, and the terms of methods
    inner optimizer: clipping, decay, momentum, update
    weights <- method.project(old, new, learning rate)
    masks   <- method.update_masks(weights, masks, step), where due
    weights <- 0 where masked, unless pruned weights may return
    ```

    It finds what to prune by the tags that `Prunable` puts on variables, so
    it serves any model, in `fit` or in a loop of your own. Settings that a
    method derives from the weights are logged, by the logger `tfprune` at
    level INFO.

    Args:
        inner_optimizer: Keras optimizer or its name. Defaults to `"adam"`.
        name: String or None.

    Example:

    ```python
    model = tfprune.prune(model, "magnitude")
    model.compile(tfprune.PruningOptimizer("sgd"), loss="mse")
    ```
    """

    @property
    def groups(self) -> list[Group]:
        """The methods of the model, each with its units and its state."""
        return list(self._groups)

    def build(self, variables):
        super().build(variables)
        self._groups = by_method(units.tagged(variables))
        with backend.eagerly():
            for group in self._groups:
                self._build_state(group)
        for group in self._groups:
            group.terms = _terms_of_method(group.units)

    def apply(self, grads, trainable_variables=None):
        known = self.built_on(trainable_variables)
        before = backend.read(self.iterations)
        rate = ops.convert_to_tensor(self.learning_rate)
        with backend.reduced(self.inner_optimizer, grads) as grads:
            found = {id(v): g for v, g in zip(known, grads, strict=True)}
            for group in self._groups:
                bound = [*group.terms, *_terms_of_rule(group.units)]
                found = terms.add(bound, found, before)
            old = [self._observe(group, found) for group in self._groups]
            self.inner_optimizer.apply(
                [found[id(v)] for v in known], trainable_variables
            )
        step = backend.read(self.iterations)
        for group, weights in zip(self._groups, old, strict=True):
            self._prune(group, weights, rate, step, step > before)

    def finalize_variable_values(self, var_list):
        super().finalize_variable_values(var_list)
        for unit in units.tagged(var_list):
            if not unit.keeps_masked_values:
                for target in unit.targets:
                    bare = masks.select(target.variable, target.mask)
                    target.variable.assign(bare)

    def _build_state(self, group):
        weights = [
            [np.array(target.variable) for target in unit.targets]
            for unit in group.units
        ]
        given = [dict(unit.settings) for unit in group.units]
        state, settings = group.pruner.build(weights, given)
        for unit, values in zip(group.units, settings, strict=True):
            unit.settings.update(values)
        if settings != given:
            names = [unit.name for unit in group.units]
            _LOGGER.info(group.pruner.describe(weights, settings, names))
        group.state = [
            {key: self._remember(key, value) for key, value in values.items()}
            for values in state
        ]

    def _remember(self, name, value):
        value = np.asarray(value, "float32")
        return self.add_variable(
            value.shape,
            lambda shape, dtype: ops.convert_to_tensor(value, dtype),
            "float32",
            name=name,
        )

    def _observe(self, group, gradients):
        """Shows a method the gradients; returns the weights it looks at."""
        frozen = all(unit.frozen for unit in group.units)
        if frozen or not group.pruner.needs_update_hooks:
            return None
        weights = _weights(group.units)
        grads = [
            [gradients.get(id(t.variable)) for t in unit.targets]
            for unit in group.units
        ]
        self._keep(group, group.pruner.observe(_read(group), weights, grads))
        return weights

    def _prune(self, group, old, rate, step, updated):
        """Projects the weights of one method and decides its masks."""
        now = _weights(group.units)
        kept = [
            [backend.read(t.mask) for t in unit.targets] for unit in group.units
        ]
        settings = [unit.settings.tensors() for unit in group.units]
        if old is not None:
            now = ops.cond(
                updated,
                lambda: _projected(group, old, now, rate, settings),
                lambda: now,
            )
        # Momentum or decay may have moved what is pruned.
        now = _clear(group.units, now, kept)
        now, kept = self._decide(group, now, kept, settings, step, updated)
        for unit, weights, decided in zip(group.units, now, kept, strict=True):
            self.assign(unit.updates, step)
            _write(unit, weights, decided)

    def _decide(self, group, weights, kept, settings, step, updated):
        """New weights and masks; frozen masks are never due."""
        if all(unit.frozen for unit in group.units):
            return weights, kept
        due = [
            ops.logical_and(ops.logical_and(updated, now), not unit.frozen)
            for unit, now in zip(
                group.units, group.pruner.due(step, settings), strict=True
            )
        ]

        def decide(weights, kept):
            return group.pruner.update_masks(
                _read(group), weights, kept, due, step, settings
            )

        def decide_and_clear(weights, kept):
            kept = decide(weights, kept)
            return _clear(group.units, weights, kept), kept

        anything = functools.reduce(ops.logical_or, due)
        if group.pruner.gradient == "masked":
            return _run_if(anything, decide_and_clear, (weights, kept))
        return weights, ops.cond(
            anything, lambda: decide(weights, kept), lambda: kept
        )

    def _keep(self, group, state):
        for variables, values in zip(group.state, state, strict=True):
            for name, value in values.items():
                self.assign(variables[name], value)


@dataclasses.dataclass
class Group:
    """The units of one method and what the method remembers of them."""

    pruner: typing.Any
    units: list[units.Unit]
    state: list[dict] = dataclasses.field(default_factory=list)
    terms: list[terms.Bound] = dataclasses.field(default_factory=list)


def by_method(tagged) -> list[Group]:
    """Groups units by equal methods: a loaded model has one copy each."""
    groups: list[Group] = []
    for unit in tagged:
        for group in groups:
            if group.units[0].method == unit.method:
                group.units.append(unit)
                break
        else:
            groups.append(Group(unit.method.pruner, [unit]))
    for group in groups:
        group.pruner = coupled_pruner.over(group.pruner, group.units)
        group.pruner = arranged_pruner.over(group.pruner, group.units)
    return groups


def _terms_of_method(tagged):
    """The gradient terms that a method has beside its rule."""
    targets = [target for unit in tagged for target in unit.targets]
    kernels = terms.by_layer([target.variable for target in targets])
    of = {id(target.variable): target.groups for target in targets}
    groups = {name: of[id(kernel)] for name, kernel in kernels.items()}
    return [
        bound
        for term in tagged[0].method.terms
        for bound in terms.bind(term, kernels, groups)
    ]


def _terms_of_rule(tagged):
    """The gradient terms of rules; none where masks are final."""
    return [
        terms.Bound(term, target.variable, unit.settings.tensors())
        for unit in tagged
        if not unit.frozen
        for term in unit.method.pruner.terms
        for target in unit.targets
    ]


def _weights(tagged):
    return [[backend.read(t.variable) for t in unit.targets] for unit in tagged]


def _read(group):
    return [
        {name: backend.read(variable) for name, variable in values.items()}
        for values in group.state
    ]


def _projected(group, old, new, rate, settings):
    """The weights as the method wants them; frozen ones as is."""
    projected = group.pruner.project(_read(group), old, new, rate, settings)
    return [
        mine if unit.frozen else weights
        for unit, mine, weights in zip(group.units, new, projected, strict=True)
    ]


def _clear(tagged, weights, kept):
    """The weights, 0 where pruned unless they may return."""
    return [
        list(map(masks.select, own, mask)) if unit.gradient == "masked" else own
        for unit, own, mask in zip(tagged, weights, kept, strict=True)
    ]


def _run_if(condition, function, state):
    """`function(*state)` where the condition holds, else the state.

    A loop of one turn or none works in place; XLA would copy all of a state
    this large past an `ops.cond`.
    """
    done = ops.convert_to_tensor(False)
    return ops.while_loop(
        lambda going, *state: going,
        lambda going, *state: (done, *function(*state)),
        (condition, *state),
    )[1:]


def _write(unit, weights, decided):
    """Stores masks that may have changed and the weights under them."""
    for target, weight, mask in zip(
        unit.targets, weights, decided, strict=True
    ):
        if not unit.frozen:
            target.mask.assign(mask)
        if unit.gradient == "masked" or unit.method.pruner.needs_update_hooks:
            target.variable.assign(weight)
