"""Times one engine on layers and nets: a script for a Python that has it.

    python -m benchmarks.engines.server onnxruntime 1

The arguments are an engine and its number of threads. Each line of the input
is a job, each line of the output an answer: `{"open": FILE}` takes a layer, as
`cases.layers.write` wrote it, or a net, as `export.examples` did, and answers
with the greatest deviation of the engine's output, over the greatest output,
or with `{"refused": WHY}`; `{"run": FILE, "repeats": N}` answers with the
seconds of N runs of it; `{"close": FILE}` forgets it.

It needs this package, NumPy and the engine, and imports nothing else.
"""

import functools
import json
import os
import sys
import time

import numpy as np

from benchmarks.engines import layer_case
from benchmarks.engines import mkl

# Each engine takes a layer or net and the number of threads. It returns a
# function that runs it, and one that turns what that returned into the output.


def _onnxruntime(layer, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        layer.onnx(), options, providers=["CPUExecutionProvider"]
    )
    feeds = layer.feeds()
    return lambda: session.run(["y"], feeds)[0], layer.channels_last


def _openvino(layer, threads):
    import openvino

    options = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    model = openvino.Core().compile_model(layer.onnx(), "CPU", options)
    request = model.create_infer_request()
    for name, array in layer.feeds().items():
        request.set_tensor(name, openvino.Tensor(array))
    request.infer()
    return request.infer, lambda found: layer.channels_last(found[0])


def _litert(layer, threads):
    from ai_edge_litert import interpreter

    runner = interpreter.Interpreter(
        layer.beside(".tflite"), num_threads=threads
    )
    runner.allocate_tensors()
    names = list(layer.inputs)
    for detail in runner.get_input_details():
        name, *_ = (x for x in names if x in detail["name"] or len(names) == 1)
        runner.set_tensor(detail["index"], layer.inputs[name])
    (sink,) = (detail["index"] for detail in runner.get_output_details())
    return runner.invoke, lambda _: runner.get_tensor(sink)


def _deepsparse(layer, threads):
    import deepsparse

    feeds = layer.feeds()
    engine = deepsparse.Engine(
        layer.onnx(), batch_size=len(layer.y), num_cores=threads
    )
    arrays = [feeds[name] for name in engine.input_names]
    return (
        lambda: engine.run(arrays, val_inp=False)[0],
        layer.channels_last,
    )


def _scipy(layer, threads):
    del threads  # It has but one.
    from scipy import sparse

    weights = sparse.csr_matrix(layer.matrix)
    x = np.ascontiguousarray(layer.pixels.T)
    return lambda: weights @ x, lambda y: y.T.reshape(layer.y.shape)


def _tensorflow(layer, threads):
    tf = _import_tensorflow(threads)
    weights = tf.constant(np.ascontiguousarray(layer.matrix.T))
    function = functools.partial(tf.matmul, b=weights)
    if not layer.is_product:
        kernel = tf.constant(layer.filters.transpose(1, 2, 3, 0))
        function = functools.partial(
            tf.nn.conv2d,
            filters=kernel,
            strides=layer.stride,
            padding=layer.padding,
        )
    return _repeated(layer, function)


def _tf_sparse(layer, threads):
    tf = _import_tensorflow(threads)
    weights = tf.sparse.from_dense(layer.matrix)
    layer.x = np.ascontiguousarray(layer.pixels.T)
    run, output = _repeated(
        layer, functools.partial(tf.sparse.sparse_dense_matmul, weights)
    )
    return run, lambda y: output(y).numpy().T.reshape(layer.y.shape)


def _tfprune(layer, threads):
    _import_tensorflow(threads)
    from tfprune import ops
    from tfprune.ops.conv2d import Geometry

    weights = ops.Csr.from_dense(layer.matrix)
    if layer.is_product:
        return _repeated(layer, lambda x: ops.csr_matmul(x, weights))
    if layer.domain == "winograd":
        return _repeated(
            layer,
            lambda x: ops.sparse_winograd_conv2d(
                x, weights, layer.kernel, layer.padding, layer.groups
            ),
        )
    geometry = Geometry(
        (layer.kernel,) * 2,
        (layer.stride,) * 2,
        layer.padding,
        groups=layer.groups,
    )
    return _repeated(layer, lambda x: ops.sparse_conv2d(x, weights, geometry))


