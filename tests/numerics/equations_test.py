"""Sums of products, against einsum."""

import numpy as np
import pytest

from tfprune.numerics import equations

# Equation, shapes of the input and of the kernel.
MATRICES = [
    ("abc,cde->abde", (2, 3, 4), (4, 5, 6)),
    ("abcd,cde->abe", (2, 3, 4, 5), (4, 5, 6)),
    ("abcd,edc->abe", (2, 3, 4, 5), (6, 5, 4)),
    ("...x,xy->...y", (2, 3, 4), (4, 5)),
    ("ab...,bc->ac...", (2, 3, 4), (3, 5)),
    ("abc,dce->aebd", (2, 3, 4), (5, 4, 6)),
    (" abc , cd -> abd ", (2, 3, 4), (4, 5)),
]


def arrays(*shapes):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize(("equation", "given", "kernel"), MATRICES)
def test_products_of_two_kernels_are_one_product(equation, given, kernel):
    product = equations.Product(equation, len(given))
    assert product.why_no_matrix() is None
    sizes = product.sizes(kernel)
    read, own = ([sizes[x] for x in y] for y in (product.read, product.own))
    x, left, right = arrays(given, (*read, 2), (2, *own))
    matrix = left.reshape(-1, 2) @ right.reshape(2, -1)
    first, last = product.split("z")
    found = np.einsum(last, np.einsum(first, x, left), right)
    whole = matrix.reshape(*read, *own)
    order = [*product.read, *product.own]
    whole = whole.transpose([order.index(token) for token in product.kernel])
    np.testing.assert_allclose(found, np.einsum(equation, x, whole))
    np.testing.assert_allclose(product.matrix(whole), matrix)


@pytest.mark.parametrize(
    ("equation", "why"),
    [
        ("abc,bcd->abd", "both read and made"),
        ("abc,b->ac", "no matrix"),
        ("abc,d->abcd", "no matrix"),
        ("abc,cd->ad", "summed without it"),
        ("abc,abd->d", "summed without it"),
        ("abc,abcd->d", "first axis"),
    ],
)
def test_kernels_that_are_no_matrix(equation, why):
    assert why in equations.Product(equation, 3).why_no_matrix()


@pytest.mark.parametrize(
    ("equation", "partial", "sizes"),
    [
        ("abc,cde->abde", (None, 5, 6), {"b": None, "d": 5, "e": 6}),
        ("...x,xy->...y", (5,), {"y": 5}),
        ("ab...,bc->ac...", (5,), {"c": 5}),
    ],
)
def test_what_a_layer_is_told_of_its_output(equation, partial, sizes):
    product = equations.Product(equation, 3)
    assert product.made_sizes(partial) == sizes


def test_a_bias_of_some_axes_is_a_number_for_each_column():
    product = equations.Product("abc,cde->abed", 3)
    (bias,) = arrays((1, 5))
    found = product.vector(bias, (4, 5, 6))
    expected = np.broadcast_to(bias[0][:, None], (5, 6)).ravel()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("equation", ["ab,bc", "abc->ac", "ab,bc,cd->ad"])
def test_equations_of_other_tensors(equation):
    with pytest.raises(ValueError, match="`equation` must tell"):
        equations.terms(equation, [2, 2])
