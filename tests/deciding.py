"""Decisions as an optimizer takes them, without one."""

from keras import ops


def decide(rule, state, weights, masks, step, settings):
    """Returns the masks after an update: new ones of units that are due."""
    due = rule.due(step, settings)

    def decided():
        return rule.update_masks(state, weights, masks, due, step, settings)

    return ops.cond(ops.any(due), decided, lambda: masks)
