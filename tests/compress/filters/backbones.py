"""Backbones of KerasHub, small, with random weights and a head of their own.

python -m tests.compress.filters.backbones > results/backbones.md
"""

import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
from keras import layers

import tfprune
from tests.compress.filters import zoo
from tfprune.compress.filters import blocks
from tfprune.compress.filters import channel_graph
from tfprune.compress.filters import removal_plan
from tfprune.compress.filters import zero
from tfprune.compress.filters.operations import registry
from tfprune.graph import examples
from tfprune.graph import opening

_TEXT = {
    "vocabulary_size": 50,
    "num_layers": 2,
    "hidden_dim": 32,
    "intermediate_dim": 48,
}
_HEADS = {**_TEXT, "num_heads": 4}
_GROUPS = {**_TEXT, "num_query_heads": 4, "num_key_value_heads": 2}
_IMAGE = {"image_shape": (32, 32, 3)}
_VIT = {
    **_IMAGE,
    "patch_size": 8,
    "num_layers": 2,
    "num_heads": 4,
    "hidden_dim": 32,
}
CONFIGS = {
    "ResNet": {
        **_IMAGE,
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 32],
        "stackwise_num_blocks": [2, 2],
        "stackwise_num_strides": [1, 2],
        "block_type": "bottleneck_block",
    },
    "VGG": {
        **_IMAGE,
        "stackwise_num_repeats": [1, 2, 2],
        "stackwise_num_filters": [8, 16, 16],
    },
    "Xception": {
        **_IMAGE,
        "stackwise_conv_filters": [[8, 16], [16, 24], [24, 24]],
        "stackwise_pooling": [True, True, False],
    },
    "DenseNet": {
        **_IMAGE,
        "stackwise_num_repeats": [2, 2, 2],
        "growth_rate": 8,
    },
    "CSPNet": {
        **_IMAGE,
        "stem_filters": 8,
        "stem_kernel_size": 3,
        "stem_strides": 1,
        "stackwise_depth": [1, 2],
        "stackwise_strides": [1, 2],
        "stackwise_num_filters": [8, 16],
        "block_type": "dark_block",
        "stage_type": "dark",
    },
    "MobileNet": {
        **_IMAGE,
        "stackwise_expansion": [[16, 24], [24, 32]],
        "stackwise_num_blocks": [2, 2],
        "stackwise_num_filters": [[8, 8], [16, 16]],
        "stackwise_kernel_size": [[3, 3], [5, 5]],
        "stackwise_num_strides": [[2, 1], [2, 1]],
        "stackwise_se_ratio": [[None, None], [0.25, 0.25]],
        "stackwise_activation": [["relu", "relu"], ["hard_swish"] * 2],
        "stackwise_padding": [[1, 1], [2, 2]],
        "output_num_filters": 32,
        "input_activation": "hard_swish",
        "output_activation": "hard_swish",
        "input_num_filters": 8,
        "depthwise_filters": 8,
        "depthwise_stride": 2,
        "depthwise_residual": False,
        "squeeze_and_excite": 0.5,
        "last_layer_filter": 32,
    },
    "EfficientNet": {
        "input_shape": (32, 32, 3),
        "stackwise_kernel_sizes": [3, 3],
        "stackwise_num_repeats": [2, 2],
        "stackwise_input_filters": [8, 8],
        "stackwise_output_filters": [8, 16],
        "stackwise_expansion_ratios": [1, 4],
        "stackwise_squeeze_and_excite_ratios": [0.0, 0.25],
        "stackwise_strides": [1, 2],
        "stackwise_block_types": ["fused", "unfused"],
        "stackwise_width_coefficients": [1.0, 1.0],
        "stackwise_depth_coefficients": [1.0, 1.0],
        "num_features": 32,
    },
    "HGNetV2": {
        **_IMAGE,
        "depths": [1, 1],
        "embedding_size": 8,
        "hidden_sizes": [16, 32],
        "stem_channels": [3, 8, 8],
        "hidden_act": "relu",
        "use_learnable_affine_block": False,
        "stackwise_stage_filters": [(8, 8, 16, 1, 1, 3), (16, 8, 32, 1, 1, 3)],
        "apply_downsample": [False, True],
        "use_lightweight_conv_block": [False, False],
    },
    "MiT": {
        **_IMAGE,
        "layerwise_depths": [1, 1],
        "num_layers": 2,
        "layerwise_num_heads": [1, 2],
        "layerwise_sr_ratios": [2, 1],
        "max_drop_path_rate": 0.1,
        "layerwise_patch_sizes": [7, 3],
        "layerwise_strides": [4, 2],
        "hidden_dims": [16, 32],
    },
    "ViT": {**_VIT, "mlp_dim": 48},
    "DeiT": {**_VIT, "intermediate_dim": 48},
    "Bert": _HEADS,
    "DistilBert": _HEADS,
    "Roberta": _HEADS,
    "XLMRoberta": _HEADS,
    "Albert": {**_HEADS, "embedding_dim": 16},
    "FNet": _TEXT,
    "GPT2": _HEADS,
    "OPT": _HEADS,
    "GPTNeoX": _HEADS,
    "Bloom": _HEADS,
    "Bart": _HEADS,
    "Whisper": {**_HEADS, "num_mels": 8, "max_encoder_sequence_length": 64},
    "T5": _HEADS,
    "Gemma": {**_GROUPS, "head_dim": 8},
    "Llama": _GROUPS,
    "Mistral": _GROUPS,
    "Qwen": _GROUPS,
    "Qwen3": {**_GROUPS, "head_dim": 8, "sliding_window_size": None},
    "Phi3": _GROUPS,
}
# How their variables are named, and along which axis they lie.
PARTS = {
    "heads": ("value/kernel", 1),
    "feed-forward units": ("feedforward_intermediate_dense/kernel", 1),
    "hidden size": ("token_embedding/embeddings", 1),
}
TRANSFORMERS = ("Bert", "GPT2", "Llama")
_HEAD = """\
# Backbones of KerasHub: what of them may go

Small ones, from a config, with random weights, and a `Dense` layer of four
units on what they give, averaged. *may go*: the share of parameters that
belong to a channel, a head or a block that may be removed. *parameters* and
*MACs left*: with half of each group of channels zero and removed. *equal*: the
smaller model gives what the one with zeros gives. *loads*: its file loads in a
process that does not import tfprune.

Made by `python -m tests.compress.filters.backbones > results/backbones.md`.
"""
_LOAD = """
import sys
import keras_hub
import keras
import numpy as np
model = keras.models.load_model(sys.argv[1])
data = np.load(sys.argv[2])
inputs = [data[f"x{i}"] for i in range(len(model.inputs))]
packed = keras.tree.pack_sequence_as(model.input, inputs)
wrong = np.max(np.abs(keras.ops.convert_to_numpy(model(packed)) - data["y"]))
assert wrong <= 1e-4 * np.max(np.abs(data["y"])), wrong
assert "tfprune" not in sys.modules
"""


