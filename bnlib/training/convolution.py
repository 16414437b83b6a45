"""Convolution and pooling for small networks: forward, and the adjoint backward.

Arrays are (N, C, H, W). Nothing is checked here, and nothing is fast but the matrix product.
"""

import numpy as np


def convolve(x, weight, bias):
    """Return the cross-correlation of x with odd filters, of x's height and width, plus a bias.

    out[n, c, h, w] = bias[c] + sum_kij weight[c, k, i, j] * padded[n, k, h + i, w + j]

    Parameters
    ----------
    x : array, (N, C_in, H, W)
        Padded with zeros all around.
    weight : array, (C, C_in, KH, KW)
        KH and KW odd.
    bias : array, (C,)

    Returns
    -------
    array, (N, C, H, W)

    Examples
    --------
    >>> shift_down = np.array([[[[0.0, 1, 0], [0, 0, 0], [0, 0, 0]]]])
    >>> convolve(np.array([[[[1.0, 2], [3, 4]]]]), shift_down, np.array([10.0]))
    array([[[[10., 10.],
             [11., 12.]]]])
    """
    n, _, height, width = x.shape
    out = _patches(x, weight.shape) @ weight.reshape(len(weight), -1).T + bias
    return np.moveaxis(out.reshape(n, height, width, -1), -1, 1)


def windows(x, height, width):
    """Return a view of every window of this size: (N, C, H - height + 1, W - width + 1, ...)."""
    return np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(2, 3))


def convolve_backward(dout, x, weight):
    """Return dx, dweight and dbias of `convolve`."""
    return input_gradient(dout, weight), *filter_gradients(dout, x, weight)


def input_gradient(dout, weight):
    """Return dx of `convolve`: dout convolved with the filters turned by 180 degrees.

    Every filter value meets a patch of x at each place, and sends its part of dout back there.
    """
    turned = np.flip(weight, (2, 3)).swapaxes(0, 1)
    return convolve(dout, turned, np.zeros(len(turned)))


def filter_gradients(dout, x, weight):
    """Return dweight and dbias of `convolve`."""
    rows = np.moveaxis(dout, 1, -1).reshape(-1, len(weight))
    dweight = rows.T @ _patches(x, weight.shape)
    return dweight.reshape(weight.shape), rows.sum(axis=0)


def pool(x):
    """Return the largest value of every 2 x 2 block: (N, C, H, W) to (N, C, H / 2, W / 2)."""
    return _blocks(x).max(axis=(3, 5))


def pool_backward(dout, x):
    """Return dx of `pool`: a block's gradient goes to its largest value.

    Blank paper makes equal values. They share the gradient, which is thus counted once.
    """
    largest = _blocks(x) == pool(x)[:, :, :, None, :, None]
    shares = largest / largest.sum(axis=(3, 5), keepdims=True)
    return (shares * dout[:, :, :, None, :, None]).reshape(x.shape)


def _blocks(x):
    """Return x (N, C, H, W), H and W even, as (N, C, H / 2, 2, W / 2, 2)."""
    n, c, height, width = x.shape
    return x.reshape(n, c, height // 2, 2, width // 2, 2)


def _patches(x, shape):
    """Return, for every place of x, the values under a filter of this shape: a row for each."""
    _, c, kh, kw = shape
    n, _, height, width = x.shape
    padded = np.zeros((n, c, height + kh - 1, width + kw - 1), x.dtype)  # np.pad is slow
    padded[:, :, kh // 2 : kh // 2 + height, kw // 2 : kw // 2 + width] = x
    return np.moveaxis(windows(padded, kh, kw), 1, 3).reshape(-1, c * kh * kw)
