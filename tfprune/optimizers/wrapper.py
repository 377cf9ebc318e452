"""OptimizerWrapper: what every optimizer around an optimizer forwards."""

from __future__ import annotations

import keras
from keras import ops

from tfprune import backend
from tfprune.optimizers import forwarded


class OptimizerWrapper(keras.optimizers.Optimizer):
    """Forwards to an inner optimizer and saves its own state alone.

    Clipping, decay, averaging, accumulation are those of the inner optimizer;
    so is any other public attribute of it, such as `momentum`. Inside, a
    `MultiOptimizer` may give each variable an optimizer of its own.

    Args:
        inner_optimizer: Keras optimizer or its name.
        name: String or None.

    Raises:
        ValueError: for a LossScaleOptimizer, which goes around this one; and
            when it is built, for optimizers of a MultiOptimizer that
            accumulate gradients over different numbers of steps.
    """

    weight_decay = forwarded.Forwarded()
    clipnorm = forwarded.Forwarded()
    global_clipnorm = forwarded.Forwarded()
    clipvalue = forwarded.Forwarded()
    use_ema = forwarded.Forwarded(False)
    ema_momentum = forwarded.Forwarded()
    ema_overwrite_frequency = forwarded.Forwarded()
    loss_scale_factor = forwarded.Forwarded()
    gradient_accumulation_steps = forwarded.Forwarded()

    sets_up_itself = True

    def __init__(self, inner_optimizer="adam", name=None):
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = keras.optimizers.get(inner_optimizer)
        self.sets_up_itself = False
        loss_scale = keras.optimizers.LossScaleOptimizer
        if isinstance(self.inner_optimizer, loss_scale):
            raise ValueError(
                "`inner_optimizer` must see gradients of the true loss. "
                "Received: a LossScaleOptimizer. Put it around "
                f"{type(self).__name__}, as `compile` does under "
                "mixed_float16."
            )

    def build(self, variables):
        backend.outside_graph(lambda: self._build(variables))

    def _build(self, variables):
        if not self.inner_optimizer.built:
            self.inner_optimizer.build(variables)
        self._steps_of_update = _steps_of_update(self.inner_optimizer)
        self.sets_up_itself = True
        super().build(variables)
        self.sets_up_itself = False

    def built_on(self, trainable_variables=None) -> list:
        """The variables of gradients; builds on them at first.

        Raises:
            ValueError: if they are not given and it is not built.
        """
        if not self.built:
            if trainable_variables is None:
                raise ValueError(
                    "`trainable_variables` must be given to an optimizer that "
                    "is not built. Received: gradients alone."
                )
            self.build(list(trainable_variables))
        return list(trainable_variables or self._trainable_variables)

    def apply_gradients(self, grads_and_vars):
        super().apply_gradients(grads_and_vars)
        return self.iterations

    def update_step(self, gradient, variable, learning_rate):
        raise NotImplementedError(
            f"{type(self).__name__} has no step for one variable: what it does "
            "needs the gradients of all. Call `apply`."
        )

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def set_weights(self, weights):
        own = len(super().variables)
        super().set_weights(weights[:own])
        self.inner_optimizer.set_weights(weights[own:])

    def unscaled(self, grads) -> list:
        """Gradients of the true loss; the inner optimizer divides later."""
        scale = self.loss_scale_factor
        return [g if g is None or scale is None else g / scale for g in grads]

    def scaled(self, grads) -> list:
        """Gradients of the loss as it was scaled, for the inner optimizer."""
        scale = self.loss_scale_factor
        return [g if g is None or scale is None else g * scale for g in grads]

    @property
    def variables(self):
        return super().variables + self.inner_optimizer.variables

    @property
    def iterations(self):
        iterations = self.inner_optimizer.iterations
        if self.built and self._steps_of_update > 1:
            return ops.floor_divide(iterations, self._steps_of_update)
        return iterations

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner_optimizer.learning_rate = learning_rate

    def scale_loss(self, loss):
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def __getattr__(self, name):
        is_known = not name.startswith("_") or name == backend.AVERAGES
        if is_known and "inner_optimizer" in vars(self):
            return getattr(self.inner_optimizer, name)
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}"
        )

    def __setattr__(self, name, value):
        is_own = hasattr(type(self), name) or name in vars(self)
        if not is_own and self._is_of_innermost(name):
            setattr(self.inner_optimizer, name, value)
        else:
            super().__setattr__(name, value)

    def _is_of_innermost(self, name):
        inner = vars(self).get("inner_optimizer")
        if inner is None or name.startswith("_"):
            return False
        return any(name in vars(found) for found in backend.innermost(inner))

    def save_own_variables(self, store):
        # Keras saves `inner_optimizer` as a child of this object.
        for index, variable in enumerate(super().variables):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store):
        own = super().variables
        if len(store.keys()) != len(own):
            raise ValueError(
                f"The state of {self.name!r} in the file has "
                f"{len(store.keys())} variables, expected {len(own)}. Was it "
                "saved with another method, or before the optimizer was "
                "built? Build it on the same pruned model first."
            )
        for index, variable in enumerate(own):
            variable.assign(store[str(index)])

    def get_config(self):
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        return {"name": self.name, "inner_optimizer": inner}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        config["inner_optimizer"] = keras.saving.deserialize_keras_object(
            config["inner_optimizer"], custom_objects=custom_objects
        )
        return cls(**config)


def _steps_of_update(optimizer) -> int:
    """The calls of `apply` for an update that a MultiOptimizer counts."""
    if isinstance(optimizer, OptimizerWrapper):
        return 1  # It counts updates itself.
    inside = getattr(optimizer, "optimizers", [])
    steps = {x.gradient_accumulation_steps or 1 for x in inside}
    if len(steps) > 1:
        raise ValueError(
            "`inner_optimizer` must update all variables at once. Received: a "
            "MultiOptimizer whose optimizers have "
            f"gradient_accumulation_steps={sorted(steps)}. Give all of them "
            "the same."
        )
    return steps.pop() if steps else 1
