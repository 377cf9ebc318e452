"""Force: a gradient term that pulls filters together."""

from __future__ import annotations

import numbers
import typing

import keras
from keras import ops

from tfprune.numerics import forces
from tfprune.utils import layer_names
from tfprune.utils import serialization
from tfprune.utils import validation


@serialization.serializable
class Force(serialization.Serializable):
    """Adds `-force_decay * force` to the gradient of a kernel.

    The force (`tfprune.numerics.forces`) moves filters towards each other's
    directions and leaves their norms, so that the rank of a layer falls. It
    goes through momentum and learning rate as weight decay does.

    Args:
        force_decay: Float >= 0, the strength; or a
            `keras.optimizers.schedules.LearningRateSchedule` of the completed
            updates. Defaults to 1e-4.
        force_type: `"degradation"` (default; weakens as filters come near),
            `"constant"`, `"gravity"` or `"linear"`.
        force_mult: Dict, layer name or regular expression to a factor of
            `force_decay`. For others it is 0. Defaults to
            None: 1 for convolutions of images and volumes with windows
            larger than 1.
        direction: `"all"` (default), or `"same"`: entries of the force that
            the gradient of the loss opposes are left out.
        adaptive: Bool: the force is scaled to `force_decay` times the norm
            of the loss gradient of the kernel. Defaults to False.
        stop_step: Integer, completed updates, from which on there is no
            force; or None (default): never.

    Raises:
        ValueError: for a number out of range or an unknown name.

    Reference:
        Wen et al. Coordinating Filters for Faster Deep Neural Networks. ICCV
        2017.
    """

    force_decay: typing.Any = 1e-4
    force_type: str = "degradation"
    force_mult: dict | None = None
    direction: str = "all"
    adaptive: bool = False
    stop_step: int | None = None

    def __post_init__(self):
        _check_decay(self.force_decay)
        forces.get(self.force_type)
        if self.direction not in _DIRECTIONS:
            raise ValueError(
                validation.unknown("direction", self.direction, _DIRECTIONS)
            )
        for name, factor in (self.force_mult or {}).items():
            at_least_0 = isinstance(factor, numbers.Real) and factor >= 0
            validation.check(
                f"force_mult[{name!r}]", factor, at_least_0, ">= 0"
            )
        if self.stop_step is not None:
            validation.check_count("stop_step", self.stop_step)

    def __eq__(self, other):
        # Schedules of Keras are equal to themselves alone.
        same = type(other) is type(self)
        return same and other.get_config() == self.get_config()

    def multipliers(self, shapes: dict[str, tuple]) -> dict[str, float]:
        """The factor of each layer by its name, without those of 0.

        Args:
            shapes: Dict, name of a layer to the shape of its kernel.

        Raises:
            ValueError: for a pattern that matches none of them, or if there
                is no kernel with a factor.
        """
        if self.force_mult is None:
            found = {x: 1.0 for x, shape in shapes.items() if _is_window(shape)}
        else:
            known = list(shapes)
            found = layer_names.resolve("force_mult", self.force_mult, known)
        found = {name: factor for name, factor in found.items() if factor}
        if not found:
            raise ValueError(
                "`force_mult` must name a layer with a kernel. Received: "
                f"force_mult={self.force_mult}, for the layers "
                f"{', '.join(shapes) or 'none'}"
            )
        return found

    def __call__(self, gradient, kernel, step, factor=1.0, groups: int = 1):
        """The gradient of the loss and of the force.

        Args:
            gradient: Float tensor, of the loss, the sum over replicas.
            kernel: Float tensor of the same shape, filters in the last axis.
            step: Integer scalar tensor, completed updates.
            factor: Float, as `multipliers` gives it. Defaults to 1.
            groups: Integer, of a convolution. Defaults to 1.
        """

        def pulled():
            return gradient - self._push(gradient, kernel, step, factor, groups)

        if self.stop_step is None:
            return pulled()
        before = ops.cast(step, "int32") < self.stop_step
        return ops.cond(before, pulled, lambda: gradient)

    def _push(self, gradient, kernel, step, factor, groups):
        force = forces.of_kernel(
            ops.cast(kernel, "float32"), self.force_type, groups
        )
        loss = ops.cast(gradient, "float32")
        force = _DIRECTIONS[self.direction](force, loss)
        strength = factor * self._strength(step)
        if self.adaptive:
            strength *= ops.divide_no_nan(_norm(loss), _norm(force))
        return ops.cast(strength * force, gradient.dtype)

    def _strength(self, step):
        if callable(self.force_decay):
            return ops.cast(self.force_decay(step), "float32")
        return ops.convert_to_tensor(self.force_decay, "float32")


def _same(force, gradient):
    # The step is minus the gradient, and follows the force.
    return ops.where(force * gradient <= 0, force, 0.0)


_DIRECTIONS = {"all": lambda force, gradient: force, "same": _same}


def _check_decay(value):
    is_schedule = isinstance(
        value, keras.optimizers.schedules.LearningRateSchedule
    )
    at_least_0 = isinstance(value, numbers.Real) and 0 <= value < float("inf")
    fine = is_schedule or at_least_0
    validation.check("force_decay", value, fine, "a number >= 0 or a schedule")


def _is_window(shape):
    """Tells kernels of convolutions in two dimensions or more, above 1x1."""
    window = len(shape) >= 4 and any(size > 1 for size in shape[:-2])
    return window and shape[-1] > 1


def _norm(tensor):
    return ops.sqrt(ops.sum(ops.square(tensor)))
