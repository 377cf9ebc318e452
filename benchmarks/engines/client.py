"""Engines that run layers and nets.

Each has a process and an environment of its own: what one of them does to
threads and caches stays with it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import typing

import benchmarks

SERVER = "benchmarks.engines.server"
_DEVIATION = 1e-4  # What rounding gives, and no wrong layer.


class Engine(typing.NamedTuple):
    """What is measured.

    Args:
        name: String.
        engine: String, key of `server.LAYERS`, of `server.NETS`, or of both.
        environment: String, key of `Environments`.
        takes_sparse: Bool, whether zeros make it faster: it is measured with
            pruned weights then, and with dense ones else.
        variables: Dict, of its process's environment.
    """

    name: str
    engine: str
    environment: str = "own"
    takes_sparse: bool = False
    variables: dict = {}


OURS = "tfprune"
TENSORFLOW = "TensorFlow"
TENSORFLOW_AVX2 = "TensorFlow (AVX2)"
DEEPSPARSE = "DeepSparse"
DEEPSPARSE_DENSE = "DeepSparse (dense)"
DEEPSPARSE_AVX2 = "DeepSparse (AVX2)"
ENGINES = (
    Engine(OURS, "tfprune", takes_sparse=True),
    Engine(TENSORFLOW, "tensorflow"),
    Engine(
        "TensorFlow (oneDNN off)",
        "tensorflow",
        variables={"TF_ENABLE_ONEDNN_OPTS": "0"},
    ),
    # As on machines without AVX-512, that of the prototype among them.
    Engine(
        TENSORFLOW_AVX2,
        "tensorflow",
        variables={"ONEDNN_MAX_CPU_ISA": "AVX2"},
    ),
    Engine("TensorFlow (XLA)", "xla"),
    Engine("TensorFlow (folded)", "saved_model"),
    Engine("TensorFlow (constants)", "constants"),
    Engine("ONNX Runtime", "onnxruntime", "engines"),
    Engine("OpenVINO", "openvino", "engines"),
    Engine("LiteRT", "litert", "engines"),
    Engine(DEEPSPARSE_DENSE, "deepsparse", "deepsparse"),
    Engine(DEEPSPARSE, "deepsparse", "deepsparse", takes_sparse=True),
    Engine(
        DEEPSPARSE_AVX2,
        "deepsparse",
        "deepsparse",
        takes_sparse=True,
        variables={"NM_ARCH": "avx2"},
    ),
    Engine("MKL", "mkl", "engines", takes_sparse=True),
    Engine("SciPy", "scipy", "engines", takes_sparse=True),
    Engine("tf.sparse", "tf.sparse", takes_sparse=True),
)


def variables(**own: str) -> dict[str, str]:
    """Returns the variables of a process that runs a module of this package.

    Args:
        **own: Strings, which go before those of this process.
    """
    paths = [str(benchmarks.ROOT), os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(filter(None, paths))
    return {**os.environ, "PYTHONPATH": path, **own}


@dataclasses.dataclass(frozen=True)
class Environments:
    """The Pythons that have the engines, None for those that are left out.

    Args:
        engines: Path, with ONNX Runtime, OpenVINO, LiteRT, MKL and SciPy.
        deepsparse: Path, with DeepSparse.
        convert: Path, with tf2onnx, which makes the nets that these two read.
    """

    engines: str | None = None
    deepsparse: str | None = None
    convert: str | None = None
    own: str = sys.executable

    def available(self) -> list[Engine]:
        """Returns the engines that can be measured."""
        return [e for e in ENGINES if getattr(self, e.environment)]

    @contextlib.contextmanager
    def running(self, threads: int):
        """Yields a `Server` for each engine; their processes end behind."""
        with contextlib.ExitStack() as stack:
            servers = []
            for engine in self.available():
                servers.append(self.start(engine, threads))
                stack.callback(servers[-1].stop)
            yield servers

    def start(self, engine: Engine, threads: int) -> Server:
        """Starts the process of an engine."""
        return Server(engine, getattr(self, engine.environment), threads)


class Server:
    """A running engine.

    Args:
        engine: `Engine`.
        python: Path of a Python that has it.
        threads: Integer.
    """

    def __init__(self, engine: Engine, python: str, threads: int):
        self.engine = engine
        self._process = subprocess.Popen(
            [python, "-m", SERVER, engine.engine, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=variables(NM_DISABLE_ANALYTICS="1", **engine.variables),
        )

    def open(self, path: str) -> bool:
        """Takes a layer or net; returns False where the engine has none.

        Raises:
            ValueError: if its output is wrong, or it fails.
        """
        answer = self._ask(open=path)
        if "refused" in answer:
            return False
        if not answer.get("deviation", 1) < _DEVIATION:
            raise ValueError(f"{self.engine.name} failed at {path}: {answer}")
        return True

    def run(self, path: str, repeats: int) -> list[float]:
        """Returns the seconds of some runs of what is open."""
        answer = self._ask(run=path, repeats=repeats)
        if "seconds" not in answer:
            raise ValueError(f"{self.engine.name} failed at {path}: {answer}")
        return answer["seconds"]

    def close(self, path: str) -> None:
        """Forgets a layer or net."""
        self._ask(close=path)

    def stop(self) -> None:
        """Ends the process."""
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, **job):
        self._process.send_signal(signal.SIGCONT)
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(job), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        # Some have threads that go on spinning while another is measured.
        self._process.send_signal(signal.SIGSTOP)
        if not answer:
            raise ValueError(
                f"{self.engine.name} must run with "
                f"{self._process.args[0]}, but it ended at {job}"
            )
        return json.loads(answer)
