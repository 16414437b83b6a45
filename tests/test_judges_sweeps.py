"""Each way to walk over an array is counted, and what only looks at it is not."""

import numpy as np
import pytest

from bnlib.judges.sweeps import count_sweeps

X = np.arange(24.0).reshape(2, 3, 4)


def fill(x):
    x.fill(1.0)


def fill_new(x):
    np.empty_like(x).fill(1.0)


def assign(x):
    x[...] = 0.0


def assign_array(x):
    np.empty_like(x)[...] = x


def assign_part(x):
    x[0, 0, 0] = 5.0


def write_into(x):
    out = np.empty_like(x)
    np.add(x, x * 2, out=out)


WALKS = {  # (reads, writes), counted on paper
    "sum": (lambda x: x.sum(), (1, 0)),
    "mean along axes": (lambda x: np.mean(x, axis=(0, 2)), (1, 0)),
    "difference": (lambda x: x - x.mean(axis=0), (2, 1)),
    "product with itself": (lambda x: x * x, (1, 1)),
    "product of two": (lambda x: x * (x + 1), (3, 2)),
    "ones_like": (np.ones_like, (0, 1)),
    "zeros_like": (np.zeros_like, (0, 1)),
    "full_like": (lambda x: np.full_like(x, 7), (0, 1)),
    "copy": (lambda x: x.copy(), (1, 1)),
    "np.copy": (np.copy, (1, 1)),
    "fill": (fill, (0, 1)),
    "fill a new array": (fill_new, (0, 1)),
    "assign a number": (assign, (0, 1)),
    "assign an array": (assign_array, (1, 1)),
    "copyto": (lambda x: np.copyto(np.empty_like(x), x), (1, 1)),
    "where": (lambda x: np.where(x > 3, x, 0.0), (3, 2)),
    "einsum": (lambda x: np.einsum("nch->c", x), (1, 0)),
    "vdot": (lambda x: np.vdot(x, x + 1), (3, 1)),
    "halves joined": (lambda x: np.concatenate([x[:1], x[1:]]), (0, 1)),
    "out=": (write_into, (3, 2)),
    "what is made is counted in turn": (lambda x: np.ones_like(x) * x.copy(), (3, 3)),
}
FREE = {
    "shape": lambda x: x.shape,
    "reshape": lambda x: x.reshape(6, 4),
    "transpose": lambda x: np.moveaxis(x, 1, -1),
    "broadcast": lambda x: np.broadcast_to(x, (5, *x.shape)),
    "an array not yet written": np.empty_like,
    "one entry": assign_part,
    "small results": lambda x: np.sqrt(x[0, 0] + 1),
}


@pytest.mark.parametrize("name", WALKS)
def test_walk_is_counted(name):
    walk, expected = WALKS[name]
    assert count_sweeps(walk, X) == expected


@pytest.mark.parametrize("name", FREE)
def test_what_does_not_walk_is_free(name):
    assert count_sweeps(FREE[name], X).total == 0


def test_array_of_the_caller_stays_as_it_is():
    before = X.copy()
    count_sweeps(fill, X)
    assert np.array_equal(X, before)


def test_values_are_what_they_are_without_counting():
    seen = []
    count_sweeps(lambda x: seen.append(np.where(x > 3, np.ones_like(x), x.copy())), X)
    assert np.array_equal(seen[0], np.where(X > 3, 1.0, X))


def test_all_arrays_given_are_counted():
    def product(x, gamma, dout):
        return dout.sum(), np.ones_like(dout) * gamma * x, gamma * gamma

    assert count_sweeps(product, X, np.arange(4.0), X + 1) == (1 + 3, 3)


def test_array_from_outside_is_counted_where_it_meets_one_that_was_given():
    def meets(x):
        return X * x, X.sum()

    assert count_sweeps(meets, X) == (2, 1)
