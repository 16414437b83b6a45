"""Convolution and pooling: the values by loops, the gradients by differences."""

from itertools import product

import numpy as np
import pytest

from bnlib.judges.gradcheck import check_gradients, compare_gradients
from bnlib.training.convolution import convolve, convolve_backward, pool, pool_backward


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def convolution_by_loops(x, weight, bias):
    out = np.empty((len(x), len(weight), *x.shape[2:]))
    for n, c, h, w in np.ndindex(out.shape):
        out[n, c, h, w] = bias[c]
        for k, i, j in np.ndindex(weight.shape[1:]):
            row, column = h + i - weight.shape[2] // 2, w + j - weight.shape[3] // 2
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                out[n, c, h, w] += weight[c, k, i, j] * x[n, k, row, column]
    return out


@pytest.mark.parametrize("filters", [(4, 3, 3, 3), (4, 3, 1, 5)])
def test_convolution_agrees_with_the_loops(filters):
    x, weight, bias = drawn(2, 3, 5, 6), drawn(*filters, seed=1), drawn(4, seed=2)
    # Rounding of sums of 27 products of size 1.
    np.testing.assert_allclose(
        convolve(x, weight, bias), convolution_by_loops(x, weight, bias), rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("filters", [(4, 3, 3, 3), (4, 3, 1, 5)])
def test_convolutions_gradients_are_right(filters):
    x, weight, dout = drawn(2, 3, 5, 6), drawn(*filters, seed=1), drawn(2, 4, 5, 6, seed=3)
    arguments = {"x": x, "weight": weight, "bias": drawn(4, seed=2)}
    check_gradients(convolve, arguments, dout, convolve_backward(dout, x, weight))


def test_filters_that_are_not_turned_give_a_wrong_gradient():
    x, weight, dout = drawn(2, 3, 5, 6), drawn(3, 3, 3, 3, seed=1), drawn(2, 3, 5, 6, seed=3)
    unturned = convolve(dout, weight.swapaxes(0, 1), np.zeros(3))
    found = compare_gradients(lambda x: convolve(x, weight, np.zeros(3)), x, dout, unturned)
    assert found.verdict == "wrong"


def test_pooling_takes_the_largest_of_four_and_its_gradient_is_right():
    x, dout = drawn(2, 3, 4, 6), drawn(2, 3, 2, 3, seed=1)
    for n, c, h, w in product(range(2), range(3), range(2), range(3)):
        assert pool(x)[n, c, h, w] == x[n, c, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2].max()
    check_gradients(pool, x, dout, pool_backward(dout, x))


def test_values_that_tie_share_the_gradient_of_pooling():
    x = np.zeros((1, 1, 2, 4))
    x[..., :2, 2] = 5
    dx = pool_backward(np.array([[[[4.0, 6.0]]]]), x)
    assert dx.tolist() == [[[[1, 1, 3, 0], [1, 1, 3, 0]]]]