def build(name: str) -> keras.Model:
    """A backbone with a head, every variable with a value of its own."""
    import keras_hub

    kind = getattr(keras_hub.models, f"{name}Backbone")
    keras.utils.set_random_seed(0)
    backbone = kind(**CONFIGS[name])
    outputs = backbone.output
    if isinstance(outputs, dict):
        *_, outputs = (x for x in outputs.values() if len(x.shape) > 2)
    pool = {3: layers.GlobalAveragePooling1D, 4: layers.GlobalAveragePooling2D}
    if len(outputs.shape) in pool:
        outputs = pool[len(outputs.shape)]()(outputs)
    outputs = layers.Dense(4, name="head")(outputs)
    return zoo.randomize(keras.Model(backbone.input, outputs))


def row(name: str) -> list[str]:
    """The line of a backbone in the table."""
    model = build(name)
    zeroed = zero.zero_filters(model, 0.5)
    found = tfprune.remove_filters(zeroed)
    total = found.plan.total
    return [
        name,
        f"{total.before.parameters:,}",
        f"{_may_go(model):.0%}",
        f"{total.after.parameters / total.before.parameters:.0%}",
        f"{total.after.macs / max(total.before.macs, 1):.0%}",
        "yes",  # `remove_filters` raises otherwise.
        _loads(zeroed, found.model),
    ]


def _may_go(model):
    """The share of parameters that lie on a channel that may be removed."""
    opened = opening.open_composites(model, registry.is_known)
    graph = removal_plan.plan_removal(opened.model).graph
    held = {}
    for axis in graph.axes:
        shape = axis.variable.shape
        stays = held.setdefault(
            id(axis.variable), np.ones([1] * len(shape), bool)
        )
        own = ~graph.free[axis.channels]
        own = own.reshape(
            [-1 if i == axis.axis else 1 for i in range(len(shape))]
        )
        held[id(axis.variable)] = stays & own
    kept = sum(
        np.broadcast_to(held[id(x)], x.shape).sum()
        if id(x) in held
        else int(np.prod(x.shape))
        for x in opened.model.weights
    )
    return 1 - kept / sum(int(np.prod(x.shape)) for x in opened.model.weights)


def parts(name: str) -> list[str]:
    """What of a transformer's parts may go: the line of the second table."""
    opened = opening.open_composites(build(name), registry.is_known)
    graph = channel_graph.channel_graph(opened.model)
    cells = [name]
    for path, place in PARTS.values():
        own = np.unique(
            np.concatenate(
                [
                    axis.channels
                    for axis in graph.axes
                    if axis.variable.path.endswith(path) and axis.axis == place
                ]
            )
        )
        cells.append(f"{graph.free[own].sum()} of {own.size}")
    count = len(blocks.blocks(graph))
    additions = 2 * CONFIGS[name]["num_layers"]
    return [*cells, f"{count} of {additions}"]


def _loads(zeroed, small):
    inputs = examples.random(zeroed)
    expected = keras.ops.convert_to_numpy(examples.call(zeroed, *inputs))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        small.save(path / "small.keras")
        arrays = {f"x{i}": x for i, x in enumerate(inputs)}
        np.savez(path / "data.npz", y=expected, **arrays)
        command = [sys.executable, "-c", _LOAD]
        ends = [str(path / "small.keras"), str(path / "data.npz")]
        done = subprocess.run(command + ends, capture_output=True, text=True)
    return done.stderr.strip().splitlines()[-1] if done.returncode else "yes"


def main(names):
    heads = ["backbone", "parameters", "may go", "parameters left"]
    heads += ["MACs left", "equal", "loads"]
    print(_HEAD)
    print("| " + " | ".join(heads) + " |")
    print("|---" * len(heads) + "|")
    _rows(names or CONFIGS)
    print("\nWhat of the parts of transformers may go:\n")
    heads = ["backbone", *PARTS, "blocks"]
    print("| " + " | ".join(heads) + " |")
    print("|---" * len(heads) + "|")
    for name in TRANSFORMERS:
        print("| " + " | ".join(parts(name)) + " |")


def _rows(names):
    for name in names:
        try:
            cells = row(name)
        except Exception as error:  # Whatever keeps it from being measured.
            reason = str(error).splitlines()[0][:90]
            cells = [name, f"{type(error).__name__}: {reason}", *["-"] * 5]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
