"""Times one engine on single layers: a script for a Python that has it.

    python engine_server.py onnxruntime 1

The arguments are an engine and its number of threads. Each line of the input
is a job, each line of the output an answer: `{"open": FILE}` takes a layer, as
`problems.write` wrote it, and answers with the greatest deviation of the
engine's output, over the greatest output; `{"run": FILE, "repeats": N}` answers
with the seconds of N runs of it; `{"close": FILE}` forgets it.
"""

import ctypes
import functools
import json
import math
import os
import pathlib
import sys
import time

import numpy as np

# A call of a `tf.function` costs as much as many of the layers in it: small
# layers are run several times in one call, and a call of nothing is taken off.
LEAST_FLOPS, MOST_TIMES = 5e8, 100


class Layer:
    """A problem read from its file, with what engines want of it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        with np.load(path) as file:
            fields = {name: file[name] for name in file.files}
        self.matrix, self.x, self.y = (fields[n] for n in ("matrix", "x", "y"))
        self.is_product = self.x.ndim == 2
        if not self.is_product:
            self.kernel, self.stride, self.groups = fields["geometry"].tolist()
            self.pads = fields["pads"].tolist()  # top, left, bottom, right
            self.padding = "SAME" if any(self.pads) else "VALID"

    @property
    def flops(self):
        return 2 * math.prod(self.y.shape[:-1]) * self.matrix.size

    @property
    def times(self):
        """How often it is run in one call of a `tf.function`."""
        return min(math.ceil(LEAST_FLOPS / self.flops), MOST_TIMES)

    @property
    def pixels(self):
        """The input of a product, or of a convolution that is one."""
        if not self.is_product and (self.kernel, self.stride) != (1, 1):
            raise NotImplementedError("no convolutions")
        return self.x.reshape(-1, self.x.shape[-1])

    @property
    def filters(self):
        """(filters, height, width, channels of a group)."""
        return self.matrix.reshape(
            len(self.matrix), self.kernel, self.kernel, -1
        )

    def channels_first(self):
        if self.is_product:
            return self.x
        return np.ascontiguousarray(self.x.transpose(0, 3, 1, 2))

    def channels_last(self, y):
        return y if self.is_product else y.transpose(0, 2, 3, 1)

    def onnx(self):
        """Returns the path of the layer as an ONNX model."""
        import onnx
        from onnx import helper

        x, y = self.channels_first(), self.y
        if self.is_product:
            weights, node = self.matrix.T, helper.make_node("MatMul", "xw", "y")
        else:
            y = y.transpose(0, 3, 1, 2)
            weights = self.filters.transpose(0, 3, 1, 2)
            node = helper.make_node(
                "Conv",
                "xw",
                "y",
                kernel_shape=[self.kernel] * 2,
                strides=[self.stride] * 2,
                group=self.groups,
                pads=self.pads,
            )
        graph = helper.make_graph(
            [node],
            "layer",
            [helper.make_tensor_value_info("x", 1, x.shape)],
            [helper.make_tensor_value_info("y", 1, y.shape)],
            [onnx.numpy_helper.from_array(np.ascontiguousarray(weights), "w")],
        )
        opset = helper.make_opsetid("", 13)
        path = str(self.path.with_suffix(".onnx"))
        onnx.save(
            helper.make_model(graph, opset_imports=[opset], ir_version=8), path
        )
        return path


# Each engine takes a layer and the number of threads. It returns a function
# that runs the layer, and one that turns what that returned into the output.


def _onnxruntime(layer, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        layer.onnx(), options, providers=["CPUExecutionProvider"]
    )
    x = {"x": layer.channels_first()}
    return lambda: session.run(["y"], x)[0], layer.channels_last


def _openvino(layer, threads):
    import openvino

    options = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    model = openvino.Core().compile_model(layer.onnx(), "CPU", options)
    request = model.create_infer_request()
    request.set_input_tensor(openvino.Tensor(layer.channels_first()))
    request.infer()
    return request.infer, lambda found: layer.channels_last(found[0])


def _litert(layer, threads):
    from ai_edge_litert import interpreter

    runner = interpreter.Interpreter(
        str(layer.path.with_suffix(".tflite")), num_threads=threads
    )
    runner.allocate_tensors()
    (source,), (sink,) = (
        [detail["index"] for detail in details]
        for details in (runner.get_input_details(), runner.get_output_details())
    )
    runner.set_tensor(source, layer.x)
    return runner.invoke, lambda _: runner.get_tensor(sink)


def _deepsparse(layer, threads):
    import deepsparse

    engine = deepsparse.Engine(
        layer.onnx(), batch_size=len(layer.x), num_cores=threads
    )
    x = [layer.channels_first()]
    return (
        lambda: engine.run(x, val_inp=False)[0],
        layer.channels_last,
    )


def _scipy(layer, threads):
    del threads  # It has but one.
    from scipy import sparse

    weights = sparse.csr_matrix(layer.matrix)
    x = np.ascontiguousarray(layer.pixels.T)
    return lambda: weights @ x, lambda y: y.T.reshape(layer.y.shape)


def _mkl(layer, threads):
    """The inspector and executor of MKL, through its C interface."""
    folder = pathlib.Path(sys.prefix, "lib")
    ctypes.CDLL(str(next(folder.glob("libiomp5.so*"))), ctypes.RTLD_GLOBAL)
    mkl = ctypes.CDLL(str(next(folder.glob("libmkl_rt.so*"))))
    mkl.MKL_Set_Num_Threads(threads)
    weights = _mkl_matrix(mkl, layer.matrix)
    x, y = layer.pixels, np.empty_like(layer.y)
    # Pixels by rows are their transpose by columns, and so is what it gives.
    plain, one, none = 10, ctypes.c_float(1), ctypes.c_float(0)
    before = plain, one, weights, _MklGeneral()
    (rows, columns), pixels = layer.matrix.shape, len(x)
    if pixels == 1:
        run = functools.partial(
            mkl.mkl_sparse_s_mv, *before, _address(x), none, _address(y)
        )
        mkl.mkl_sparse_set_mv_hint(weights, plain, _MklGeneral(), 1000)
    else:
        run = functools.partial(
            mkl.mkl_sparse_s_mm,
            *before,
            _MKL_BY_COLUMNS,
            *(_address(x), pixels, columns, none, _address(y), rows),
        )
        mkl.mkl_sparse_set_mm_hint(
            weights, plain, _MklGeneral(), _MKL_BY_COLUMNS, pixels, 1000
        )
    mkl.mkl_sparse_optimize(weights)
    return run, lambda _: y


_MKL_BY_COLUMNS = 102


class _MklGeneral(ctypes.Structure):
    """MKL's description of a general matrix: type, part and diagonal."""

    _fields_ = [(name, ctypes.c_int) for name in ("type", "part", "diagonal")]

    def __init__(self):
        super().__init__(20, 40, 50)


