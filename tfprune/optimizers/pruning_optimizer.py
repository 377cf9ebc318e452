"""PruningOptimizer: runs pruning methods inside the training step."""

from __future__ import annotations

import functools
import warnings

import keras
import numpy as np
from keras import ops

from tfprune import backend
from tfprune.core import mask_constraint
from tfprune.core import pruning_state
from tfprune.core import units
from tfprune.optimizers import averages
from tfprune.optimizers import coverage
from tfprune.optimizers import earlier_files
from tfprune.optimizers import groups as groups_lib
from tfprune.optimizers import masked_values
from tfprune.optimizers import saved_state
from tfprune.optimizers import terms
from tfprune.optimizers import wrapper

_FROZEN = (
    "pruned layers are frozen, and nothing but the file knows their masks: "
    "{}. Call tfprune.settings(model) before they are trained again"
)
_NOTHING = (
    "a PruningOptimizer has nothing to prune: none of the variables that it "
    "trains has a mask. Call tfprune.prune(model, method) before"
)


@keras.saving.register_keras_serializable(package="tfprune")
class PruningOptimizer(wrapper.OptimizerWrapper):
    """Updates weights with another optimizer, and masks by their method.

    ```
    in place: weights <- hidden values, where masked
    gradients = sum over replicas, and the terms of methods
    inner optimizer: clipping, decay, momentum, update
    weights <- method.project(old, new, learning rate)
    masks   <- method.update_masks(weights, masks, step), where due; or by
               method.limits, as weights are masked
    weights <- 0 where masked; in place, what may return is hidden
    ```

    It finds what to prune by the tags that `prune` and `Prunable` put on
    variables, so it serves any model, in `fit` or in a loop of your own.
    `step` and all that methods remember belong to the model: another
    `PruningOptimizer` goes on where this one stood. Settings that a method
    derives from the weights are logged, by the logger `tfprune` at level INFO.

    Args:
        inner_optimizer: Keras optimizer or its name. Defaults to `"adam"`.
        name: String or None.
        pruned: What the model of a file was pruned by. Keras fills it in.

    Example:

    ```python
    tfprune.prune(model, "magnitude")
    model.compile(tfprune.PruningOptimizer("sgd"), loss="mse")
    ```
    """

    def __init__(self, inner_optimizer="adam", name=None, pruned=None):
        super().__init__(inner_optimizer, name)
        self.saved_state = saved_state.SavedState()
        self._pruned = pruned
        self._averages: list[averages.Average] = []

    @property
    def groups(self) -> list[groups_lib.Group]:
        """The methods of the model, each with its units and its state."""
        return list(self._groups)

    def bind(self, state: pruning_state.PruningState) -> None:
        """Takes the state of a model, to be saved with the optimizer."""
        self.saved_state.bind(state)

    def build(self, variables):
        super().build(variables)
        with backend.eagerly():
            self._find_state(variables)
            self._groups = groups_lib.by_method(units.tagged(variables))
            for group in self._groups:
                groups_lib.start(group)
        targets = [x for g in self._groups for u in g.units for x in u.targets]
        self._averages = backend.outside_graph(
            lambda: averages.of(self, targets)
        )
        for group in self._groups:
            group.bind_terms()
            masked_values.start(group)

    def apply(self, grads, trainable_variables=None):
        known = self.built_on(trainable_variables)
        # Where data have ended there is none, and nothing changes. The last
        # layer's is the first that is there: few wait for it.
        with backend.after_last(grads):
            self._apply(grads, known, trainable_variables)

    def _apply(self, grads, known, trainable_variables):
        before = backend.read(self.iterations)
        rates = backend.learning_rates(self, known)
        rates = {id(v): rate for v, rate in zip(known, rates, strict=True)}
        steps = [backend.read(group.updates) for group in self._groups]
        in_place = self._in_place()
        self._reveal(in_place)
        with (
            backend.reduced(self.inner_optimizer, grads) as grads,
            mask_constraint.released(in_place),
        ):
            grads = self.unscaled(grads)
            found = {id(v): g for v, g in zip(known, grads, strict=True)}
            for group in self._groups:
                if masked_values.counts_elsewhere(self.inner_optimizer, group):
                    for target in group.in_place:
                        masked_values.mask_gradient(target, found)
            for group, step in zip(self._groups, steps, strict=True):
                found = terms.add(group.all_terms(), found, step)
            old = [self._observe(group, found) for group in self._groups]
            self.inner_optimizer.apply(
                self.scaled([found[id(v)] for v in known]), trainable_variables
            )
        updated = backend.read(self.iterations) > before
        for group, step, weights in zip(self._groups, steps, old, strict=True):
            step = step + ops.cast(updated, step.dtype)
            self._prune(group, weights, rates, step, updated)
        for average in self._averages:
            average.hide()

    def finalize_variable_values(self, var_list):
        targets = [
            getattr(variable, units.TAG)
            for variable in var_list
            if hasattr(variable, units.TAG)
        ]
        self._reveal(targets)
        super().finalize_variable_values(var_list)
        for target in targets:
            masked_values.hide(target)
        for average in self._averages:
            average.hide()

    def load_own_variables(self, store):
        values = [np.array(store[str(i)]) for i in range(len(store.keys()))]
        own = len(self.variables) - len(self.inner_optimizer.variables)
        if self.built and values[own:]:
            earlier_files.remember(self._groups, values[own:])
            store = dict(zip(map(str, range(own)), values, strict=False))
        super().load_own_variables(store)

    def get_config(self):
        config = super().get_config()
        state = self.saved_state.state
        if state is not None and state.units:
            variables = self._trainable_variables if self.built else []
            config["pruned"] = state.get_config(variables)
        return config

    def _find_state(self, variables):
        """The state of the model: that of its tags, or one from the config."""
        owners = {
            id(unit.owner): unit.owner
            for unit in units.tagged(variables)
            if unit.owner is not None
        }
        if not owners and self._pruned:
            state = pruning_state.PruningState.from_config(
                self._pruned,
                variables,
                lambda like: functools.partial(backend.add_variable, like),
            )
            owners = {id(state): state}
        for state in owners.values():
            state.adopt(variables)
            coverage.check(state.units, variables)
            if state.absent:
                names = ", ".join(state.absent)
                warnings.warn(_FROZEN.format(names), stacklevel=2)
        if len(owners) == 1:
            self.bind(state)
        elif owners:
            self.bind(pruning_state.joined(owners.values()))
        elif variables and not units.tagged(variables):
            warnings.warn(_NOTHING, stacklevel=2)

    def _in_place(self):
        return [t for group in self._groups for t in group.in_place]

    def _reveal(self, targets):
        """Puts back what is hidden of weights, and of all averages."""
        for target in targets:
            masked_values.reveal(target)
        for average in self._averages:
            average.reveal()

    def _observe(self, group, gradients):
        """Shows a method the gradients; returns the weights it looks at."""
        if group.is_frozen or not group.pruner.needs_update_hooks:
            return None
        weights = group.weights()
        grads = [
            [gradients.get(id(t.variable)) for t in unit.targets]
            for unit in group.units
        ]
        self._keep(group, group.pruner.observe(group.memory(), weights, grads))
        return weights

    def _prune(self, group, old, rates, step, updated):
        """Projects the weights of one method and decides its masks."""
        now, kept = group.weights(), group.masks()
        settings = units.settings_of(group.units)
        if old is not None:
            now = ops.cond(
                updated,
                lambda: _projected(group, old, now, rates, settings),
                lambda: now,
            )
        due = _due(group, step, settings, updated)
        limits = _limits(group, due, step, settings)
        if limits is None:
            kept = _decide(group, now, kept, due, step, settings)
            for each in zip(group.units, now, kept, strict=True):
                masked_values.write(*each)
        else:
            for each in zip(group.units, now, kept, *limits, strict=True):
                masked_values.write_within(*each)
        for unit in group.units:
            self.assign(unit.updates, step)

    def _keep(self, group, state):
        for variables, values in zip(group.state, state, strict=True):
            for name, value in values.items():
                self.assign(variables[name], value)


