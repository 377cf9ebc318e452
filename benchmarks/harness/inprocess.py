"""Engines in this process: TensorFlow's threads, and calls of Keras models."""

from __future__ import annotations

import statistics

import tensorflow as tf

from benchmarks.harness import interleave
from tfprune import backend


def set_threads(count: int) -> None:
    """Sets the threads of an operation; one operation runs at a time."""
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(1)


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


def speedup(baseline, other, rounds: int) -> float:
    """Returns how many times as fast the second call is: the median.

    Args:
        baseline: Function without arguments.
        other: The same.
        rounds: Integer, how often each is timed, in turn.
    """
    calls = {interleave.BASELINE: other, "slower": baseline}
    for call in calls.values():
        call()
    times = interleave.measure(calls, rounds)
    return statistics.median(interleave.ratios(times, "slower"))
