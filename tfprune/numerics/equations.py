"""equations: the axes that sums of products name, as those of einsum."""

from __future__ import annotations


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
    taken, arrow, made = equation.replace(" ", "").partition("->")
    parts = taken.split(",")
    if not arrow or len(parts) != len(ranks):
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


def _axes(part, count):
    before, dots, after = part.partition("...")
    return [*before, *(range(-count, 0) if dots else ()), *after]