def _mkl_matrix(mkl, matrix):
    rows, columns = np.nonzero(matrix)
    offsets = np.searchsorted(rows, np.arange(len(matrix) + 1)).astype("int32")
    arrays = (
        offsets,
        offsets[1:],
        columns.astype("int32"),
        matrix[rows, columns],
    )
    handle = ctypes.c_void_p()
    handle.arrays = arrays  # MKL does not copy them.
    failed = mkl.mkl_sparse_s_create_csr(
        ctypes.byref(handle), 0, *matrix.shape, *map(_address, arrays)
    )
    if failed:
        raise ValueError(f"MKL refused the matrix: status {failed}")
    return handle


def _address(array):
    return array.ctypes.data_as(ctypes.c_void_p)


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
    from tfprune.ops.sparse_conv2d import Geometry

    weights = ops.Csr.from_dense(layer.matrix)
    if layer.is_product:
        return _repeated(layer, lambda x: ops.csr_matmul(x, weights))
    geometry = Geometry(
        (layer.kernel,) * 2,
        (layer.stride,) * 2,
        layer.padding,
        groups=layer.groups,
    )
    return _repeated(layer, lambda x: ops.sparse_conv2d(x, weights, geometry))


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


ENGINES = {
    "tfprune": _tfprune,
    "tensorflow": _tensorflow,
    "tf.sparse": _tf_sparse,
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "litert": _litert,
    "deepsparse": _deepsparse,
    "mkl": _mkl,
    "scipy": _scipy,
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
    """The layers that one engine has open."""

    def __init__(self, engine, threads):
        self._open = functools.partial(ENGINES[engine], threads=threads)
        self._runs = {}

    def answer(self, job):
        if "open" in job:
            return {"deviation": self._deviation(job["open"])}
        if "close" in job:
            return {"closed": bool(self._runs.pop(job["close"], None))}
        return {"seconds": _seconds(self._runs[job["run"]], job["repeats"])}

    def _deviation(self, path):
        layer = Layer(path)
        run, output = self._open(layer)
        self._runs[path] = run
        error = abs(np.asarray(output(run())) - layer.y).max(initial=0)
        return float(error / max(abs(layer.y).max(initial=0), 1e-9))


def main(engine, threads):
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
