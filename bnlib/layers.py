"""The layers: batch norm and spatial batch norm, forward, backward and inference.

Pure functions. No argument is changed, and nothing returned shares memory with an argument.
The dtype of x decides: float32 stays float32, float16 is computed in float32 and rounded once
at the end, integers become float64.
"""

from typing import NamedTuple

import numpy as np

from bnlib import contract, normalize
from bnlib.layout import count, per_channel, reduced_axes
from bnlib.statistics import BatchStatistics


class Cache(NamedTuple):
    """What a training forward pass keeps for its backward pass."""

    normalized: normalize.Cache
    dtype: np.dtype  # of x, and so of every result

    @property
    def statistics(self):
        """The batch's own mean (C,), biased variance (C,) and count m."""
        _, _, _, axes, mean, var = self.normalized
        m = count(self.normalized.xhat.shape, axes)
        mean, var = (np.reshape(v, (-1,)).astype(v.dtype) for v in (mean, var))  # copies
        return BatchStatistics(mean, var, m)


def batchnorm_forward(x, gamma, beta, *, eps=1e-5):
    """Normalize every channel of a batch by its own mean and variance; scale and shift it.

    y = gamma * (x - mu) / sqrt(var + eps) + beta, with mu and var (biased) of the channel over
    all its m values in the batch.

    Parameters
    ----------
    x : array, (N, C), (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Real numbers, at least two in each channel.
    gamma, beta : array, (C,)
        Scale and shift of each channel.
    eps : float, optional
        Added to the variance; finite, at least 0.

    Returns
    -------
    y : array
        Shape and dtype of x (float64 where x holds integers).
    cache : Cache
        For `batchnorm_backward`; ``cache.statistics`` are the batch's statistics.

    Raises
    ------
    ValueError
        If a shape does not fit, x has fewer than two values per channel, or eps is out of range.
    TypeError
        If an argument does not hold real numbers.

    References
    ----------
    Ioffe and Szegedy (2015), arXiv:1502.03167, Algorithm 1.

    Examples
    --------
    >>> y, cache = batchnorm_forward([[1, 10], [2, 20], [3, 60]], [1, 1], [0, 5], eps=0)
    >>> y.round(4)
    array([[-1.2247,  4.0742],
           [ 0.    ,  4.5371],
           [ 1.2247,  6.3887]])
    """
    return _forward(contract.training_batch(x), gamma, beta, eps)


def batchnorm_backward(dout, cache):
    """Return the gradients of the loss with respect to x, gamma and beta.

    dx = gamma * inv_std * (dout - mean(dout) - xhat * mean(dout * xhat)), means per channel;
    dgamma = sum(dout * xhat), dbeta = sum(dout), sums per channel.

    Parameters
    ----------
    dout : array
        Upstream gradient, the loss's gradient with respect to y; y's shape.
    cache : Cache
        From `batchnorm_forward`.

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
        If dout does not hold real numbers, or cache is not a training forward's cache.

    References
    ----------
    Ioffe and Szegedy (2015), arXiv:1502.03167, section 3, collected into one formula.
    """
    if not isinstance(cache, Cache):
        raise TypeError(f"cache must come from a training forward pass; got {type(cache)}")
    saved, dtype = cache
    dout = contract.upstream_gradient(dout, saved.xhat.shape, saved.xhat.dtype)
    dx, dgamma, dbeta = normalize.backward(dout, saved)
    dgamma, dbeta = np.reshape(dgamma, (-1,)), np.reshape(dbeta, (-1,))
    return tuple(d.astype(dtype, copy=False) for d in (dx, dgamma, dbeta))


