"""sparsify: layers run sparse where that was measured to be faster."""

from __future__ import annotations

import dataclasses

import keras

from tfprune.compress import result
from tfprune.compress import strip
from tfprune.compress.sparse import alternatives
from tfprune.compress.sparse import between
from tfprune.compress.sparse import fold
from tfprune.compress.sparse import fuse
from tfprune.compress.sparse import inside
from tfprune.graph import cost
from tfprune.graph import model_graph
from tfprune.profiling import timer
from tfprune.utils import tables
from tfprune.utils import validation


@dataclasses.dataclass(frozen=True)
class Decision:
    """How one layer runs, and why.

    Args:
        layer: Its address: its name, or `outer/name`.
        sparsity: Float, of its kernel.
        flops: Float, operations of the dense layer in a call, or None: not
            known.
        dense_ms: Float, milliseconds, or None: not measured.
        sparse_ms: Float, milliseconds, or None: not measured.
        chosen: `"sparse"`, `"columns"` (dense, over the columns that are not
            zero alone), `"winograd"` (sparse in the Winograd domain) or
            `"dense"`.
        why: String.
        columns_ms: Float, milliseconds, or None: not measured.
        winograd_ms: Float, milliseconds, or None: not measured.
    """

    layer: str
    sparsity: float
    flops: float | None
    dense_ms: float | None
    sparse_ms: float | None
    chosen: str
    why: str
    columns_ms: float | None = None
    winograd_ms: float | None = None

    @property
    def break_even(self) -> float | None:
        """About the sparsity from which on sparse is faster.

        A sparse layer's time is taken to be that of its nonzeros alone.
        """
        if self.sparse_ms is None or self.dense_ms is None:
            return None
        return 1 - (1 - self.sparsity) * self.dense_ms / self.sparse_ms


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Sparsified(result.Compressed):
    """A model for inference, and how it came about.

    Args:
        decisions: List of `Decision`, one for each layer with a kernel, or
            with other forms that were tried.
        milliseconds: Dict, times of a call of the whole model: `"given"`,
            `"folded"` and, where layers were chosen to be sparse, `"sparse"`.
        shapes: List of tuples, of the inputs that were timed, without batch.
    """

    decisions: list[Decision]
    milliseconds: dict[str, float]
    shapes: list[tuple]

    def lines(self) -> list[str]:
        rows = [_HEADER, *map(_cells, self.decisions)]
        times = ", ".join(
            f"{name} {value:.3f} ms"
            for name, value in self.milliseconds.items()
        )
        whole = f"whole model: {times}"
        if any(None in x.shape[1:] for x in self.model.inputs):
            whole += f", on {', '.join(map(str, self.shapes))}"
        return [*tables.aligned(rows), whole]


def sparsify(
    model: keras.Model,
    batch_size: int = 1,
    gain: float = 0.1,
    rounds: int = 30,
    values_dtype: str = "float32",
    shapes: list | None = None,
) -> Sparsified:
    """Makes a model that infers the same, with sparse layers where they pay.

    Every dense, einsum and convolution layer with zeros is timed on this
    machine, dense and sparse in turn. It becomes sparse where that is faster by
    `gain`. Attentions, and layers made of other ones, that have zeros in them
    become Functional models of these before, unless a mask of Keras reaches
    them.
    A convolution with columns of zeros (see `tfprune.layers.FilterShapeConv2D`)
    is tried over the others alone, too, and one that has a Winograd form with
    sparse coefficients. `tfprune.layers.LocalResponseNormalization` multiplies
    by a matrix that is nearly empty, and a depthwise convolution is one without
    weights between channels: both are tried sparse as they are. Normalizations
    and activations are folded into the layers before them, and additions into
    sparse convolutions. Between sparse layers, attention
    (`tfprune.layers.FusedAttention`) and layer normalization run in one pass;
    attention has no dropout then, which inference has not either. The whole
    models are timed then, and the fastest is returned: never one that is slower
    than the model given.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        batch_size: Integer, the batch size to be fast at. Defaults to 1.
        gain: Float, the part of a layer's time that must be saved. Defaults
            to 0.1.
        rounds: Integer, how often each is timed. Defaults to 30.
        values_dtype: String, how sparse values are stored. Defaults to
            `"float32"`.
        shapes: List of tuples of integers, the shape of each input without
            batch to be fast at, for a model that leaves sizes open. Defaults
            to None: open sizes are 32, or half of it and so on where that is
            more than the model takes. The result has those that were taken.

    Raises:
        ValueError: for a subclassed model, one that is not stripped, or weights
            that are not finite.

    Example:

    ```python
    found = tfprune.sparsify(tfprune.strip(model))
    print(found)
    found.model.predict(x)
    ```
    """
    strip.check_stripped(model, "sparsify")
    validation.check_finite("model", model.variables)
    for name, count in (("batch_size", batch_size), ("rounds", rounds)):
        validation.check_count(name, count, least=1)
    validation.check_sparsity("gain", gain)
    opened = model_graph.ModelGraph(inside.opened(model))
    folded = model_graph.ModelGraph(fold.fold(opened), shapes)
    shapes = folded.shapes
    trial = _Trial(folded.calls, batch_size, gain, rounds, values_dtype)
    found = {
        id(leaf.layer): trial.decide(leaf, outer)
        for leaf, outer in inside.kernels(folded)
    }
    chosen = {key: own for key, (_, own) in found.items() if own is not None}
    candidates = {"given": model, "folded": folded.model}
    if chosen:
        chosen |= between.fused(folded)
        candidates["sparse"] = fuse.fuse(folded, chosen)
    times = timer.models(candidates, batch_size, rounds, shapes)
    best = min(times, key=lambda name: times[name])
    decisions = [decision for decision, _ in found.values()]
    if best != "sparse":
        decisions = [_taken_back(decision) for decision in decisions]
    return Sparsified(
        model=candidates[best],
        decisions=decisions,
        milliseconds=times,
        shapes=shapes,
        class_change=result.class_change(model, candidates[best]),
    )


