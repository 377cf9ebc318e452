"""OptimizerWrapper: what every optimizer around an optimizer forwards."""

from __future__ import annotations

import keras


class OptimizerWrapper(keras.optimizers.Optimizer):
    """Forwards to an inner optimizer and saves its own state alone.

    Clipping, decay, averaging, accumulation are set on the inner optimizer.

    Args:
        inner_optimizer: Keras optimizer or its name.
        name: String or None.

    Raises:
        ValueError: for a LossScaleOptimizer, which goes around this one.
    """

    def __init__(self, inner_optimizer="adam", name=None):
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = keras.optimizers.get(inner_optimizer)
        loss_scale = keras.optimizers.LossScaleOptimizer
        if isinstance(self.inner_optimizer, loss_scale):
            raise ValueError(
                "`inner_optimizer` must see gradients of the true loss. "
                "Received: a LossScaleOptimizer. Put it around "
                f"{type(self).__name__}, as `compile` does under "
                "mixed_float16."
            )

    def build(self, variables):
        if not self.inner_optimizer.built:
            self.inner_optimizer.build(variables)
        super().build(variables)

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

    @property
    def variables(self):
        return super().variables + self.inner_optimizer.variables

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

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
