"""The walk through five arrays, compiled: it needs Numba."""

from numba import njit, prange


@njit(parallel=True, cache=True)
def walk(x, dout, y, dx):
    """Set y = x + 1 and dx = x + dout, as a forward and a backward pass must at least."""
    for n in prange(x.shape[0]):
        for i in range(x.shape[1]):
            y[n, i] = x[n, i] + 1
    for n in prange(x.shape[0]):
        for i in range(x.shape[1]):
            dx[n, i] = x[n, i] + dout[n, i]
