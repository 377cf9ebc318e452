"""Method: what a user passes to `prune`."""

from __future__ import annotations

import dataclasses
import typing

from tfprune.core import arrangement
from tfprune.core import pruner as pruner_lib
from tfprune.utils import serialization
from tfprune.utils import validation

_ROLES = {
    "kernel": "kernel",
    "depthwise_kernel": "kernel",
    "pointwise_kernel": "kernel",
    "recurrent_kernel": "kernel",
    "embeddings": "kernel",
    "bias": "bias",
}


@serialization.dataclass_transform(frozen_default=True)
def serializable(cls):
    """The class decorator of methods.

    It registers them apart: some parts of methods have the same names.
    """
    return serialization.serializable(cls, "tfprune.methods")


@serialization.serializable
class Method(serialization.Serializable):
    """What is pruned, by which rule, and how that differs between layers.

    Args:
        name: String, for reports.
        pruner: `Pruner`, the rule.
        roles: Tuple of `"kernel"`, `"bias"`, and `"gamma"`, `"beta"` of coupled
            filters: which arrays of a layer are pruned. Defaults to kernels.
        settings: Dict, layer name or regular expression to a dict of
            settings, or to None for a layer that is skipped. Defaults to
            none.
        terms: Tuple of gradient terms beside those of the rule, such as
            `tfprune.core.force.Force`, that choose kernels by the names of
            their layers. Defaults to none.
    """

    name: str
    pruner: pruner_lib.Pruner
    roles: tuple[str, ...] = ("kernel",)
    settings: dict[str, typing.Any] | None = None
    terms: tuple = ()

    def __post_init__(self):
        object.__setattr__(self, "roles", tuple(self.roles))
        object.__setattr__(self, "terms", tuple(self.terms))
        object.__setattr__(self, "settings", dict(self.settings or {}))

    @classmethod
    def from_fields(cls, **fields):
        """An instance with these fields, whatever the constructor takes."""
        known = [field.name for field in dataclasses.fields(cls)]
        for name in fields.keys() - set(known):
            raise ValueError(validation.unknown("field", name, known))
        method = object.__new__(cls)
        vars(method).update(fields)
        method.__post_init__()
        return method

    def targets(self, layer) -> list[tuple[typing.Any, str]]:
        """Pairs (variable, role): what this method prunes in a layer.

        What does not fit is left out, if a kernel does.

        Raises:
            ValueError: if the layer has nothing that fits.
        """
        reason = self.unsupported_reason(layer)
        if reason:
            raise ValueError(
                f"Layer {layer.name!r} does not fit `method={self.name}`: "
                f"{reason}. Leave the layer unwrapped."
            )
        return [
            (variable, role)
            for variable, role in self._candidates(layer)
            if self._misfit(layer, variable) is None
        ]

    def unsupported_reason(self, layer) -> str | None:
        """Why a built layer can't be pruned by this method, or None."""
        reasons = [
            self._misfit(layer, variable)
            for variable, role in self._candidates(layer)
            if role == "kernel"
        ]
        if not reasons:
            return "it has no kernel"
        return None if None in reasons else "; ".join(reasons)

    def left_out(self, layer) -> str | None:
        """Why weights of a layer that fits stay dense, or None."""
        reasons = [self._misfit(layer, x) for x, _ in self._candidates(layer)]
        return "; ".join(filter(None, reasons)) or None

    def summed_axes(self, layer, variable) -> tuple[int, ...] | None:
        """The axes that a pruner is shown as the last one but one.

        Args:
            layer: Keras layer, built.
            variable: A weight of the layer that is pruned.

        Returns:
            Tuple of integers, empty for a weight that does not fit. None: the
            pruner is shown the weight as it is, which is the default.
        """
        return None

    def resolve_settings(self, model, settings: dict) -> dict:
        """The settings of layers, changed where the model asks for it.

        Args:
            model: Keras model, not wrapped.
            settings: Dict, name of each layer that is pruned to its settings,
                maybe None.

        Raises:
            ValueError: if a layer is set to what does not go well there.
        """
        return settings

    def _misfit(self, layer, variable):
        """Why a weight of a layer can't be pruned by this method, or None."""
        name = f"/{variable.path}".split(f"/{layer.name}/", 1)[-1]
        if "float" not in variable.dtype:
            return f"its {name} is {variable.dtype}, not float"
        axes = self.summed_axes(layer, variable)
        if axes == ():
            return f"its {name}: nothing is summed over"
        shape = arrangement.Arrangement(variable.shape, axes).shape
        reason = self.pruner.structure.unsupported_reason(shape)
        return reason and f"its {name}: {reason}"

    def _candidates(self, layer):
        roles = [(w, _ROLES.get(w.name)) for w in layer.weights]
        return [(w, role) for w, role in roles if role in self.roles]