def inside(optimizer) -> PruningOptimizer | None:
    """The `PruningOptimizer` in an optimizer, if there is one."""
    while optimizer is not None and not isinstance(optimizer, PruningOptimizer):
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return optimizer


def _due(group, step, settings, updated):
    """Which units are decided now: frozen ones never."""
    thawed = np.array([not unit.frozen for unit in group.units])
    due = ops.logical_and(group.pruner.due(step, settings), thawed)
    return ops.logical_and(due, updated)


def _limits(group, due, step, settings):
    """As `Group.limits`, where to decide by them is one pass."""
    if not masked_values.decides_in_one_pass(group):
        return None
    return group.limits(due, step, settings)


def _decide(group, weights, kept, due, step, settings):
    """The masks, decided where any are due."""
    if group.is_frozen:
        return kept

    def decide():
        return group.pruner.update_masks(
            group.memory(), weights, kept, due, step, settings
        )

    return ops.cond(ops.any(due), decide, lambda: kept)


def _projected(group, old, new, rates, settings):
    """The weights as the method wants them; frozen ones as is."""
    own = [[rates.get(id(t.variable)) for t in x.targets] for x in group.units]
    by_rate = {
        id(rate): group.pruner.project(group.memory(), old, new, rate, settings)
        for rate in {id(x): x for unit in own for x in unit}.values()
        if rate is not None
    }
    return [
        [
            mine
            if unit.frozen or rate is None
            else by_rate[id(rate)][place][index]
            for index, (mine, rate) in enumerate(zip(*both, strict=True))
        ]
        for place, (unit, *both) in enumerate(
            zip(group.units, new, own, strict=True)
        )
    ]
