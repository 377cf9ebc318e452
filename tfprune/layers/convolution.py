"""What layers of convolutions check alike."""

from __future__ import annotations

import keras

from tfprune.utils import validation


def check(filters: int, padding: str, groups: int = 1) -> None:
    """Raises for what no convolution can be.

    Args:
        filters: Integer from 1 on.
        padding: `"valid"` or `"same"`.
        groups: Integer from 1 on.
    """
    for name, count in (("filters", filters), ("groups", groups)):
        validation.check_count(name, count, least=1)
    known = padding in ("valid", "same")
    validation.check("padding", padding, known, "'valid' or 'same'")


def channels_of_group(channels: int, filters: int, groups: int) -> int:
    """How many channels each filter reads, or raises."""
    divides = channels % groups == 0 == filters % groups
    expected = f"a divisor of {channels} channels and {filters} filters"
    validation.check("groups", groups, divides, expected)
    return channels // groups


def sizes(layer) -> tuple[int, int, int]:
    """The channels, filters and groups of a built convolution.

    Args:
        layer: Layer with a kernel of 4 axes; a `DepthwiseConv2D` has a group
            for each channel.
    """
    inputs, outputs = layer.kernel.shape[2:]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return inputs, inputs * outputs, inputs
    return inputs * layer.groups, outputs, layer.groups