@dataclasses.dataclass(frozen=True)
class _Trial:
    """What layers are tried with: their calls, and arguments of `sparsify`."""

    calls: dict[int, list]
    batch_size: int
    gain: float
    rounds: int
    values_dtype: str

    def decide(self, leaf, outer):
        """The decision about a leaf, and what takes its place, or None."""
        layer = leaf.layer
        sparsity = inside.sparsity(leaf)
        if layer is not outer or not alternatives.known(layer):
            return _dense(leaf, sparsity, alternatives.why_none(outer)), None
        shape = input_shape(layer, self.calls.get(id(layer)), self.batch_size)
        reason = unsupported_reason(layer, sparsity, shape)
        others = {}
        if not reason:
            others = alternatives.forms(layer, self.values_dtype, self.gain)
        if not others:
            return _dense(leaf, sparsity, reason or _NO_OPS), None
        return self._compared(leaf.address, layer, sparsity, shape, others)

    def _compared(self, name, layer, sparsity, shape, others):
        """Times a layer and what may stand for it."""
        times = timer.layers({"dense": layer, **others}, shape, self.rounds)
        best = min(others, key=times.get)
        pays = times[best] <= (1 - self.gain) * times["dense"]
        ratio = times["dense"] / times[best]
        decision = Decision(
            name,
            sparsity,
            _flops(layer, shape),
            times["dense"],
            times.get(alternatives.SPARSE),
            best if pays else "dense",
            f"{best} is {ratio:.2f}x as fast",
            times.get(alternatives.COLUMNS),
            times.get(alternatives.WINOGRAD),
        )
        return decision, others[best] if pays else None


def _dense(leaf, sparsity, why):
    """The decision about what is not tried."""
    address = leaf.address
    return Decision(address, sparsity, None, None, None, "dense", why)


def _flops(layer, shape):
    weights = alternatives.kernel(layer).size
    return 2.0 * shape[0] * weights * cost.macs_per_weight(layer, [[shape]])


def input_shape(layer, calls, batch_size: int) -> tuple:
    """The shape of what a layer is called on first.

    Args:
        layer: Keras layer, built.
        calls: What `ModelGraph.calls` has of it, or None.
        batch_size: Integer.
    """
    shapes = [shape for call in calls or [] for shape in call or []]
    shape = (shapes or model_graph.built_on(layer))[0]
    return (batch_size, *shape[1:])


def unsupported_reason(layer, sparsity: float, shape) -> str:
    """Why a layer is not even tried sparse; "" for nothing."""
    if sparsity == 0 and alternatives.needs_zeros(layer):
        return "has no zeros"
    if None in shape:
        return "has a dynamic dimension"
    return alternatives.unsupported_reason(layer)


def _taken_back(decision):
    if decision.chosen == "dense":
        return decision
    why = f"{decision.why}, but the whole model is not"
    return dataclasses.replace(decision, chosen="dense", why=why)


_NO_OPS = "the compiled ops are not there: see tfprune.ops.describe()"
_HEADER = (
    "layer",
    "sparsity",
    "dense ms",
    "sparse ms",
    "columns ms",
    "winograd ms",
    "break-even",
    "runs",
    "why",
)


def _cells(decision):
    def number(value, form):
        return "" if value is None else format(value, form)

    return (
        decision.layer,
        f"{decision.sparsity:.1%}",
        number(decision.dense_ms, ".3f"),
        number(decision.sparse_ms, ".3f"),
        number(decision.columns_ms, ".3f"),
        number(decision.winograd_ms, ".3f"),
        number(decision.break_even, ".0%"),
        decision.chosen,
        decision.why,
    )