def batchnorm_inference(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    """Normalize every channel by given statistics, so that images do not affect each other.

    y = gamma * (x - running_mean) / sqrt(running_var + eps) + beta

    Parameters
    ----------
    x : array, (N, C), (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Real numbers; one image, or none, is enough.
    gamma, beta, running_mean, running_var : array, (C,)
        running_var must not be negative.
    eps : float, optional
        The value used in training; finite, at least 0.

    Returns
    -------
    y : array
        Shape and dtype of x (float64 where x holds integers).

    Raises
    ------
    ValueError
        If a shape does not fit, a variance is negative, or eps is out of range.
    TypeError
        If an argument does not hold real numbers.

    References
    ----------
    Ioffe and Szegedy (2015), arXiv:1502.03167, Algorithm 2, lines 10 and 11.

    Examples
    --------
    >>> batchnorm_inference([[3.0, 1.0]], [2, 1], [0, 0], [1, 1], [4, 1], eps=0)
    array([[2., 0.]])
    """
    return _inference(contract.batch(x), gamma, beta, running_mean, running_var, eps)


def spatial_batchnorm_forward(x, gamma, beta, *, eps=1e-5):
    """Normalize the feature maps of a convolution, each channel over images and positions.

    `batchnorm_forward` for (N, C, H, W) only, so that a lost or an extra axis is an error.

    Parameters
    ----------
    x : array, (N, C, H, W)
        Real numbers, N * H * W at least 2.
    gamma, beta : array, (C,)
        Scale and shift of each channel.
    eps : float, optional
        Added to the variance; finite, at least 0.

    Returns
    -------
    y : array, (N, C, H, W)
        In x's dtype (float64 where x holds integers).
    cache : Cache
        For `spatial_batchnorm_backward`.

    Raises
    ------
    ValueError, TypeError
        As `batchnorm_forward`, and ValueError where x does not have four axes.

    References
    ----------
    Ioffe and Szegedy (2015), arXiv:1502.03167, section 3.2.

    Examples
    --------
    >>> x = 4 * np.random.default_rng(0).standard_normal((2, 3, 4, 5)) + 10
    >>> y, _ = spatial_batchnorm_forward(x, gamma=[3, 4, 5], beta=[6, 7, 8])
    >>> y.mean(axis=(0, 2, 3)).round(6), y.std(axis=(0, 2, 3)).round(4)
    (array([6., 7., 8.]), array([3., 4., 5.]))
    """
    return _forward(contract.training_batch(x, ndims=(4,)), gamma, beta, eps)


def spatial_batchnorm_backward(dout, cache):
    """Return the gradients with respect to feature maps, gamma and beta.

    The formulas of `batchnorm_backward`, with m = N * H * W values behind each mean.

    Parameters
    ----------
    dout : array, (N, C, H, W)
        Upstream gradient, the loss's gradient with respect to y.
    cache : Cache
        From `spatial_batchnorm_forward`.

    Returns
    -------
    dx : array, (N, C, H, W)
    dgamma, dbeta : array, (C,)
        All three in the dtype of y.

    Raises
    ------
    ValueError, TypeError
        As `batchnorm_backward`, and ValueError where dout does not have four axes.
    """
    contract.batch(dout, "dout", ndims=(4,))
    return batchnorm_backward(dout, cache)


def spatial_batchnorm_inference(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    """Normalize feature maps by given statistics of each channel.

    `batchnorm_inference` for (N, C, H, W) only.

    Parameters
    ----------
    x : array, (N, C, H, W)
        Real numbers; one image, or none, is enough.
    gamma, beta, running_mean, running_var : array, (C,)
        running_var must not be negative.
    eps : float, optional
        The value used in training; finite, at least 0.

    Returns
    -------
    y : array, (N, C, H, W)
        In x's dtype (float64 where x holds integers).

    Raises
    ------
    ValueError, TypeError
        As `batchnorm_inference`, and ValueError where x does not have four axes.
    """
    x = contract.batch(x, ndims=(4,))
    return _inference(x, gamma, beta, running_mean, running_var, eps)


def _forward(x, gamma, beta, eps):
    dtype = contract.working_dtype(x.dtype)
    eps = contract.epsilon(eps, dtype)
    gamma, beta = (
        per_channel(contract.channel_values(value, name, x, dtype), x.ndim)
        for name, value in {"gamma": gamma, "beta": beta}.items()
    )
    x_working = x.astype(dtype, copy=False)
    y, saved = normalize.forward(x_working, gamma, beta, reduced_axes(x.ndim), eps)
    return y.astype(x.dtype, copy=False), Cache(saved, x.dtype)


def _inference(x, gamma, beta, running_mean, running_var, eps):
    dtype = contract.working_dtype(x.dtype)
    eps = contract.epsilon(eps, dtype)
    wide = np.result_type(dtype, np.float64)
    gamma, beta, mean, var = (
        contract.channel_values(value, name, x, wide)
        for name, value in {
            "gamma": gamma,
            "beta": beta,
            "running_mean": running_mean,
            "running_var": running_var,
        }.items()
    )
    scale = gamma / np.sqrt(contract.variance(var) + eps)
    # float32 holds seven digits of a mean. The others, small beside x but not beside its
    # deviations, go into the shift.
    head = mean.astype(dtype)
    shift = beta - (mean - head) * scale
    y = x.astype(dtype, copy=False) - per_channel(head, x.ndim)
    y *= per_channel(scale.astype(dtype), x.ndim)
    y += per_channel(shift.astype(dtype), x.ndim)
    return y.astype(x.dtype, copy=False)
