"""Prunable: the wrapper that owns the masks and the masked forward."""

from __future__ import annotations

import functools

import keras

from tfprune import backend
from tfprune.core import structures
from tfprune.core import units
from tfprune.layers import masked_scope
from tfprune.layers import part_targets
from tfprune.layers import replacing
from tfprune.utils import validation

# What the constructor sets, whatever attributes the layer has.
_OWN = ("layer", "method", "frozen", "coupled_axes")


def _of_layer(name):
    """A property that is the one of the wrapped layer."""

    def get(self):
        return getattr(self.layer, name)

    def set(self, value):
        # Keras' constructor sets some before there is a layer.
        if "layer" in vars(self):
            setattr(self.layer, name, value)

    return property(get, set)


@keras.saving.register_keras_serializable(package="tfprune")
class Prunable(keras.layers.Wrapper):
    """Runs a layer with masked weights.

    `outputs = layer(inputs)` with every target `w` read as `where(m, w, 0)`

    The wrapper replaces the values that the layer reads, not its code, so
    that it needs none for any kind of layer. It takes the layer's name: a
    model is addressed (outputs, `get_layer`) after pruning as before. Of a
    composite layer, each part (`layers.parts`) is a unit.

    Args:
        layer: Keras layer. One with several inputs must be built before.
        method: `tfprune.methods.Method`, what is pruned and how.
        settings: Dict, name to float: what this layer has other than the
            method's defaults. Of a composite layer also a dict, path of a part
            to such a dict, or to None for one that stays dense; or a list of
            them, one for each part. Defaults to none.
        frozen: Bool: the masks are final, pruned weights stay zero. Defaults
            to False.
        coupled_axes: List of `CoupledAxis`: the channels of the layer that
            are pruned together with those of others. Defaults to none: what
            the method prunes of a layer alone.

    Raises:
        ValueError: if the layer has nothing that fits the method, or no part
            of a path in `settings`.

    Example:

    ```python
    layer = Prunable(keras.layers.Dense(10), tfprune.methods.Magnitude(0.9))
    ```
    """

    def __init__(
        self,
        layer,
        method,
        settings=None,
        frozen=False,
        coupled_axes=(),
        **kwargs,
    ):
        is_method = hasattr(method, "pruner")
        validation.check(
            "method", method, is_method, "a tfprune.methods.Method"
        )
        # Keras reads the signature of `call` in the constructor, to learn
        # about masks, `training` and further inputs.
        object.__setattr__(self, "call", _as(layer.call, self._call))
        kwargs.setdefault("name", layer.name)
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(layer, autocast=False, **kwargs)
        if kwargs.get("trainable", layer.trainable) != layer.trainable:
            layer.trainable = kwargs["trainable"]
        self.method = method
        self.frozen = frozen
        self.coupled_axes = list(coupled_axes)
        self._given = settings or {}
        if layer.built:
            self._build_masks()
            replacing.refuse(layer)
            self.built = True

    # Keras does nothing where a flag has its value already, so that two of them
    # would not stay the same.
    trainable = _of_layer("trainable")
    supports_masking = _of_layer("supports_masking")
    supports_jit = _of_layer("supports_jit")
    input_spec = _of_layer("input_spec")
    compute_dtype = _of_layer("compute_dtype")
    variable_dtype = _of_layer("variable_dtype")
    quantization_mode = _of_layer("quantization_mode")

    def __getattr__(self, name):
        # What the wrapper hasn't is the layer's: `kernel`, `reset_state`.
        if name.startswith("_") or "layer" not in vars(self):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}"
            )
        return getattr(self.layer, name)

    def __setattr__(self, name, value):
        own = name in _OWN or name.startswith("_") or name in vars(self)
        own = own or hasattr(type(self), name)
        if own or not hasattr(vars(self).get("layer"), name):
            super().__setattr__(name, value)
        else:
            setattr(self.layer, name, value)

    @property
    def dtype_policy(self):
        return self.layer.dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value):
        if keras.dtype_policies.get(value).quantization_mode is not None:
            replacing.refused(self.name, "quantize")()
        self.layer.dtype_policy = value

    def quantize(self, *args, **kwargs):
        replacing.refused(self.name, "quantize")()

    def set_weights(self, weights):
        """Sets what `get_weights` gave, of this layer or of the bare one."""
        bare = len(weights) == len(self.layer.weights)
        (self.layer.set_weights if bare else super().set_weights)(weights)

    def build(self, input_shape=None):
        super().build(input_shape)
        self._build_masks()
        replacing.refuse(self.layer)

    def _call(self, *args, **kwargs):
        targets = [t for unit in self.pruning_units for t in unit.targets]
        with masked_scope.MaskedScope(targets) as scope:
            outputs = self.layer(*args, **kwargs)
        for loss in scope.losses:
            self.add_loss(loss)
        return outputs

    def compute_output_spec(self, *args, **kwargs):
        return self.layer.compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, *args, **kwargs):
        return self.layer.compute_output_shape(*args, **kwargs)

    def compute_mask(self, *args, **kwargs):
        return self.layer.compute_mask(*args, **kwargs)

    @property
    def settings(self) -> units.Settings | dict[str, units.Settings]:
        """The settings of this layer, live: reads and writes.

        Those of a composite layer by the paths of its parts.
        """
        own = {
            unit.name.removeprefix(f"{self.name}/"): unit.settings
            for unit in self.pruning_units
        }
        return own[self.name] if list(own) == [self.name] else own

    def freeze(self, kinds=(structures.Unstructured(),)):
        """Makes the masks final and clears what is pruned.

        Args:
            kinds: As of `Unit.freeze`.
        """
        self.frozen = True
        for unit in self.pruning_units:
            unit.freeze(kinds)

    def get_config(self):
        method = keras.saving.serialize_keras_object(self.method)
        return {
            **super().get_config(),
            "method": method,
            "settings": self._given,
            "frozen": self.frozen,
            "coupled_axes": list(
                map(keras.saving.serialize_keras_object, self.coupled_axes)
            ),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        # The layer is built by `build_from_config`, as `backend.build` does.
        layer = {**config["layer"], "build_config": None}
        config = {**config, "layer": layer}
        for name in ("layer", "method"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        axes = config.pop("coupled_axes", config.pop("ties", ()))
        config["coupled_axes"] = list(
            map(keras.saving.deserialize_keras_object, axes)
        )
        return cls(**config)

    def get_build_config(self):
        return {"layer": self.layer.get_build_config()}

    def build_from_config(self, config):
        if not self.layer.built:
            backend.build(self.layer, config["layer"])
        self.build()

    def load_own_variables(self, store):
        # In files of earlier versions the optimizer has what methods remember.
        unit, *others = self.pruning_units
        earlier = len(("settings", "updates", *unit.targets))
        if len(store.keys()) == earlier and not others:
            memory = enumerate(unit.memory.values(), earlier)
            store = {key: store[key] for key in store.keys()}
            store.update({str(index): variable for index, variable in memory})
        super().load_own_variables(store)

    def _build_masks(self):
        self._given = part_targets.in_order(
            self.layer, self.method, self._given
        )
        made = [
            units.build(
                f"{self.name}/{part.path}".removesuffix("/"),
                self.method,
                part.targets,
                functools.partial(self._add, index),
                part.settings,
                self.frozen,
            )
            for index, part in enumerate(self._part_targets())
        ]
        for unit in made:
            units.tag(unit)
        # Keras would track what is in it.
        object.__setattr__(self, "pruning_units", made)

    def _part_targets(self):
        layer, method, axes = self.layer, self.method, self.coupled_axes
        if axes:
            return part_targets.coupled(layer, method, axes, self._given)
        return part_targets.of(layer, method, self._given)

    def _add(self, index, name, dtype, value, shape):
        variable = self.add_weight(
            name=name,
            shape=shape,
            dtype=dtype,
            initializer=lambda shape, dtype: keras.ops.broadcast_to(
                keras.ops.convert_to_tensor(value, dtype), shape
            ),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        # Checkpoints of TensorFlow know attributes alone.
        numbered = f"{index}_{name}" if index else name
        setattr(self, f"pruning_{numbered}", variable)
        return variable


def _as(function, implementation):
    """The implementation with the signature of the function."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        return implementation(*args, **kwargs)

    return call
