import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.ops import library
from tfprune.ops import masking

SHAPES = [(), (0,), (1,), (17,), (3, 3, 5, 7), (700, 800)]
compiled_only = pytest.mark.skipif(
    library.load().ops is None, reason=library.describe()
)


def problem(shape, dtype="float32"):
    rng = np.random.default_rng(0)
    one, other = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    one = np.where(rng.random(shape) < 0.1, np.nan, one).astype(dtype)
    return rng.random(shape) < 0.5, one, other


@pytest.fixture(params=["eager", "graph", "xla", "python"])
def run(request, monkeypatch):
    """Calls a function in one of the ways that a step may run."""
    if request.param == "python":
        none = library.Library(None, "as for a test")
        monkeypatch.setattr(library, "load", lambda: none)
    if request.param in ("eager", "python"):
        return lambda function, *inputs: function(*map(tf.constant, inputs))
    return tf.function(jit_compile=request.param == "xla")(
        lambda function, *inputs: function(*inputs)
    )


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_where_and_select(run, shape, dtype):
    mask, one, other = problem(shape, dtype)
    found = run(masking.where, mask, one, other)
    np.testing.assert_array_equal(found, np.where(mask, one, other))
    assert found.shape == shape and found.dtype == dtype
    found = run(masking.select, one, mask)
    np.testing.assert_array_equal(found, np.where(mask, one, 0))
    assert found.shape == shape and found.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_hysteresis(run, shape, dtype):
    kept, _, weights = problem(shape, dtype)
    weights = np.where(~kept & (weights > 1), np.nan, weights).astype(dtype)
    limits = np.float32(0.4), np.float32(0.6)
    found = run(masking.hysteresis, weights, kept, *limits)
    size = np.abs(weights)
    expected = (kept & ~(size <= limits[0])) | (size > limits[1])
    np.testing.assert_array_equal(found, expected)
    assert found.shape == shape
    mask, shown = run(masking.shown_hysteresis, weights, kept, *limits)
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_array_equal(shown, np.where(expected, weights, 0))
    assert mask.shape == shown.shape == shape


def test_infinite_limits_keep_a_mask_as_it_is(run):
    kept, _, _ = problem((101,))
    weights = np.resize([np.nan, np.inf, -np.inf, 0, 1], 101).astype("float32")
    limits = np.float32(-np.inf), np.float32(np.inf)
    found = run(masking.hysteresis, weights, kept, *limits)
    np.testing.assert_array_equal(found, kept)


def test_slices_of_an_embedding_are_selected():
    slices = tf.IndexedSlices(tf.ones([1, 2]), [1], dense_shape=[3, 2])
    mask = [[True, True], [True, False], [True, True]]
    found = masking.select(slices, mask)
    np.testing.assert_array_equal(found, [[0, 0], [1, 0], [0, 0]])


@compiled_only
@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_ops_are_in_graphs_that_can_hold_them(jit_compile):
    @tf.function(jit_compile=jit_compile)
    def function(value):
        return tf.cond(
            value[0] > 0,
            lambda: masking.select(value, value > 1),
            lambda: value,
        )

    graph = function.get_concrete_function(tf.zeros([3])).graph
    graphs = [graph, *graph._functions.values()]
    text = "".join(str(getattr(x, "graph", x).as_graph_def()) for x in graphs)
    assert ("Tfprune>Where" in text) != jit_compile


@compiled_only
def test_no_compiled_ops_in_replicas():
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        assert masking._compiled(tf.zeros([2])) is None


class Pair:
    """What a step keeps: a variable that shows, a mask, what is hidden."""

    def __init__(self):
        self.mask = tf.constant([True, False, True, False])
        self.shown = keras.Variable([1.0, 0.0, 3.0, 0.0])
        # What is hidden means nothing where it is shown. It does here, to
        # tell where a result comes from.
        self.hidden = keras.Variable([-1.0, 2.0, -3.0, 4.0])
        self.left = masking.Left()

    @tf.function
    def hold(self):
        self.left.hold(
            self.shown.value.read_value(), self.hidden.value.read_value()
        )

    @tf.function
    def reveal(self):
        shown = self.shown.value.read_value()
        learned = self.left.reveal(self.mask, shown, self.hidden)
        self.shown.assign(learned)
        return learned


WHERE, HIDDEN = [1, 2, 3, 4], [-1, 2, -3, 4]
WRITES = {
    "assign": lambda x: x.assign([1.0, 0.0, 3.0, 0.0]),
    "assign_add": lambda x: x.value.assign_add(tf.zeros(4)),
    "a slice": lambda x: x.value[:2].assign([1.0, 0.0]),
    "scatter": lambda x: x.value.scatter_nd_update([[0]], [1.0]),
    "momentum": lambda x: tf.raw_ops.ResourceApplyGradientDescent(
        var=x.value.handle, alpha=1.0, delta=tf.zeros(4)
    ),
}


def test_what_nobody_saw_is_selected():
    pair = Pair()
    np.testing.assert_array_equal(pair.reveal(), WHERE)


@compiled_only
def test_what_nobody_wrote_comes_back_as_it_is():
    pair = Pair()
    pair.hold()
    np.testing.assert_array_equal(pair.reveal(), HIDDEN)


def test_eagerly_nothing_is_moved():
    pair = Pair()
    pair.hold()
    shown = pair.shown.value.read_value()
    found = pair.left.reveal(pair.mask, shown, pair.hidden)
    np.testing.assert_array_equal(found, WHERE)
    np.testing.assert_array_equal(pair.hidden, HIDDEN)


@compiled_only
def test_a_step_that_did_not_end_leaves_what_is_learned():
    pair = Pair()
    pair.hold()
    pair.reveal()
    np.testing.assert_array_equal(pair.reveal(), HIDDEN)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_what_somebody_wrote_counts(write):
    pair = Pair()
    pair.hold()
    write(pair.shown)
    np.testing.assert_array_equal(pair.reveal(), WHERE)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_so_it_does_where_it_is_hidden(write):
    pair = Pair()
    pair.hold()
    write(pair.hidden)
    shown = pair.shown.numpy()
    hidden = pair.hidden.numpy()
    expected = np.where(pair.mask, shown, hidden)
    np.testing.assert_array_equal(pair.reveal(), expected)


@compiled_only
@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        ("where", ([True], [1.0, 2.0], [0.0]), "mask and one"),
        ("where", ([True], [1.0], [1.0, 2.0]), r"other must have shape \[1\]"),
        ("where", ([[True]], [1.0], [1.0]), "mask and one must have one shape"),
        ("reveal", ([True], [1.0, 1.0], [1.0, 1.0], [1.0], [1.0]), "mask and"),
        ("reveal", ([True], [1.0], [1.0, 1.0], [1.0], [1.0]), "shown and"),
        ("hysteresis", ([1.0], [True, True], 0.0, 0.0), "weights and kept"),
        ("hysteresis", ([1.0], [True], [0.0], 0.0), "lower must have rank 0"),
        ("hysteresis", ([1.0], [True], 0.0, []), "upper must have rank 0"),
    ],
)
def test_bad_input_is_an_error(op, inputs, message):
    function = getattr(library.load().ops, f"tfprune_{op}")
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        function(*inputs)
