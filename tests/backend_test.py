"""The seam to what Keras keeps private, and what is read through it."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfprune import backend

PAIRS = [("gradient", "variable")]


class TestTheSeam:
    def test_is_still_there(self):
        """If this fails, Keras has moved it: see `backend.already_reduced`.

        Two replicas would then double every gradient.
        """
        optimizer = keras.optimizers.SGD()
        assert callable(optimizer._all_reduce_sum_gradients), (
            "Keras' TensorFlow optimizer reduces gradients elsewhere now. "
            "Find where, and make `backend.already_reduced` skip it."
        )

    def test_is_what_keras_calls(self, monkeypatch):
        optimizer = keras.optimizers.SGD()
        called = []
        vars(optimizer)["_all_reduce_sum_gradients"] = lambda pairs: (
            called.append(len(pairs)) or pairs
        )
        variable = keras.Variable([1.0])
        optimizer.apply([tf.constant([1.0])], [variable])
        assert called == [1], (
            "Keras' optimizer does not reduce gradients by "
            "`_all_reduce_sum_gradients` any more: see `backend`."
        )

    def test_is_the_identity_inside_only(self):
        inner = keras.optimizers.SGD()
        outer = keras.optimizers.LossScaleOptimizer(inner)
        with backend.already_reduced(outer):
            assert inner._all_reduce_sum_gradients(PAIRS) is PAIRS
        assert "_all_reduce_sum_gradients" not in vars(inner)

    def test_is_put_back_after_an_error(self):
        inner = keras.optimizers.SGD()
        with pytest.raises(KeyError), backend.already_reduced(inner):
            raise KeyError
        assert "_all_reduce_sum_gradients" not in vars(inner)

    def test_says_what_to_do_when_it_is_gone(self):
        with pytest.raises(RuntimeError, match="Use a Keras version that"):
            with backend.already_reduced(object()):
                pass


class TestSumOverReplicas:
    def test_one_replica_has_the_sum(self):
        gradient = tf.constant([1.0])
        assert backend.sum_over_replicas([gradient, None]) == [gradient, None]

    def test_two_replicas(self):
        # Two strategies of one process may not both use collectives.
        strategy = tf.distribute.MirroredStrategy(
            ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
        )

        def replica():
            context = tf.distribute.get_replica_context()
            own = tf.cast(context.replica_id_in_sync_group, "float32") + 1.0
            none, summed = backend.sum_over_replicas([None, own])
            assert none is None
            return summed

        summed = tf.function(lambda: strategy.run(replica))()
        assert strategy.experimental_local_results(summed) == (3.0, 3.0)


def test_read_is_a_value_that_stays():
    variable = keras.Variable([1.0])
    value = backend.read(variable)
    variable.assign([2.0])
    assert float(value[0]) == 1.0


def test_eagerly_reads_a_variable_while_a_graph_is_built():
    variable, seen = keras.Variable([3.0]), []

    @tf.function
    def graph():
        with backend.eagerly():
            seen.append(backend.to_numpy(variable))
        return 0

    graph()
    np.testing.assert_array_equal(seen, [[3.0]])


def test_variables_made_outside_a_graph_leave_it_one_trace():
    traced, made = [], []

    @tf.function
    def step():
        traced.append(1)
        if not made:
            make = functools.partial(keras.Variable, 2.0)
            made.append(backend.outside_graph(make))
        return made[0] + 1.0

    assert float(step()) == 3.0
    made[0].assign(5.0)
    assert float(step()) == 6.0
    assert len(traced) == 1


def test_an_error_outside_of_a_graph_is_raised():
    @tf.function
    def step():
        backend.outside_graph(lambda: int("three"))

    with pytest.raises(ValueError, match="three"):
        step()


def test_sublayers_are_direct_and_state_is_complete():
    lstm = layers.LSTM(2, stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(1, 3, 2)), lstm])
    assert lstm in backend.sublayers(model)
    assert lstm.cell not in backend.sublayers(model)
    assert len(backend.state(lstm)) == len(lstm.variables) + 2


def test_build_traces_a_layer_without_a_build_method():
    class Lazy(layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    lazy = Lazy()
    backend.build(lazy, {"input_shape": (None, 3)})
    assert lazy.built and lazy.dense.kernel.shape == (3, 2)
    unbuilt = layers.Dense(2)
    backend.build(unbuilt, {})
    assert not unbuilt.built


def test_repeated_runs_as_often_as_asked():
    counter = tf.Variable(0)

    def double(x):
        counter.assign_add(1)
        return 2 * x

    call = backend.repeated(double, np.array([[3.0, 1.0]], "float32"), 5)
    assert call() == 5 * 6
    assert counter.numpy() == 5
    nothing = backend.repeated(double, np.zeros((0, 3), "float32"), 2)
    assert nothing() == 0


def test_users_and_layers_of_keras_take_operations_from_two_modules():
    public, own = backend.operations()
    assert public is keras.ops and own is not public
    assert own.ones is public.ones and own.shape is public.shape
