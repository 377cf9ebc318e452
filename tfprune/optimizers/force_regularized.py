"""ForceRegularized: pulls filters together while any optimizer trains."""

from __future__ import annotations

import typing

import keras

from tfprune import backend
from tfprune.core import force as force_lib
from tfprune.optimizers import terms
from tfprune.optimizers import wrapper
from tfprune.utils import layer_names
from tfprune.utils import validation


@keras.saving.register_keras_serializable(package="tfprune")
class ForceRegularized(wrapper.OptimizerWrapper):
    """Updates weights with another optimizer, and adds a force to gradients.

    ```
    gradients = sum over replicas
    gradients of kernels -= force_decay * force_mult * force(filters)
    inner optimizer: clipping, decay, momentum, update
    ```

    The rank of the layers falls during training; `tfprune.factorize` then
    makes low-rank layers of them. A net that is trained already needs a tenth
    of its learning rate. Filters of no norm neither pull nor are pulled.

    Args:
        inner_optimizer: Keras optimizer or its name; a `PruningOptimizer` may
            be inside or around. Defaults to `"adam"`.
        force_decay: Float >= 0, the strength, or a schedule of it. Which one
            is right depends on the net: the more, the lower the ranks, and it
            is a sum over filters. Too much leaves one of a layer: LeNet-5
            keeps its accuracy with 7e-5. Defaults to 1e-4.
        force_type: `"degradation"` (default), `"constant"`, `"gravity"`,
            `"linear"`.
        force_mult: Dict, layer name or regular expression to a factor of
            `force_decay`; 0 for none. Defaults to None: 1 for convolutions of
            images and volumes with windows larger than 1.
        groups: Dict, layer name or regular expression to the groups of a
            convolution, as `tfprune.graph.conv_groups(model)` returns it:
            filters pull within their group. Defaults to None: groups are
            ignored, as in the published code.
        direction: `"all"` (default) or `"same"`: entries that the gradient
            opposes are left out.
        adaptive: Bool: the force is scaled to `force_decay` times the norm
            of each kernel's gradient. Defaults to False.
        stop_step: Integer, updates after which there is no force. Defaults
            to None: never.
        name: String or None.

    Raises:
        ValueError: for a number out of range, an unknown name, and when it is
            built, a layer that is not there.

    Example:

    ```python
    optimizer = tfprune.optimizers.ForceRegularized("sgd", 1e-4, "constant")
    model.compile(optimizer, loss="mse")
    ```

    Reference:
        Wen et al. Coordinating Filters for Faster Deep Neural Networks. ICCV
        2017.
    """

    def __init__(
        self,
        inner_optimizer="adam",
        force_decay: typing.Any = 1e-4,
        force_type: str = "degradation",
        force_mult: dict | None = None,
        groups: dict | None = None,
        direction: str = "all",
        adaptive: bool = False,
        stop_step: int | None = None,
        name: str | None = None,
    ):
        super().__init__(inner_optimizer, name)
        self.force = force_lib.Force(
            force_decay, force_type, force_mult, direction, adaptive, stop_step
        )
        for layer, count in (groups or {}).items():
            validation.check_count(f"groups[{layer!r}]", count, 1)
        self.groups = groups

    def build(self, variables):
        super().build(variables)
        kernels = terms.by_layer(variables)
        known = list(kernels)
        groups = layer_names.resolve("groups", self.groups or {}, known)
        _check_groups(groups, kernels)
        self._pulled = terms.bind(self.force, kernels, groups)

    def apply(self, grads, trainable_variables=None):
        known = self.built_on(trainable_variables)
        with backend.reduced(self.inner_optimizer, grads) as grads:
            found = {
                id(v): g
                for v, g in zip(known, self.unscaled(grads), strict=True)
            }
            step = backend.read(self.iterations)
            found = terms.add(self._pulled, found, step)
            self.inner_optimizer.apply(
                self.scaled([found[id(v)] for v in known]), trainable_variables
            )

    def get_config(self):
        return {
            **super().get_config(),
            **self.force.get_config(),
            "groups": self.groups,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        decay = config["force_decay"]
        if isinstance(decay, dict):
            decay = keras.saving.deserialize_keras_object(decay)
        config = {**config, "force_decay": decay}
        return super().from_config(config, custom_objects)


def _check_groups(groups, kernels):
    for name, count in groups.items():
        filters = kernels[name].shape[-1]
        validation.check(
            f"groups[{name!r}]",
            count,
            filters % count == 0,
            f"a divisor of its {filters} filters",
        )
