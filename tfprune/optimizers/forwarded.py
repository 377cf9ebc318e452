"""Forwarded: what an optimizer around another one has of that one."""

from __future__ import annotations

import typing


class Forwarded:
    """A public attribute of Keras optimizers, read and set on the inner one.

    Args:
        own: What the outer optimizer finds while it sets up itself: without
            averages, accumulators or clipping of its own.
    """

    def __init__(self, own: typing.Any = None):
        self.own = own

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, optimizer, owner=None):
        if optimizer is None:
            return self
        if optimizer.sets_up_itself:
            return self.own
        return getattr(optimizer.inner_optimizer, self.name)

    def __set__(self, optimizer, value):
        # The constructor of Keras sets its defaults.
        if not optimizer.sets_up_itself:
            setattr(optimizer.inner_optimizer, self.name, value)
