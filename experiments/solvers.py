"""Caffe's SGD and learning-rate policies, and any optimizer by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from collections.abc import Sequence

import keras
from keras import ops
from keras.optimizers import schedules

from tfprune.utils import validation


def build(name: str, **fields) -> keras.optimizers.Optimizer:
    """Builds an optimizer from plain values, as a config holds them.

    Args:
        name: str, `"caffe_sgd"` or an optimizer of Keras in lower case.
        **fields: the optimizer's arguments. `learning_rate` may be a number,
            a schedule, or a dict of `policy` and that policy's numbers.

    Returns:
        A `keras.optimizers.Optimizer`.

    Raises:
        ValueError: a name or field is unknown, or a field is missing.

    Example:

    ```python
    rate = dict(policy="inv", base=0.01, gamma=1e-4, power=0.75)
    build("caffe_sgd", learning_rate=rate, momentum=0.9, weight_decay=5e-4)
    ```
    """
    optimizers = _optimizers()
    _require_known("name", name, optimizers)
    if "learning_rate" in fields:
        fields["learning_rate"] = _learning_rate(fields["learning_rate"])
    return _call(optimizers[name], name, fields)


def policy(name: str, **numbers) -> float | schedules.LearningRateSchedule:
    """Builds one of Caffe's learning-rate policies.

    ```
    fixed      base
    step       base * gamma ** floor(step / size)
    multistep  base * gamma ** (how many of steps are <= step)
    exp        base * gamma ** step
    inv        base * (1 + gamma * step) ** -power
    poly       base * (1 - step / end) ** power, and 0 after end
    ```

    As everywhere in Keras, `step` counts batches, also those that gradient
    accumulation only collects.

    Args:
        name: str, a policy of the table above.
        **numbers: the names on the right of its row. `steps` is a list.

    Returns:
        A float for `"fixed"`, else a schedule.

    Raises:
        ValueError: a name or number is unknown, or a number is missing.
    """
    _require_known("policy", name, _POLICIES)
    return _call(_POLICIES[name], name, numbers)


@keras.saving.register_keras_serializable(package="tfprune")
class CaffeSGD(keras.optimizers.Optimizer):
    """SGD whose L2 decay and learning rate are inside the momentum.

    ```
    gradient += weight_decay * decay_multiplier * variable
    history = momentum * history + learning_rate * lr_multiplier * gradient
    variable -= history
    ```

    Multipliers are 1, and those below for variables named `bias`. Unlike the
    `weight_decay` of Keras' optimizers, this one is coupled: it is part of
    the gradient, added after clipping. The attribute is called `l2`.

    Args:
        learning_rate: float, schedule or callable. Defaults to `0.01`.
        momentum: float in [0, 1). Defaults to `0.9`.
        weight_decay: float >= 0, times the variable, is the gradient of the
            L2 penalty. Defaults to `0.0`.
        bias_lr_multiplier: float >= 0. Defaults to `2.0`.
        bias_decay_multiplier: float >= 0. Defaults to `0.0`.
        name: str. Defaults to `"caffe_sgd"`.
        **kwargs: clipping, averaging and accumulation, as for every
            `keras.optimizers.Optimizer`.

    Raises:
        ValueError: a number is out of range.

    Reference:
        Jia et al., Caffe: Convolutional Architecture for Fast Feature
        Embedding, ACM Multimedia, 2014.
    """

    def __init__(
        self,
        learning_rate: float | schedules.LearningRateSchedule = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        bias_lr_multiplier: float = 2.0,
        bias_decay_multiplier: float = 0.0,
        name: str = "caffe_sgd",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(
                f"`momentum` must be in [0, 1). Received: momentum={momentum}"
            )
        self.momentum = momentum
        self.l2 = _at_least_0("weight_decay", weight_decay)
        self.bias_lr_multiplier = _at_least_0(
            "bias_lr_multiplier", bias_lr_multiplier
        )
        self.bias_decay_multiplier = _at_least_0(
            "bias_decay_multiplier", bias_decay_multiplier
        )

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Creates one `history` and one pair of multipliers per variable."""
        if self.built:
            return
        super().build(variables)
        self.histories = self.add_optimizer_variables(variables, "history")
        bias = (self.bias_lr_multiplier, self.bias_decay_multiplier)
        self._multipliers = [
            bias if variable.name == "bias" else (1.0, 1.0)
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate) -> None:
        """Moves one variable; it may be one replica's raw `tf.Variable`."""
        index = self._get_variable_index(variable)
        history = self.histories[index]
        lr_multiplier, decay_multiplier = self._multipliers[index]
        gradient = ops.cast(gradient, variable.dtype)
        if self.l2 * decay_multiplier:
            decay = ops.multiply(variable, self.l2 * decay_multiplier)
            gradient = ops.add(gradient, decay)
        rate = ops.cast(learning_rate, variable.dtype) * lr_multiplier
        kept = ops.multiply(history, self.momentum)
        self.assign(history, ops.add(kept, ops.multiply(gradient, rate)))
        self.assign_sub(variable, history)

    def get_config(self) -> dict:
        """Returns the arguments that rebuild this optimizer."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "weight_decay": self.l2,
            "bias_lr_multiplier": self.bias_lr_multiplier,
            "bias_decay_multiplier": self.bias_decay_multiplier,
        }


@keras.saving.register_keras_serializable(package="tfprune")
class Inverse(schedules.LearningRateSchedule):
    """Caffe's policy `inv`: `base * (1 + gamma * step) ** -power`.

    Args:
        base: float, the learning rate at step 0.
        gamma: float, how fast it falls, per step.
        power: float, how far it falls.
    """

    def __init__(self, base: float, gamma: float, power: float):
        self.base = base
        self.gamma = gamma
        self.power = power

    def __call__(self, step):
        """Returns the learning rate at `step`, a float32 scalar."""
        growth = 1.0 + self.gamma * ops.cast(step, "float32")
        return self.base * ops.power(growth, -self.power)

    def get_config(self) -> dict:
        """Returns the arguments that rebuild this schedule."""
        return {"base": self.base, "gamma": self.gamma, "power": self.power}


def _fixed(base):
    return float(base)


def _step(base, gamma, size):
    return schedules.ExponentialDecay(float(base), size, gamma, staircase=True)


def _multistep(base, steps, gamma=0.1):
    # Keras changes the rate after its boundary, Caffe at it.
    boundaries = [step - 1 for step in steps]
    values = [base * gamma**drops for drops in range(len(steps) + 1)]
    return schedules.PiecewiseConstantDecay(boundaries, values)


def _exp(base, gamma):
    return schedules.ExponentialDecay(float(base), 1, gamma)


def _poly(base, end, power=1.0):
    return schedules.PolynomialDecay(float(base), end, 0.0, power)


_POLICIES = {
    "fixed": _fixed,
    "step": _step,
    "multistep": _multistep,
    "exp": _exp,
    "inv": Inverse,
    "poly": _poly,
}


def _learning_rate(rate):
    if isinstance(rate, int):
        return float(rate)
    if not hasattr(rate, "keys"):
        return rate
    numbers = dict(rate)
    if "policy" not in numbers:
        raise ValueError(
            "`learning_rate` must be a number, a schedule, or a dict with "
            f"the key 'policy'. Received: learning_rate={numbers}"
        )
    return policy(numbers.pop("policy"), **numbers)


def _optimizers():
    base = keras.optimizers.Optimizer
    found = {
        name.lower(): value
        for name, value in vars(keras.optimizers).items()
        if inspect.isclass(value) and base in value.__mro__[1:]
    }
    return {"caffe_sgd": CaffeSGD, **found}


def _call(function: Callable, name: str, fields: dict):
    """Calls `function(**fields)`, explaining fields that do not fit."""
    parameters = _parameters(function)
    for field in fields:
        _require_known(f"field of {name}", field, parameters)
    missing = [
        field
        for field, parameter in parameters.items()
        if parameter.default is parameter.empty and field not in fields
    ]
    if missing:
        raise ValueError(
            f"`{name}` needs {', '.join(missing)}. Received: {fields}"
        )
    return function(**fields)


def _parameters(function):
    """What `function` takes; `**kwargs` stand for what all optimizers take."""
    own = dict(inspect.signature(function).parameters)
    if own.pop("kwargs", None) is None:
        return own
    sgd = inspect.signature(keras.optimizers.SGD).parameters
    shared = inspect.signature(keras.optimizers.Adam).parameters.keys() & sgd
    return {key: sgd[key] for key in shared - {"kwargs"}} | own


def _at_least_0(name, value):
    if value < 0:
        raise ValueError(f"`{name}` must be >= 0. Received: {name}={value}")
    return value


def _require_known(what, name, known):
    if name not in known:
        raise ValueError(validation.unknown(what, name, known))
