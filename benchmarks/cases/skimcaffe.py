"""The sparsities that SkimCaffe published, layer by layer.

References:
    Park et al. Faster CNNs with Direct Sparse Convolutions and Guided
    Pruning. ICLR 2017, and the models released with it.
"""

from __future__ import annotations

from tfprune.utils import validation

_CAFFENET = {
    "conv2": 0.856455,
    "conv3": 0.931,
    "conv4": 0.91808,
    "conv5": 0.884903,
    "fc6": 0.902809,
    "fc7": 0.843741,
    "fc8": 0.738236,
}
_MODULES = {  # 3x3 and 5x5.
    "3a": (0.900861, 0.845625),
    "3b": (0.904699, 0.885482),
    "4a": (0.87968, 0.837604),
    "4b": (0.961057, 0.873958),
    "4c": (0.948968, 0.880052),
    "4d": (0.924134, 0.903867),
    "4e": (0.986999, 0.94416),
    "5a": (0.962437, 0.933984),
    "5b": (0.949538, 0.948717),
}
_GOOGLENET = {
    "conv2_3x3": 0.816533,
    **{
        f"inception_{module}_{size}": sparsity
        for module, both in _MODULES.items()
        for size, sparsity in zip(("3x3", "5x5"), both, strict=True)
    },
    "loss3_classifier": 0.906519,
}
_BLOCKS = {  # The 3x3 convolutions.
    2: (0.880046, 0.839708, 0.807943),
    3: (0.917562, 0.919101, 0.955024, 0.911343),
    4: (0.965534, 0.974677, 0.971471, 0.967648, 0.968435, 0.968374),
    5: (0.977809, 0.980271, 0.979203),
}
_RESNET50 = {
    **{
        f"conv{stage}_block{block}_2_conv": sparsity
        for stage, sparsities in _BLOCKS.items()
        for block, sparsity in enumerate(sparsities, 1)
    },
    "predictions": 0.915099,
}
_NETS = {
    "caffenet": _CAFFENET,
    "googlenet": _GOOGLENET,
    "resnet50": _RESNET50,
}


def sparsities(net: str) -> dict[str, float]:
    """Returns the sparsity of each layer that they pruned.

    Args:
        net: String, key of `tfprune.applications.MODELS`.

    Raises:
        ValueError: for a net of which they published none.
    """
    if net not in _NETS:
        raise ValueError(validation.unknown("model", net, _NETS))
    return _NETS[net]
