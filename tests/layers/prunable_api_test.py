"""Every public member of a Keras layer works on a wrapped one."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import methods

pytestmark = pytest.mark.filterwarnings("ignore:.*skips these layers")


def layer_and_wrapper():
    """A layer and one of the same weights in a wrapper, both called once."""
    bare = layers.Dense(3, "relu", kernel_regularizer="l2", name="layer")
    wrapped = layers.Dense(3, "relu", kernel_regularizer="l2", name="layer")
    wrapper = tfprune.Prunable(wrapped, methods.Magnitude(0.5))
    bare(INPUTS), wrapper(INPUTS)
    wrapper.set_weights(bare.get_weights())
    return bare, wrapper


INPUTS = np.ones((2, 4), "float32")
# What of a wrapper is that of its layer.
SAME = {
    "autocast": lambda x: getattr(x, "layer", x).autocast,
    "activity_regularizer": lambda x: x.activity_regularizer,
    "built": lambda x: x.built,
    "call": lambda x: np.array(x.call(INPUTS)).tolist(),
    "call_signature_parameters": lambda x: x.call_signature_parameters,
    "compute_dtype": lambda x: x.compute_dtype,
    "compute_mask": lambda x: x.compute_mask(INPUTS, None),
    "compute_output_shape": lambda x: x.compute_output_shape((2, 4)),
    "compute_output_spec": lambda x: (
        x.compute_output_spec(keras.KerasTensor((2, 4))).shape
    ),
    "dtype": lambda x: x.dtype,
    "dtype_policy": lambda x: x.dtype_policy.name,
    "input_dtype": lambda x: x.input_dtype,
    "input_spec": lambda x: str(x.input_spec),
    "losses": lambda x: [float(loss) for loss in x.losses],
    "metrics": lambda x: x.metrics,
    "metrics_variables": lambda x: x.metrics_variables,
    "name": lambda x: x.name,
    "quantization_mode": lambda x: x.quantization_mode,
    "rematerialized_call": lambda x: np.array(
        x.rematerialized_call(x.call)(INPUTS)
    ).tolist(),
    "supports_jit": lambda x: x.supports_jit,
    "supports_masking": lambda x: x.supports_masking,
    "symbolic_call": lambda x: x.symbolic_call(keras.KerasTensor((2, 4))).shape,
    "trainable": lambda x: x.trainable,
    "trainable_variables": lambda x: [v.name for v in x.trainable_variables],
    "trainable_weights": lambda x: [v.name for v in x.trainable_weights],
    "variable_dtype": lambda x: x.variable_dtype,
}
# Masks and settings of the wrapper come besides: tested below, or above.
MORE = {
    "add_loss": "masked_scope_test, prunable_test",
    "add_variable": "the wrapper's own",
    "add_weight": "the wrapper's own",
    "build": "prunable_test",
    "build_from_config": "prunable_test: saved and loaded",
    "count_params": "here",
    "from_config": "prunable_test: saved and loaded",
    "get_build_config": "prunable_test: saved and loaded",
    "get_config": "prunable_test: saved and loaded",
    "get_weights": "here",
    "load_own_variables": "prunable_test: saved and loaded",
    "non_trainable_variables": "here",
    "non_trainable_weights": "here",
    "path": "the wrapper's own",
    "quantize": "here",
    "save_own_variables": "prunable_test: saved and loaded",
    "set_weights": "here",
    "stateless_call": "masked_scope_test",
    "variables": "here",
    "weights": "here",
    "input": "here",
    "output": "here",
}
# Nothing that a layer does by itself: Keras raises in every layer.
NONE = ("add_metric", "quantized_build", "quantized_call")


def members():
    found = {*dir(keras.layers.Layer), *vars(keras.layers.Layer())}
    return {x for x in found if not x.startswith("_")}


def test_every_public_member_is_known():
    known = {*SAME, *MORE, *NONE}
    assert members() - known == set(), "say here what it does when wrapped"
    assert known - members() == set()


@pytest.mark.parametrize("member", SAME)
def test_a_member_is_that_of_the_layer(member):
    bare, wrapper = layer_and_wrapper()
    assert SAME[member](wrapper) == SAME[member](bare)


def test_what_a_wrapper_adds_is_its_masks():
    bare, wrapper = layer_and_wrapper()
    added = len(wrapper.weights) - len(bare.weights)
    assert added == len(wrapper.non_trainable_weights) > 0
    assert wrapper.variables == wrapper.weights
    assert wrapper.non_trainable_variables == wrapper.non_trainable_weights
    assert wrapper.count_params() >= 2 * bare.kernel.shape[0] * 3


def test_weights_of_the_bare_layer_or_all_of_them_are_set():
    bare, wrapper = layer_and_wrapper()
    new = [x + 1 for x in bare.get_weights()]
    wrapper.set_weights(new)
    for value, expected in zip(wrapper.layer.get_weights(), new, strict=True):
        np.testing.assert_array_equal(value, expected)
    wrapper.set_weights([np.zeros_like(x) for x in wrapper.get_weights()])
    assert not any(x.any() for x in wrapper.get_weights())
    with pytest.raises(ValueError, match="length 1"):
        wrapper.set_weights(new[:1])


def test_tensors_of_a_graph_are_the_wrappers():
    inputs = keras.Input((4,))
    _, wrapper = layer_and_wrapper()
    outputs = wrapper(inputs)
    assert wrapper.input is inputs and wrapper.output is outputs


def test_attributes_of_the_layer_are_read_and_set_through_the_wrapper():
    _, wrapper = layer_and_wrapper()
    assert wrapper.kernel is wrapper.layer.kernel
    assert wrapper.use_bias is True
    wrapper.activation = keras.activations.tanh
    assert wrapper.layer.activation is keras.activations.tanh
    wrapper.supports_jit = False
    assert not wrapper.layer.supports_jit
    assert not hasattr(wrapper, "nothing") and not hasattr(wrapper, "_nothing")


def test_the_state_of_an_rnn_is_reset_through_the_wrapper():
    inputs = keras.Input(batch_shape=(2, 3, 4))
    lstm = layers.LSTM(5, stateful=True, name="layer")
    plain = keras.Model(inputs, lstm(inputs))
    model = tfprune.prune(plain, methods.Magnitude(0.5), wrap=True)
    layer = model.get_layer("layer")
    x = np.ones((2, 3, 4), "float32")
    first = np.array(layer(x))
    assert np.any(layer(x) != first)
    layer.reset_state()
    np.testing.assert_array_equal(layer(x), first)
    assert len(layer.get_initial_state(2)) == 2


def three_layers():
    """Of which the first is not pruned and the second is deep inside."""
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="in")])
    plain = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="first"), inner]
    )
    half = methods.Magnitude(0.5)
    model = tfprune.prune(plain, half, filters="in", wrap=True)
    return tfprune.decide(model)


def test_quantize_is_refused_and_loses_nothing():
    model = three_layers()
    before = np.array(model(INPUTS))
    layer = model.layers[-1].get_layer("in")
    for refused in (
        lambda: model.quantize("int8"),
        lambda: model.layers[-1].quantize("int8"),
        lambda: layer.quantize("int8"),
        lambda: layer.layer.quantize("int8"),
        lambda: setattr(layer, "dtype_policy", "int8_from_float32"),
        lambda: layer.enable_lora(2),
    ):
        with pytest.raises(ValueError, match="Call tfprune.strip first"):
            refused()
    assert not any(x.quantization_mode for x in model.layers)
    assert layer.dtype_policy.name == "float32"
    np.testing.assert_array_equal(model(INPUTS), before)
    stripped = tfprune.strip(model)
    np.testing.assert_array_equal(stripped(INPUTS), before)


@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have")
def test_other_layers_and_a_stripped_model_are_quantized():
    model = three_layers()
    model.quantize("int8", filters="first")
    assert model.layers[0].quantization_mode == "int8"
    stripped = tfprune.strip(three_layers())
    stripped.quantize("int8")
    assert stripped.layers[-1].layers[-1].quantization_mode == "int8"
