"""The layers: batch, spatial batch, layer, instance and group norm.

One mathematics, `bnlib.normalize`, over different axes. Batch norm averages each channel over the
batch, and infers with running statistics. The others average within each image: an image does not
affect another, so the same function serves training and inference.

Pure functions. No argument is changed, and nothing returned shares memory with an argument.
The dtype of x decides: float32 stays float32, float16 is computed in float32 and rounded once
at the end, integers become float64.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bnlib import contract, normalize
from bnlib.layout import count, per_channel, reduced_axes
from bnlib.statistics import BatchStatistics


class Cache(NamedTuple):
    """What a forward pass keeps for its backward pass."""

    norm: str  # whose it is: "batch norm"
    normalized: normalize.Normalized
    dtype: np.dtype  # of x, and so of every result
    shape: tuple[int, ...]  # of x; group norm works on (N, groups, C / groups, ...)

    @property
    def statistics(self) -> BatchStatistics:
        """Mean, biased variance and count m of all that share a mean; in batch norm (C,)."""
        saved = self.normalized
        m = count(saved.xhat.shape, saved.axes)
        mean, var = (np.reshape(v, (-1,)).astype(v.dtype) for v in (saved.mean, saved.var))
        return BatchStatistics(mean, var, m)  # copies


def batchnorm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, *, eps: float = 1e-5
) -> tuple[np.ndarray, Cache]:
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
    x = contract.training_batch(x)
    return _forward("batch norm", x, gamma, beta, reduced_axes(x.ndim), eps)


def batchnorm_backward(dout: ArrayLike, cache: Cache) -> normalize.Triple:
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
    return _backward("batch norm", dout, cache)


def batchnorm_inference(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
) -> np.ndarray:
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


def spatial_batchnorm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, *, eps: float = 1e-5
) -> tuple[np.ndarray, Cache]:
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
    x = contract.training_batch(x, ndims=(4,))
    return _forward("batch norm", x, gamma, beta, reduced_axes(x.ndim), eps)


def spatial_batchnorm_backward(dout: ArrayLike, cache: Cache) -> normalize.Triple:
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
    return _backward("batch norm", dout, cache)


def spatial_batchnorm_inference(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
) -> np.ndarray:
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


def layernorm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, *, eps: float = 1e-5
) -> tuple[np.ndarray, Cache]:
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
    return _within_images("layer norm", x, gamma, beta, tuple(range(1, x.ndim)), eps)


def instancenorm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, *, eps: float = 1e-5
) -> tuple[np.ndarray, Cache]:
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
    return _within_images("instance norm", x, gamma, beta, tuple(range(2, x.ndim)), eps)


def groupnorm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, groups: int, *, eps: float = 1e-5
) -> tuple[np.ndarray, Cache]:
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
    axes = tuple(range(2, len(shape)))
    return _within_images("group norm", x, gamma, beta, axes, eps, shape)


def layernorm_backward(dout: ArrayLike, cache: Cache) -> normalize.Triple:
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
    return _backward("layer norm", dout, cache)


def instancenorm_backward(dout: ArrayLike, cache: Cache) -> normalize.Triple:
    """Return dx, dgamma and dbeta as `layernorm_backward`, for `instancenorm_forward`'s cache."""
    return _backward("instance norm", dout, cache)


def groupnorm_backward(dout: ArrayLike, cache: Cache) -> normalize.Triple:
    """Return dx, dgamma and dbeta as `layernorm_backward`, for `groupnorm_forward`'s cache."""
    return _backward("group norm", dout, cache)


def _within_images(norm, x, gamma, beta, axes, eps, shape=None):
    contract.several_values(x, shape or x.shape, axes)
    return _forward(norm, x, gamma, beta, axes, eps, shape)


def _forward(norm, x, gamma, beta, axes, eps, shape=None):
    """Normalize x over these axes of its own shape, or of one whose channels are split in two.

    The split shape is (N, groups, C / groups, ...).
    """
    shape = shape or x.shape
    dtype = contract.working_dtype(x.dtype)
    eps = contract.epsilon(eps, dtype)
    positions = x.ndim - 2
    column = (1, *shape[1 : len(shape) - positions], *(1,) * positions)
    parameters = contract.channel_values(x, dtype, gamma=gamma, beta=beta)
    gamma, beta = (np.reshape(v, column) for v in parameters)
    x_working = np.reshape(x.astype(dtype, copy=False), shape)
    y, saved = normalize.forward(x_working, gamma, beta, axes, eps)
    y = np.reshape(y, x.shape).astype(x.dtype, copy=False)
    return y, Cache(norm, saved, x.dtype, x.shape)


def _backward(norm, dout, cache):
    contract.cache(cache, Cache, norm)
    saved = cache.normalized
    dout = contract.upstream_gradient(dout, cache.shape, saved.xhat.dtype)
    dx, dgamma, dbeta = normalize.backward(np.reshape(dout, saved.xhat.shape), saved)
    shaped = np.reshape(dx, cache.shape), np.reshape(dgamma, (-1,)), np.reshape(dbeta, (-1,))
    return tuple(d.astype(cache.dtype, copy=False) for d in shaped)


def _inference(x, gamma, beta, running_mean, running_var, eps):
    dtype = contract.working_dtype(x.dtype)
    eps = contract.epsilon(eps, dtype)
    gamma, beta, mean, var = contract.channel_values(
        x,
        np.result_type(dtype, np.float64),
        gamma=gamma,
        beta=beta,
        running_mean=running_mean,
        running_var=running_var,
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
