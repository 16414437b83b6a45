"""The relatives: layer, instance and group norm, which average within each image.

They are batch norm over other axes, with the same gamma and beta of each channel. An image does
not affect another, so the same function serves training and inference, and there are no running
statistics. Pure functions, with the dtypes of `bnlib.layers`.
"""

from typing import NamedTuple

import numpy as np

from bnlib import contract, normalize


class Cache(NamedTuple):
    """What a forward pass keeps for its backward pass."""

    normalized: normalize.Cache
    dtype: np.dtype  # of x, and so of every result
    shape: tuple[int, ...]  # of x; group norm works on (N, groups, C / groups, ...)


def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    """Normalize every image, or every row of a table, by its own mean and variance.

    y = gamma * (x - mu) / sqrt(var + eps) + beta, with mu and var (biased) of the image over all
    its channels and positions: over the axes (1, 2, 3), or (1,) for a table.

    Parameters
    ----------
    x : array, (N, C), (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Real numbers, at least two in each image. N may be 0 or 1.
    gamma, beta : array, (C,)
        Scale and shift of each channel, or of each feature.
    eps : float, optional
        Added to the variance; finite, at least 0.

    Returns
    -------
    y : array
        Shape and dtype of x (float64 where x holds integers).
    cache : Cache
        For `layernorm_backward`.

    Raises
    ------
    ValueError
        If a shape does not fit, an image has fewer than two values, or eps is out of range.
    TypeError
        If an argument does not hold real numbers.

    References
    ----------
    Ba, Kiros and Hinton (2016), arXiv:1607.06450, section 3. For images, gamma and beta of a
    channel as in Wu and He (2018), arXiv:1803.08494, section 3.1.

    Examples
    --------
    >>> y, _ = layernorm_forward([[1, 2, 3], [10, 20, 60]], [1, 1, 1], [0, 0, 5], eps=0)
    >>> y.round(4)
    array([[-1.2247,  0.    ,  6.2247],
           [-0.9258, -0.4629,  6.3887]])
    """
    x = contract.batch(x)
    return _forward(x, gamma, beta, x.shape, tuple(range(1, x.ndim)), eps)


def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    """Normalize every channel of every image by its own mean and variance.

    As `layernorm_forward`, with mu and var over the positions alone, the axes (2, 3).

    Parameters
    ----------
    x : array, (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Real numbers, at least two positions.
    gamma, beta, eps
        As in `layernorm_forward`.

    Returns
    -------
    y : array
        Shape and dtype of x (float64 where x holds integers).
    cache : Cache
        For `instancenorm_backward`.

    Raises
    ------
    ValueError, TypeError
        As `layernorm_forward`.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky (2016), arXiv:1607.08022, equation 2.
    """
    x = contract.batch(x, ndims=(3, 4, 5))
    return _forward(x, gamma, beta, x.shape, tuple(range(2, x.ndim)), eps)


def groupnorm_forward(x, gamma, beta, groups, *, eps=1e-5):
    """Normalize every group of neighbouring channels of every image.

    As `layernorm_forward`, with mu and var over the C / groups channels of a group and over all
    positions. One group is layer norm; as many groups as channels is instance norm.

    Parameters
    ----------
    x : array, (N, C), (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Real numbers, at least two in each group of an image.
    gamma, beta, eps
        As in `layernorm_forward`: one value for each channel, not for each group.
    groups : int
        Must divide C. Group g holds the channels from g * C / groups on.

    Returns
    -------
    y : array
        Shape and dtype of x (float64 where x holds integers).
    cache : Cache
        For `groupnorm_backward`.

    Raises
    ------
    ValueError, TypeError
        As `layernorm_forward`, and ValueError where groups does not divide C.

    References
    ----------
    Wu and He (2018), arXiv:1803.08494, section 3.1.

    Examples
    --------
    >>> y, _ = groupnorm_forward([[1, 3, 20, 60]], [1, 1, 1, 1], [0, 0, 0, 0], groups=2, eps=0)
    >>> y
    array([[-1.,  1., -1.,  1.]])
    """
    x = contract.batch(x)
    groups = contract.group_count(groups, x)
    n, channels, *positions = x.shape
    shape = (n, groups, channels // groups, *positions)
    return _forward(x, gamma, beta, shape, tuple(range(2, x.ndim + 1)), eps)


def layernorm_backward(dout, cache):
    """Return the gradients of the loss with respect to x, gamma and beta.

    dx = inv_std * (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)),  dxhat = gamma * dout,

    with means over what shared a mean in the forward pass; dgamma = sum(dout * xhat) and
    dbeta = sum(dout), with sums over the batch and all positions, as in batch norm.

    Parameters
    ----------
    dout : array
        Upstream gradient, the loss's gradient with respect to y; y's shape.
    cache : Cache
        From `layernorm_forward`.

    Returns
    -------
    dx : array
        Shape of x.
    dgamma, dbeta : array, (C,)
        All three in the dtype of y.

    Raises
    ------
    ValueError
        If dout does not have y's shape.
    TypeError
        If dout does not hold real numbers, or cache is not a forward pass's cache.
    """
    if not isinstance(cache, Cache):
        raise TypeError(f"cache must come from a forward pass of this layer; got {type(cache)}")
    saved, dtype, shape = cache
    dout = contract.upstream_gradient(dout, shape, saved.xhat.dtype)
    dx, dgamma, dbeta = normalize.backward(np.reshape(dout, saved.xhat.shape), saved)
    gradients = np.reshape(dx, shape), np.reshape(dgamma, (-1,)), np.reshape(dbeta, (-1,))
    return tuple(d.astype(dtype, copy=False) for d in gradients)


def instancenorm_backward(dout, cache):
    """Return dx, dgamma and dbeta as `layernorm_backward`, for `instancenorm_forward`'s cache."""
    return layernorm_backward(dout, cache)


def groupnorm_backward(dout, cache):
    """Return dx, dgamma and dbeta as `layernorm_backward`, for `groupnorm_forward`'s cache."""
    return layernorm_backward(dout, cache)


def _forward(x, gamma, beta, shape, axes, eps):
    """Normalize x, seen in this shape, over these of its axes.

    The shape is x's own, or splits the channels in two axes: (N, groups, C / groups, ...).
    """
    contract.shared_mean(x, shape, axes)
    dtype = contract.working_dtype(x.dtype)
    eps = contract.epsilon(eps, dtype)
    positions = x.ndim - 2
    channel_shape = (1, *shape[1 : len(shape) - positions], *(1,) * positions)
    gamma, beta = (
        np.reshape(contract.channel_values(value, name, x, dtype), channel_shape)
        for name, value in {"gamma": gamma, "beta": beta}.items()
    )
    x_working = np.reshape(x.astype(dtype, copy=False), shape)
    y, saved = normalize.forward(x_working, gamma, beta, axes, eps)
    return np.reshape(y, x.shape).astype(x.dtype, copy=False), Cache(saved, x.dtype, x.shape)
