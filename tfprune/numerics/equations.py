"""equations: sums of products, as those of einsum, and kernels in them."""

from __future__ import annotations

import math

import numpy as np


def terms(equation: str, ranks: list[int]) -> list[list]:
    """The axes of each tensor of an equation, those of the result last.

    Args:
        equation: String, as `"...ab,bc->...ac"`.
        ranks: List of integers, of the tensors that it takes.

    Returns:
        List of lists of letters, and of negative integers for the dots.

    Raises:
        ValueError: for an equation without an arrow, or of other tensors.
    """
    parts, made = _parts(equation)
    if made is None or len(parts) != len(ranks):
        raise ValueError(
            f"`equation` must tell what it makes of {len(ranks)} tensors, as "
            f"`ab,bc->ac`. Received: {equation!r}"
        )
    dots = [
        rank - len(part.replace("...", ""))
        for rank, part in zip(ranks, parts, strict=True)
    ]
    return [
        _axes(part, count)
        for part, count in zip([*parts, made], [*dots, max(dots)], strict=True)
    ]


class Product:
    """A tensor times a kernel: the axes of both, and of what they make.

    Where the kernel is a matrix, its columns here are the axes that it makes,
    in its own order, and its rows those that are summed over.

    Args:
        equation: String, of two tensors; the second one is the kernel.
        rank: Integer, of the first.
    """

    def __init__(self, equation: str, rank: int):
        parts, self._made_part = _parts(equation)
        letters = len(parts[-1])
        self.given, self.kernel, self.made = terms(equation, [rank, letters])
        self._given_part = parts[0]
        self.read = [token for token in self.kernel if token in self.given]
        self.own = [token for token in self.kernel if token not in self.given]

    def why_no_matrix(self) -> str | None:
        """Why the kernel is not a matrix for every row of the inputs."""
        if set(self.read) & set(self.made):
            return "its kernel has an axis that is both read and made"
        if not self.own or not set(self.own) <= set(self.made):
            return "its kernel is no matrix"
        if not self.read:
            return "its kernel is no matrix"
        if set(self.given) - set(self.kernel) - set(self.made):
            return "an axis of its inputs is summed without it"
        if self.made[0] in self.kernel:
            return "it makes the first axis, that of the batch"
        return None

    def matrix(self, kernel: np.ndarray) -> np.ndarray:
        """The kernel as a matrix, `(read, own)`."""
        sizes = self.sizes(kernel.shape)
        order = [self.kernel.index(token) for token in [*self.read, *self.own]]
        columns = math.prod(sizes[token] for token in self.own)
        return kernel.transpose(order).reshape(-1, columns)

    def vector(self, bias: np.ndarray, shape: tuple) -> np.ndarray:
        """A bias, `(own,)`.

        Args:
            bias: Array, as it is added to what the equation makes.
            shape: Tuple, of the kernel.
        """
        bias = bias.reshape((1,) * (len(self.made) - bias.ndim) + bias.shape)
        order = [self.made.index(token) for token in self.own]
        others = [i for i in range(len(self.made)) if i not in order]
        bias = bias.transpose(others + order)
        bias = bias.reshape(bias.shape[len(others) :])
        sizes = self.sizes(shape)
        return np.broadcast_to(bias, [sizes[x] for x in self.own]).ravel()

    def sizes(self, shape: tuple) -> dict:
        """The size of each axis of the kernel."""
        return dict(zip(self.kernel, shape, strict=True))

    def made_sizes(self, partial: tuple) -> dict:
        """The size of each axis that is made, but the batch and the dots.

        Args:
            partial: Tuple of integers or None, as `keras.layers.EinsumDense`
                takes its `output_shape`: nothing of what the dots stand for.
        """
        letters = [token for token in self.made if isinstance(token, str)]
        return dict(zip(letters[-len(partial) :], partial, strict=True))

    def split(self, name: str) -> tuple[str, str]:
        """The equations of two products whose kernels have an axis between.

        Args:
            name: String, the letter of that axis.
        """
        first, *_ = (x for x in self._made_part if x in self.own)
        between = self._made_part.replace(first, name)
        between = "".join(x for x in between if x not in self.own)
        read, own = "".join(self.read), "".join(self.own)
        return (
            f"{self._given_part},{read}{name}->{between}",
            f"{between},{name}{own}->{self._made_part}",
        )


def why_no_matrix(layer) -> str | None:
    """Why a built layer is no matrix and a number for each of its columns."""
    product = of(layer)
    if set(layer.bias_axes or "") - set(product.own):
        return "its bias is not a number for each output of the kernel"
    return product.why_no_matrix()


def of(layer) -> Product:
    """The product of a built layer, which has an `equation` and a kernel."""
    shape = layer.get_build_config()["input_shape"]
    return Product(layer.equation, len(shape))


def _parts(equation):
    taken, arrow, made = equation.replace(" ", "").partition("->")
    return taken.split(","), made if arrow else None


def _axes(part, count):
    before, dots, after = part.partition("...")
    return [*before, *(range(-count, 0) if dots else ()), *after]