def _keras(net, threads):
    _import_tensorflow(threads)
    from tfprune import backend

    return _called(net, backend.compiled(_load(net)))


def _constants(net, threads):
    tf = _import_tensorflow(threads)
    import tfprune

    tensors = list(map(tf.constant, net.inputs.values()))
    batch, *_ = (x.shape[0] for x in tensors)
    shapes = [tuple(x.shape[1:]) for x in tensors]
    infer = tfprune.exporters.to_function(_load(net), batch, shapes)
    x = tensors if len(tensors) > 1 else tensors[0]
    return lambda: infer(x).numpy(), lambda y: y


def _xla(net, threads):
    tf = _import_tensorflow(threads)
    return _called(net, tf.function(_load(net), jit_compile=True))


def _saved_model(net, threads):
    tf = _import_tensorflow(threads)
    module = tf.saved_model.load(net.beside(".saved_model"))
    return _called(net, lambda x: module.serve(*tf.nest.flatten(x))["y"])


@functools.cache
def _import_tensorflow(threads):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


def _repeated(layer, function):
    """Runs small layers several times in one call."""
    import tensorflow as tf

    from tfprune import backend

    run = backend.repeated(function, layer.x, layer.times)
    run.nothing = backend.repeated(lambda x: x, layer.x, layer.times)
    run.times = layer.times
    return run, lambda _: tf.function(function)(layer.x)


def _load(net):
    import keras

    from tfprune import applications

    del applications  # It registers the layers of its nets.
    return keras.saving.load_model(net.beside(".keras"), compile=False)


def _called(net, function):
    import tensorflow as tf

    tensors = list(map(tf.constant, net.inputs.values()))
    x = tensors if len(tensors) > 1 else tensors[0]
    return lambda: function(x).numpy(), lambda y: y


LAYERS = {
    "tfprune": _tfprune,
    "tensorflow": _tensorflow,
    "tf.sparse": _tf_sparse,
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "litert": _litert,
    "deepsparse": _deepsparse,
    "mkl": mkl.open_product,
    "scipy": _scipy,
}
NETS = {
    "tfprune": _constants,
    "tensorflow": _keras,
    "constants": _constants,
    "xla": _xla,
    "saved_model": _saved_model,
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "litert": _litert,
    "deepsparse": _deepsparse,
}


def _seconds(run, repeats):
    nothing = getattr(run, "nothing", None)
    floor = min(_time(nothing) for _ in range(repeats)) if nothing else 0
    return [
        max(_time(run) - floor, 1e-9) / getattr(run, "times", 1)
        for _ in range(repeats)
    ]


def _time(run):
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


class Server:
    """The layers and nets that one engine has open."""

    def __init__(self, engine, threads):
        self._engine, self._threads = engine, threads
        self._runs = {}

    def answer(self, job):
        if "open" in job:
            return self._take(job["open"])
        if "close" in job:
            return {"closed": bool(self._runs.pop(job["close"], None))}
        return {"seconds": _seconds(self._runs[job["run"]], job["repeats"])}

    def _take(self, path):
        layer = layer_case.read(path)
        openers = NETS if isinstance(layer, layer_case.Net) else LAYERS
        if self._engine not in openers:
            return {"refused": f"{self._engine} runs no such thing"}
        try:
            run, output = openers[self._engine](layer, self._threads)
        except layer_case.Refused as refused:
            return {"refused": str(refused)}
        self._runs[path] = run
        error = abs(np.asarray(output(run())) - layer.y).max(initial=0)
        greatest = max(abs(layer.y).max(initial=0), 1e-30)
        return {"deviation": float(error / greatest)}


def main(engine, threads):
    """Answers the lines of the standard input, a line each."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    # Engines say what they like on the standard output.
    os.dup2(2, 1)
    server = Server(engine, threads)
    for line in sys.stdin:
        try:
            answer = server.answer(json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
