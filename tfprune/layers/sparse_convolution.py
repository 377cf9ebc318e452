"""SparseConvolution: what convolutions with sparse weights have in common."""

from __future__ import annotations

import keras

from tfprune.layers import convolution
from tfprune.layers import sparse


class SparseConvolution(sparse.Sparse):
    """Keeps filters as rows of a sparse matrix, for `channels_last`.

    Subclasses say in `_taps` how many weights a filter has for a channel.

    Args:
        filters: Integer, number of outputs.
        kernel_size: As the subclass has it.
        nonzeros: Integer, how many weights are kept.
        padding: `"valid"` or `"same"`.
        groups: Integer.
        **kwargs: Of `Sparse`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size,
        nonzeros: int,
        padding: str,
        groups: int,
        **kwargs,
    ):
        super().__init__(nonzeros, **kwargs)
        convolution.check(filters, padding, groups)
        self.filters = filters
        self.kernel_size = kernel_size
        self.padding = padding
        self.groups = groups

    @classmethod
    def _replacing_convolution(cls, layer, values_dtype, **geometry):
        """A layer that computes what a dense one does.

        Args:
            layer: The built layer.
            values_dtype: String, how values are stored.
            **geometry: Arguments of the sparse layer that others lack.
        """
        channels, filters, groups = convolution.sizes(layer)
        return cls._replacing(
            layer,
            values_dtype,
            (None, None, None, channels),
            filters=filters,
            kernel_size=layer.kernel_size,
            padding=layer.padding,
            groups=groups,
            **geometry,
        )

    def build(self, input_shape):
        channels = input_shape[-1]
        inputs = convolution.channels_of_group(
            channels, self.filters, self.groups
        )
        self._add_weights(self.filters, self._taps() * inputs)
        self.input_spec = keras.InputSpec(ndim=4, axes={-1: channels})

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "groups": self.groups,
        }

    def _taps(self) -> int:
        raise NotImplementedError
