"""One-shot pruning: masks decided at once, without training."""

from __future__ import annotations

import keras
from keras import ops

from tfprune.core import units as units_lib
from tfprune.optimizers import groups as groups_lib
from tfprune.utils import validation

# Sparsity schedules have ended by then.
_LATE = 2**30


def decide(model: keras.Model) -> keras.Model:
    """Decides the masks of a pruned model now, and makes them final.

    They are those that its method would decide at the end of its schedule, of
    the weights as they are. Layers that do not train are pruned, too. Train on
    with any optimizer: the masks stay.

    Args:
        model: Keras model that is pruned, in place or wrapped.

    Returns:
        The same model.

    Raises:
        ValueError: if it is not pruned, or by a method that acts on gradients
            or steps of training, or has weights that are not finite; nothing
            is changed then.

    Example:

    ```python
    tfprune.prune(model, tfprune.methods.Magnitude(0.8))
    tfprune.decide(model)
    ```
    """
    tagged = units_lib.tagged(model.variables)
    validation.check(
        "model",
        model.name,
        bool(tagged),
        "pruned: call tfprune.prune before",
    )
    targets = [target for unit in tagged for target in unit.targets]
    validation.check_finite("model", [x.variable for x in targets])
    groups = groups_lib.by_method(tagged)
    for group in groups:
        _check(group)
    for group in groups:
        _decide(group)
    model.train_function = model.test_function = model.predict_function = None
    return model


def _check(group):
    method = group.units[0].method
    validation.check(
        "method",
        method.name,
        not method.pruner.needs_update_hooks,
        "one that looks at weights alone to be decided at once. Train with a "
        "tfprune.PruningOptimizer instead",
    )


def _decide(group):
    groups_lib.start(group)
    dense = [[t.dense() for t in unit.targets] for unit in group.units]
    masks = [
        [ops.convert_to_numpy(t.mask) for t in unit.targets]
        for unit in group.units
    ]
    settings = units_lib.settings_of(group.units)
    due = ops.convert_to_tensor([not unit.frozen for unit in group.units])
    step = ops.convert_to_tensor(_LATE, "int32")
    decided = group.pruner.update_masks(
        group.state, dense, masks, due, step, settings
    )
    for unit, weights, kept in zip(group.units, dense, decided, strict=True):
        for target, value, mask in zip(
            unit.targets, weights, kept, strict=True
        ):
            target.assign(value, ops.convert_to_numpy(mask))
        unit.freeze()
