"""The one place that touches tf.distribute and what Keras keeps private."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import multiprocessing

import keras
import tensorflow as tf

_SEAM = "_all_reduce_sum_gradients"
# What Keras' `SwapEMAWeights` asks of an optimizer in a LossScaleOptimizer.
AVERAGES = "_model_variables_moving_average"


def sum_over_replicas(gradients: list) -> list:
    """The gradients summed over replicas; None stays None."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return list(gradients)
    present = [gradient for gradient in gradients if gradient is not None]
    summed = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [None if g is None else next(summed) for g in gradients]


@contextlib.contextmanager
def reduced(optimizer, gradients: list):
    """Yields the gradients summed over replicas, for an optimizer inside.

    It takes them as they are, and so does any optimizer inside of it that
    asks for the same.

    Args:
        optimizer: Keras optimizer that is to apply them.
        gradients: List of tensors or None.
    """
    # All replicas have asked before the first one gets its sum.
    if any(_SEAM in vars(inner) for inner in innermost(optimizer)):
        yield list(gradients)
        return
    gradients = sum_over_replicas(gradients)
    with already_reduced(optimizer):
        yield gradients


@contextlib.contextmanager
def already_reduced(optimizer):
    """Makes an optimizer take its gradients as they are.

    A Keras optimizer sums gradients over replicas by itself; those that are
    summed already would come out multiplied by the number of replicas.
    """
    found = innermost(optimizer)
    for inner in found:
        if not hasattr(inner, _SEAM):
            raise RuntimeError(
                f"Keras' optimizers have no `{_SEAM}` any more, which tfprune "
                "needs to reduce gradients once. Received: "
                f"{type(inner).__name__} of this Keras version. Use a Keras "
                "version that tfprune was tested with."
            )
        vars(inner)[_SEAM] = lambda gradients_and_variables: (
            gradients_and_variables
        )
    try:
        yield
    finally:
        # Replicas wait for each other inside, and then leave one by one.
        for inner in found:
            vars(inner).pop(_SEAM, None)


def innermost(optimizer) -> list:
    """The optimizers that update weights: several in a MultiOptimizer."""
    if hasattr(optimizer, "inner_optimizer"):
        return innermost(optimizer.inner_optimizer)
    inside = getattr(optimizer, "optimizers", [optimizer])
    if inside == [optimizer]:
        return [optimizer]
    return [found for one in inside for found in innermost(one)]


def learning_rates(optimizer, variables) -> list:
    """The learning rates at which an optimizer will update variables.

    Args:
        optimizer: Keras optimizer, built.
        variables: List of Keras variables.

    Returns:
        List of scalar tensors, one and the same for those that one optimizer
        updates; None for a variable that none does.
    """
    rates = [None] * len(variables)
    for inner in innermost(optimizer):
        rate = read(inner.learning_rate)
        own = {id(variable) for variable in inner._trainable_variables}
        rates = [
            rate if id(variable) in own else old
            for variable, old in zip(variables, rates, strict=True)
        ]
    return rates


def averages(optimizer) -> dict:
    """The averages that an optimizer keeps, by the id of their variables."""
    return {
        id(variable): average
        for inner in innermost(optimizer)
        if inner.use_ema
        for variable, average in zip(
            inner._trainable_variables, getattr(inner, AVERAGES), strict=True
        )
        if average is not None
    }


def eagerly():
    """A scope in which variables can be read while a graph is built."""
    return tf.init_scope()


def outside_graph(make):
    """Calls a function that makes variables, outside of a graph being traced.

    A graph in which variables are made is traced twice. Only another thread
    does not know of it; replicas, which have variables together, stay inside.
    """
    if tf.distribute.has_strategy() or not tf.inside_function():
        return make()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(make).result()


def read(variable):
    """The value of a Keras variable now, as a tensor.

    `keras.ops.convert_to_tensor` hands out the variable itself, which
    changes under the reader.
    """
    return tf.convert_to_tensor(getattr(variable, "value", variable))


def is_tensor(value) -> bool:
    """Tells whether something is a tensor with a value."""
    return isinstance(value, tf.Tensor) and hasattr(value, "numpy")


def to_numpy(variable):
    """The value of a Keras variable as an array, whatever its dtype."""
    return read(variable).numpy()


def add_variable(like, name: str, dtype: str, value, shape: tuple):
    """A variable that is no weight of any layer, where another one is.

    Args:
        like: Keras variable, or anything else: the default place.
        name: String.
        dtype: String.
        value: Array, broadcast to the shape.
        shape: Tuple of integers.
    """
    strategy = getattr(
        getattr(like, "value", None), "_distribute_strategy", None
    )
    with strategy.scope() if strategy else contextlib.nullcontext():
        return keras.Variable(
            lambda shape, dtype: keras.ops.broadcast_to(
                keras.ops.convert_to_tensor(value, dtype), shape
            ),
            shape,
            dtype,
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
            name=name,
        )


class Saveable(keras.Operation, tf.__internal__.tracking.AutoTrackable):
    """An attribute that files of Keras and checkpoints of TensorFlow find.

    It is no layer: layers, weights and configs of what holds it are unchanged.
    """

    def __setattr__(self, name, value):
        # Checkpoints find what is tracked, and nothing else.
        object.__setattr__(self, name, value)

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        # A SavedModel is to be served, not to be trained.
        if save_type == "savedmodel":
            return {}
        return super()._trackable_children(save_type, **kwargs)

    def track(self, variables: dict) -> None:
        """Shows variables to checkpoints, by name."""
        for name, variable in variables.items():
            self._track_trackable(variable.value, name, overwrite=True)


def where(mask, one, other):
    """`one` where the mask keeps, `other` elsewhere; the fastest there is.

    Args:
        mask: Bool tensor.
        one: Float tensor of the same shape.
        other: Float tensor of the same shape.
    """
    return tf.raw_ops.Select(condition=mask, x=one, y=other)


def select(value, mask):
    """`value` where the mask keeps, and zero elsewhere, as `where`."""
    value = tf.convert_to_tensor(value)  # Those of embeddings are slices.
    return where(mask, value, tf.zeros(value.shape, value.dtype))


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


def sublayers(layer) -> list:
    """The layers that a layer holds; Keras lists them nowhere else."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def state(layer) -> list:
    """All variables of a layer, the hidden ones of RNNs included."""
    hidden = [getattr(x, "states", None) for x in layer._flatten_layers()]
    hidden = keras.tree.flatten(hidden)
    return layer.variables + [
        x for x in hidden if isinstance(x, keras.Variable)
    ]


def build(layer, config: dict) -> None:
    """Builds a layer as it was built once; one without `build` by tracing.

    Args:
        layer: Keras layer, not built.
        config: Dict, what `get_build_config` gave.
    """
    if type(layer).build is keras.layers.Layer.build and sublayers(layer):
        trace(layer, config)
    if config:
        layer.build_from_config(config)
        layer.built = True


def trace(layer, config: dict) -> None:
    """Runs a layer on symbolic tensors: that builds what is in it.

    Args:
        layer: Keras layer.
        config: Dict, what `get_build_config` gave.
    """
    if "input_shape" not in config:
        return
    inputs = keras.tree.map_shape_structure(
        lambda shape: keras.KerasTensor(shape, layer.compute_dtype),
        config["input_shape"],
    )
    keras.Operation.compute_output_spec(layer, inputs)
