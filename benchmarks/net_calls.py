"""Calls of a Keras model as engines in this process run it."""

from __future__ import annotations

import statistics

import tensorflow as tf

from benchmarks import interleaving
from tfprune import backend


def in_tensorflow(model, x, threads: int):
    """Returns a function without arguments that calls a model in a graph."""
    del threads  # Those of the process.
    function, x = backend.compiled(model), tf.constant(x)
    return lambda: function(x).numpy()


def in_litert(model, x, threads: int):
    """Returns a function without arguments that calls what LiteRT makes."""
    function = backend.compiled(model).get_concrete_function(
        tf.TensorSpec(x.shape)
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function], model
    )
    interpreter = tf.lite.Interpreter(
        model_content=converter.convert(), num_threads=threads
    )
    interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(place, x)
    return interpreter.invoke


def faster(dense, other, rounds: int) -> float:
    """Returns how many times longer the first call takes: the median.

    Args:
        dense: Function without arguments.
        other: The same.
        rounds: Integer, how often each is timed, in turn.
    """
    calls = {interleaving.BASELINE: other, "dense": dense}
    for call in calls.values():
        call()
    times = interleaving.measure(calls, rounds)
    return statistics.median(interleaving.ratios(times, "dense"))
