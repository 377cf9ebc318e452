"""Small models, each with one thing that makes removing filters hard.

`ZOO` maps a name to a function that makes the model and to the number of its
channels that may be removed.
"""

import keras
import numpy as np
from keras import layers
from keras import ops

from tests.compress.filters import sequence_zoo


def randomize(model, seed=0):
    """Gives every float variable, statistics too, values of its own."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        if "float" in variable.dtype:
            low, high = (0.5, 1.5) if "var" in variable.name else (-1, 1)
            variable.assign(random.uniform(low, high, variable.shape))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    return model


def image(channels=3, side=8):
    return keras.Input((side, side, channels))


def conv(filters=6, size=3, padding="same", **kwargs):
    return layers.Conv2D(filters, size, padding=padding, **kwargs)


def head(x):
    return layers.Dense(2)(layers.GlobalAveragePooling2D()(x))


def unary(layer, free=6):
    """A convolution, something behind it, and a padded one that reads it."""

    def make():
        x = image()
        y = layer()(conv(use_bias=False)(x))
        return keras.Model(x, conv(3)(y))

    return make, free


def merging(merge, free=6):
    def make():
        x = image()
        y = merge([conv()(x), conv()(x)])
        return keras.Model(x, conv(3)(y))

    return make, free


def chain():
    return keras.Sequential(
        [
            image(),
            conv(use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            conv(4, padding="valid", activation="relu"),
            layers.Flatten(),
            layers.Dense(7, "tanh"),
            layers.Dense(3, "softmax"),
        ]
    )


def residual():
    x = image()
    y = shortcut = conv()(x)
    for _ in range(2):
        inner = layers.BatchNormalization(scale=False)(conv(5)(y))
        y = layers.Add()([shortcut, conv()(layers.ReLU()(inner)), y])
    return keras.Model(x, head(layers.ReLU()(y)))


def with_itself():
    x = image()
    y = conv()(x)
    y = layers.Concatenate()([y, conv(2)(x), y])
    return keras.Model(x, conv(3)(layers.BatchNormalization()(y)))


def concat_then_add():
    x = image()
    y = layers.Concatenate()([conv(2)(x), conv(4)(x)])
    return keras.Model(x, conv(3)(layers.Add()([y, conv(6)(x)])))


def side_by_side():
    """Two images, one above the other."""
    x = image()
    y = layers.Concatenate(axis=1)([conv()(x), conv()(x)])
    return keras.Model(x, conv(3)(y))


def depthwise():
    x = image()
    y = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(conv()(x))
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.SeparableConv2D(5, 3, depth_multiplier=2, padding="same")(y)
    return keras.Model(x, conv(3)(y))


def grouped():
    """All groups lose the same, or whole groups go."""
    x = image()
    y = conv(6, groups=3)(conv(6)(x))
    y = conv(8, groups=4)(conv(4)(y))
    return keras.Model(x, conv(3)(y))


def squeeze_and_excite():
    x = image()
    y = conv()(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Dense(2, "relu")(gate)
    gate = layers.Dense(6, "sigmoid")(gate)
    return keras.Model(x, conv(3)(layers.Multiply()([y, gate])))


def excite_by_reshape():
    x = image()
    y = conv(activation="silu")(x)
    gate = layers.Reshape((1, 1, 6))(layers.GlobalMaxPooling2D()(y))
    gate = conv(6, 1, activation="hard_sigmoid")(conv(3, 1)(gate))
    return keras.Model(x, conv(3)(y * gate))


def u_net():
    x = image()
    wide = conv(4, activation="relu")(x)
    deep = conv(6, activation="relu")(layers.AveragePooling2D(2)(wide))
    up = layers.Conv2DTranspose(5, 2, 2, activation="relu")(deep)
    y = layers.Concatenate()([wide, up, layers.UpSampling2D()(deep)])
    return keras.Model(x, conv(2, 1)(y))


def shared():
    """One convolution on two branches, which couples what both give it."""
    x = image()
    both = conv(4)
    one, other = both(conv(6)(x)), both(conv(6)(x))
    return keras.Model(x, conv(3)(layers.Concatenate()([one, other])))


def recurrent():
    """One convolution, on what it gave itself."""
    x = image()
    again = conv(6)
    y = again(layers.ReLU()(again(conv(6)(x))))
    return keras.Model(x, conv(3)(y))


def nested():
    """A model in a model, called twice, and a Sequential one behind it."""
    inside = image(6)
    block = conv(6)(layers.ReLU()(conv(4)(inside)))
    block = keras.Model(inside, layers.Add()([inside, block]), name="block")
    tail = keras.Sequential([image(6), conv(5), layers.ReLU()], name="tail")
    x = image()
    y = tail(block(block(conv(6)(x))))
    return keras.Model(x, head(y))


def two_outputs():
    x = image()
    y = conv(6)(x)
    return keras.Model(x, [conv(3)(y), head(layers.ReLU()(y))])


def two_inputs():
    x, code = image(), keras.Input((5,))
    scale = layers.Reshape((1, 1, 6))(layers.Dense(6, "sigmoid")(code))
    return keras.Model([x, code], conv(3)(conv()(x) * scale))


def trunk_goes_out():
    x = image()
    y = conv(6)(x)
    return keras.Model(x, {"trunk": y, "head": head(conv(4)(y))})


def channel_shuffle():
    x = image()
    y = layers.Reshape((8, 8, 2, 3))(conv(6)(x))
    y = layers.Reshape((8, 8, 6))(layers.Permute((1, 2, 4, 3))(y))
    return keras.Model(x, conv(3)(y))


def shuffle_by_ops():
    x = image()
    y = ops.reshape(conv(6)(x), (-1, 8, 8, 3, 2))
    y = ops.reshape(ops.transpose(y, (0, 1, 2, 4, 3)), (-1, 8, 8, 6))
    return keras.Model(x, conv(3)(y))


def behind_a_lambda():
    x = image()
    y = conv(6)(layers.Lambda(lambda x: x[..., ::-1])(conv(6)(x)))
    return keras.Model(x, conv(3)(y))


def dense_to_image():
    x = keras.Input((5,))
    y = layers.Reshape((4, 4, 6))(layers.Dense(96, "relu")(x))
    y = layers.Conv2DTranspose(4, 3, 2, padding="same")(y)
    return keras.Model(x, conv(1)(y))


def written_in_ops():
    x = image()
    y = ops.relu(conv(6)(x) * 2.0)
    y = y * ops.sigmoid(y)
    y = ops.concatenate([y[:, 4:], y[:, :4]], axis=1)
    return keras.Model(x, layers.Dense(2)(ops.mean(y, axis=(1, 2))))


def sequences():
    x = keras.Input((12,), dtype="int32")
    y = layers.Embedding(2, 6)(x)
    y = layers.Conv1D(5, 3, padding="causal", activation="relu")(y)
    y = layers.SeparableConv1D(4, 3)(layers.ZeroPadding1D(1)(y))
    y = layers.Conv1DTranspose(6, 2)(layers.MaxPooling1D()(y))
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(y)))


def volumes():
    x = keras.Input((4, 4, 4, 2))
    y = layers.Conv3D(5, 3, padding="same")(x)
    y = layers.Conv3DTranspose(4, 2)(layers.PReLU(shared_axes=(1, 2, 3))(y))
    return keras.Model(x, layers.Dense(2)(layers.GlobalMaxPooling3D()(y)))


def one_gate_for_all():
    x = image()
    y = conv(6)(x)
    return keras.Model(x, conv(3)(y * conv(1, 1, activation="sigmoid")(y)))


def any_size():
    x = keras.Input((None, None, 3))
    y = layers.Concatenate()([conv(4)(x), conv(2)(x)])
    return keras.Model(x, conv(3)(layers.UpSampling2D()(y)))


def split_in_two():
    """One half gates the other."""
    x = image()
    one, gate = ops.split(conv(6)(x), 2, axis=-1)
    y = conv(4)(one * ops.sigmoid(gate))
    upper, lower = ops.split(y, [3], axis=1)
    y = ops.concatenate([lower, upper], axis=1)
    return keras.Model(x, conv(3)(y))


def cut_at_places():
    x = image()
    one, other = ops.split(conv(6)(x), [2], axis=-1)
    return keras.Model(x, [conv(3)(one), conv(3)(other)])


def cross_stage():
    """A part of the channels goes around a layer, as in CSPNet."""
    x = image()
    y = conv(6)(x)
    deep = conv(4)(layers.ReLU()(y[..., 2:]))
    y = ops.concatenate([y[..., :2], deep], axis=-1)
    return keras.Model(x, conv(3)(y))


def cut_of_a_cut():
    x = image()
    y = conv(8)(x)
    y, first = y[..., 2:], y[..., :2]
    cuts = [first, y[..., :-3], y[..., 3:]]
    return keras.Model(x, [conv(3)(cut) for cut in cuts])


def pixel_shuffle():
    x = image()
    y = ops.depth_to_space(conv(8)(x), 2)
    return keras.Model(x, conv(3)(conv(5)(ops.space_to_depth(y, 2))))


def stacked():
    x = image()
    y = conv()(x)
    y = ops.stack([y, ops.flip(2 * y, 1)], axis=1)
    one, other = ops.unstack(y, axis=1)
    return keras.Model(x, conv(3)(one + ops.max(y, axis=1) - other))


def open_sizes():
    x = keras.Input((None, None, 3))
    y = ops.transpose(conv()(x)[:, ::2], (0, 2, 1, 3))
    return keras.Model(x, conv(3)(ops.roll(ops.flip(y, 1), 1, axis=2)))


def squeezed():
    x = image(side=4)
    y = conv(6, 4, padding="valid")(x)
    y = ops.expand_dims(ops.squeeze(y, (1, 2)), 1)
    return keras.Model(x, layers.Dense(2)(layers.RepeatVector(3)(y[:, 0])))


ZOO = {
    **sequence_zoo.ZOO,
    "chain": (chain, 6 + 4 + 7),
    "residual": (residual, 6 + 5 + 5),
    "with itself": (with_itself, 6 + 2),
    "concat then add": (concat_then_add, 6),
    "side by side": (side_by_side, 6),
    "depthwise": (depthwise, 6 + 5),
    "grouped": (grouped, 2 + 2 + 4),
    "squeeze and excite": (squeeze_and_excite, 6 + 2),
    "excite by reshape": (excite_by_reshape, 6 + 3),
    "u-net": (u_net, 4 + 6 + 5),
    "shared": (shared, 6 + 4),
    "recurrent": (recurrent, 6),
    "nested": (nested, 6 + 4 + 5),
    "two outputs": (two_outputs, 6),
    "two inputs": (two_inputs, 6),
    "trunk goes out": (trunk_goes_out, 4),
    "channel shuffle": (channel_shuffle, 3),
    "shuffle by ops": (shuffle_by_ops, 3),
    "behind a lambda": (behind_a_lambda, 6),
    "dense to image": (dense_to_image, 6 + 4),
    "written in ops": (written_in_ops, 6),
    "sequences": (sequences, 6 + 5 + 4 + 6),
    "volumes": (volumes, 5 + 4),
    "one gate for all": (one_gate_for_all, 6),
    "any size": (any_size, 4 + 2),
    "split in two": (split_in_two, 3 + 4),
    "cut at places": (cut_at_places, 6),
    "cross stage": (cross_stage, 6 + 4),
    "cut of a cut": (cut_of_a_cut, 8),
    "pixel shuffle": (pixel_shuffle, 2 + 5),
    "stacked": (stacked, 6),
    "open sizes": (open_sizes, 6),
    "squeezed": (squeezed, 6),
    "add": merging(layers.Add()),
    "subtract": merging(layers.Subtract()),
    "multiply": merging(layers.Multiply()),
    "average": merging(layers.Average()),
    "maximum": merging(layers.Maximum()),
    "minimum by ops": merging(lambda x: ops.minimum(*x)),
    "of two functions": merging(lambda x: ops.arctan2(*x)),
    "where": merging(lambda x: ops.where(x[0] > 0, x[0], 0.5 * x[1])),
    "power": merging(lambda x: ops.power(x[0], 2) * x[1]),
    "multiply by einsum": merging(lambda x: ops.einsum("abcd,abcd->abcd", *x)),
    "products of channels": merging(
        lambda x: ops.einsum("abcd,abed->abce", *x), 0
    ),
    "an unknown operation": merging(
        lambda x: ops.einsum("abcd,abcd,abcd->abcd", *x, x[0]), 0
    ),
    "batch norm": unary(layers.BatchNormalization),
    "group norm": unary(lambda: layers.GroupNormalization(3), 3),
    "instance norm": unary(lambda: layers.GroupNormalization(-1)),
    "layer norm": unary(layers.LayerNormalization),
    "layer norm without a scale": unary(
        lambda: layers.LayerNormalization(scale=False), 0
    ),
    "layer norm of rows": unary(lambda: layers.LayerNormalization(2), 0),
    "rms norm": unary(layers.RMSNormalization),
    "softmax": unary(layers.Softmax, 0),
    "prelu": unary(layers.PReLU),
    "leaky": unary(layers.LeakyReLU),
    "gelu": unary(lambda: layers.Activation("gelu")),
    "dropout": unary(lambda: layers.SpatialDropout2D(0.5)),
    "rescaling": unary(lambda: layers.Rescaling(2.0)),
    "padding": unary(lambda: layers.ZeroPadding2D(((0, 1), (2, 0)))),
    "pad": unary(
        lambda: lambda x: ops.pad(x, ((0, 0), (1, 0), (2, 1), (0, 0)))
    ),
    "pad by ones": unary(
        lambda: (
            lambda x: ops.pad(
                x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=1.0
            )
        ),
        0,
    ),
    "pad by reflection": unary(
        lambda: (
            lambda x: ops.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), "reflect")
        )
    ),
    "channels added": unary(
        lambda: lambda x: ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, 2)))
    ),
    "channels reflected": unary(
        lambda: (
            lambda x: ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, 2)), "reflect")
        ),
        0,
    ),
    "cropping": unary(lambda: layers.Cropping2D(1)),
    "bilinear": unary(lambda: layers.UpSampling2D(interpolation="bilinear")),
    "flip": unary(lambda: lambda x: ops.flip(x, axis=-1)),
    "roll": unary(lambda: lambda x: ops.roll(x, 2, axis=1)),
    "roll of channels": unary(lambda: lambda x: ops.roll(x, 2, axis=-1), 0),
    "backwards": unary(lambda: lambda x: x[..., ::-1]),
    "every second pixel": unary(lambda: lambda x: x[..., ::2, ::2, :]),
    "every second channel": unary(lambda: lambda x: x[..., ::2], 0),
    "one channel": unary(lambda: lambda x: x * x[..., 1, None], 5),
    "new axis": unary(lambda: lambda x: ops.mean(x[:, None], axis=1)),
    "some rows": unary(lambda: lambda x: ops.take(x, [1, 4, 2], axis=1)),
    "resizing": unary(lambda: layers.Resizing(5, 7)),
    "resize": unary(lambda: lambda x: ops.image.resize(x, (12, 5), "bicubic")),
    "max pool": unary(lambda: lambda x: ops.max_pool(x, 2, padding="same")),
    "average pool": unary(lambda: lambda x: ops.average_pool(x, 3)),
    "adaptive": unary(lambda: layers.AdaptiveAveragePooling2D(3)),
    "adaptive max": unary(lambda: layers.AdaptiveMaxPooling2D((2, 5))),
    "sums of rows": unary(lambda: lambda x: ops.cumsum(x, axis=1)),
    "sorted": unary(lambda: lambda x: ops.sort(x, axis=2)),
    "deviation": unary(
        lambda: lambda x: x - ops.std(x, axis=(1, 2), keepdims=True)
    ),
    "logarithm": unary(lambda: lambda x: ops.log(1 + ops.square(x))),
    "stop gradient": unary(lambda: ops.stop_gradient),
    "glu": unary(lambda: lambda x: ops.glu(x, axis=-1), 3),
    "normalization": unary(layers.Normalization),
    "of all channels": unary(
        lambda: lambda x: x - ops.mean(x, axis=-1, keepdims=True), 0
    ),
}
