"""Graphs of TensorFlow: what is in them, and what stays outside."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import multiprocessing

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants
from tensorflow.python.ops import control_flow_util


def eagerly():
    """A scope in which variables can be read while a graph is built."""
    return tf.init_scope()


def after_last(tensors: list):
    """A scope in which everything waits for the last tensor of a list.

    Ops of a graph run as soon as what they read is there: those that read only
    variables would run although the rest of a step fails. What has a value
    already is not waited for.

    Args:
        tensors: List of tensors, slices of tensors, variables, arrays or None.
    """
    made = [x for x in tensors if tf.is_symbolic_tensor(x)]
    if not made:
        return contextlib.nullcontext()
    return tf.control_dependencies([made[-1].op])


def outside_graph(make):
    """Calls a function that makes variables, outside of a graph being traced.

    A graph in which variables are made is traced twice. Only another thread
    does not know of it; replicas, which have variables together, stay inside.
    """
    if tf.distribute.has_strategy() or not tf.inside_function():
        return make()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(make).result()


def runs_compiled_ops() -> bool:
    """Whether what is traced or run now may hold ops of C++.

    They have no form for XLA, for accelerators, or for workers that know
    nothing of tfprune.
    """
    devices = tf.config.get_visible_devices()
    return (
        all(device.device_type == "CPU" for device in devices)
        and not tf.distribute.has_strategy()
        and not control_flow_util.GraphOrParentsInXlaContext(
            tf.compat.v1.get_default_graph()
        )
    )


@functools.lru_cache(maxsize=64)
def shared(function, *signature):
    """A function as a graph of its own that all of its callers share.

    It is traced and optimized once, for all sizes.

    Args:
        function: Callable of tensors, hashable.
        *signature: Pairs (rank, dtype) of its arguments.
    """
    specs = [tf.TensorSpec([None] * rank, dtype) for rank, dtype in signature]
    return tf.function(
        function,
        input_signature=specs,
        autograph=False,
        experimental_attributes={"_noinline": True},
    )


def compiled(model):
    """The inference of a model, or of a function that calls one, as a graph."""
    return tf.function(lambda *inputs: model(*inputs, training=False))


def with_constants(function, specs: list):
    """A function as a graph in which variables have become constants.

    It is called past what `tf.function` does to arguments, which takes longer
    than a small net.

    Args:
        function: Callable of tensors.
        specs: List of `tf.TensorSpec`, of its arguments.

    Returns:
        A callable: tensors, of these, to what the function returns.
    """
    traced = tf.function(function).get_concrete_function(*specs)
    frozen = _frozen(traced)
    handles = {id(variable.handle) for variable in traced.variables}
    # Lookup tables have no values: they stay what a call is given.
    tables = [
        x
        for x in traced.captured_inputs
        if x.dtype == tf.resource and id(x) not in handles
    ]
    call, structure = frozen.inference_fn.call_flat, traced.structured_outputs
    return lambda *inputs: tf.nest.pack_sequence_as(
        structure, call(*inputs, *tables)
    )


def _frozen(traced):
    try:
        return convert_to_constants.convert_variables_to_constants_v2(traced)
    except ValueError as error:
        raise ValueError(
            "`model` must not change its variables when it infers, as stateful "
            "recurrent layers do, and layers that draw random numbers. "
            f"Received: {error}"
        ) from error


def repeated(function, x, times: int):
    """A call that runs a function several times on one input.

    It is a loop in one graph, so that what a call of a graph costs is paid
    once, while what a layer keeps is there once, as in a model.

    Args:
        function: Callable, tensor to tensor.
        x: Array.
        times: Integer.
    """

    def body(i, x, total):
        # What nobody asked for would not be done.
        first = tf.reduce_sum(tf.reshape(function(x), [-1])[:1])
        total += tf.cast(first, total.dtype)
        with tf.control_dependencies([total]):
            return i + 1, tf.identity(x), total

    @tf.function
    def run(x):
        start = (0, x, tf.zeros([], x.dtype))
        return tf.while_loop(lambda i, *_: i < times, body, start)[-1]

    x = tf.convert_to_tensor(x)
    return lambda: float(run(x))


def over_rows(function, width: int, dtypes):
    """A call that maps a function over the rows of a matrix.

    It is a loop in one graph, traced once, whatever the number of rows.

    Args:
        function: Callable, `(width,)` float32 tensor to a tuple of tensors.
        width: Integer, entries of a row.
        dtypes: Tuple of strings, of what the function returns.
    """
    rows = tf.TensorSpec([None, width], tf.float32)

    @tf.function(input_signature=[rows])
    def run(rows):
        # Two candidates at a time would fight for the cores.
        return tf.map_fn(
            function,
            rows,
            fn_output_signature=tuple(map(tf.as_dtype, dtypes)),
            parallel_iterations=1,
        )

    return lambda rows: [
        output.numpy() for output in run(tf.constant(rows, tf.float32))
    ]


def share_cores(processes: int) -> None:
    """Leaves this process its share of the cores, before it uses any."""
    cores = max(multiprocessing.cpu_count() // processes, 1)
    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(cores)
