"""The zeros that `padding="same"` adds."""

from __future__ import annotations


def zeros(size: int | None, reach: int, stride: int) -> tuple[int, int]:
    """How many zeros come before and behind one axis of an image.

    The odd one is behind, as in TensorFlow.

    Args:
        size: Integer. None where it is not known, which takes a stride of 1.
        reach: Integer, how far it is from a filter's first tap to its last,
            `(kernel_size - 1) * dilation_rate`.
        stride: Integer.
    """
    beyond = (size - 1) % stride if size is not None and stride > 1 else 0
    needed = max(reach - beyond, 0)
    return needed // 2, needed - needed // 2
