"""The layers: batch, spatial batch, layer, instance, group and RMS norm.

One mathematics, `bnlib.normalize`, over different axes. Batch norm averages each channel over the
batch, and infers with running statistics. The others average within each image: an image does not
affect another, so the same function serves training and inference.

Pure functions. No argument is changed, and nothing returned shares memory with an argument.
The dtype of x decides: float32 stays float32, float16 is computed in float32 and rounded once
at the end, integers become float64.

Range. Every finite float32 and float64 x is normalized, also where its squares are beyond float32
or float64: a channel of such numbers is measured in another unit, a power of two. Where a result is
beyond the dtype, that is an error: dx, or the variance in ``cache.statistics``. float32 numbers
have a float64 variance there.
"""

from typing import NamedTuple

import numpy as np

from bnlib import contract, normalize
from bnlib.contract import Axes, Data
from bnlib.layout import count, per_channel, reduced_axes, sum_to
from bnlib.statistics import BatchStatistics, ordinary, true_variance


class Cache(NamedTuple):
    """What a forward pass keeps for its backward pass."""

    norm: str  # whose it is: "batch norm"
    normalized: normalize.Normalized
    dtype: np.dtype  # of x, and so of every result
    shape: tuple[int, ...]  # of x; group norm works on (N, groups, C / groups, ...)
    parameters: tuple[int, ...]  # the shape of gamma

    @property
    def statistics(self) -> BatchStatistics:
        """Mean, biased variance and count m of all that share a mean; in batch norm (C,).

        Where not all positions count, m is an array, too.

        Raises
        ------
        ValueError
            If a variance is too large or too small for float64, or the norm has no mean.
        """
        saved = self.normalized
        if not saved.centred:
            raise ValueError(f"{self.norm} has no mean and no variance")
        m = count(saved.xhat.shape, saved.axes, saved.where)
        values = saved.mean, true_variance(saved.var, saved.unit)
        mean, var = (np.reshape(v, (-1,)).astype(v.dtype) for v in values)  # copies
        return BatchStatistics(mean, var, m if isinstance(m, int) else np.reshape(m, (-1,)))


Forward = tuple[np.ndarray, Cache]  # y and what backward needs


def batchnorm_forward(
    x: Data, gamma: Data, beta: Data, *, eps: float = 1e-5, where: Data | None = None
) -> Forward:
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
    where : array of booleans, optional
        The positions that count, such as those that are no padding, at least two in each channel:
        as many axes as x, with size 1 where they are the same along an axis. Nothing depends on
        what stands elsewhere; y and dx are 0 there.

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
        If an argument does not hold real numbers, or where no booleans.

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
    return _forward("batch norm", x, gamma, beta, reduced_axes(x.ndim), eps, where=where)


def batchnorm_backward(dout: Data, cache: Cache) -> normalize.Triple:
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
    x: Data, gamma: Data, beta: Data, running_mean: Data, running_var: Data, *, eps: float = 1e-5
) -> np.ndarray:
    """Normalize every channel by given statistics, so that images do not affect each other.

    y = gamma * (x - running_mean) / sqrt(running_var + eps) + beta

    Parameters
    ----------
    x : array, (N, C), (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Real numbers; one image, or none, is enough.
    gamma, beta, running_mean, running_var : array, (C,)
        running_var + eps must be above 0, or running_var 0.
    eps : float, optional
        The value used in training; finite, at least 0.

    Returns
    -------
    y : array
        Shape and dtype of x (float64 where x holds integers).

    Raises
    ------
    ValueError
        If a shape does not fit, running_var + eps is negative, or eps is out of range.
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


def batchnorm_inference_backward(
    dout: Data, x: Data, gamma: Data, running_mean: Data, running_var: Data, *, eps: float = 1e-5
) -> normalize.Triple:
    """Return the gradients through `batchnorm_inference`: batch norm frozen, as in fine-tuning.

    dx = gamma * inv_std * dout;  dgamma = sum(dout * xhat), dbeta = sum(dout), sums per channel;

    with xhat = (x - running_mean) * inv_std and inv_std = 1 / sqrt(running_var + eps). The
    statistics are given, so nothing flows back through them.

    Parameters
    ----------
    dout : array
        Upstream gradient, the loss's gradient with respect to y; x's shape.
    x, gamma, running_mean, running_var, eps
        As they were given to `batchnorm_inference`.

    Returns
    -------
    dx : array
        Shape of x.
    dgamma, dbeta : array, (C,)
        All three in the dtype of y.

    Raises
    ------
    ValueError, TypeError
        As `batchnorm_inference`, and ValueError where dout does not have x's shape.

    Examples
    --------
    >>> dx, dgamma, dbeta = batchnorm_inference_backward(
    ...     [[1.0], [2.0]], [[3.0], [5.0]], [2], [1], [4], eps=0
    ... )
    >>> dx.ravel(), dgamma, dbeta
    (array([1., 2.]), array([5.]), array([3.]))
    """
    return _inference_backward(dout, contract.batch(x), gamma, running_mean, running_var, eps)


def spatial_batchnorm_forward(
    x: Data, gamma: Data, beta: Data, *, eps: float = 1e-5, where: Data | None = None
) -> Forward:
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
    where : array of booleans, optional
        The positions that count, such as (N, 1, H, W), as in `batchnorm_forward`.

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
    return _forward("batch norm", x, gamma, beta, reduced_axes(x.ndim), eps, where=where)


def spatial_batchnorm_backward(dout: Data, cache: Cache) -> normalize.Triple:
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
    x: Data, gamma: Data, beta: Data, running_mean: Data, running_var: Data, *, eps: float = 1e-5
) -> np.ndarray:
    """Normalize feature maps by given statistics of each channel.

    `batchnorm_inference` for (N, C, H, W) only.

    Parameters
    ----------
    x : array, (N, C, H, W)
        Real numbers; one image, or none, is enough.
    gamma, beta, running_mean, running_var : array, (C,)
        running_var + eps must be above 0, or running_var 0.
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
    return _inference(contract.batch(x, ndims=(4,)), gamma, beta, running_mean, running_var, eps)


def spatial_batchnorm_inference_backward(
    dout: Data, x: Data, gamma: Data, running_mean: Data, running_var: Data, *, eps: float = 1e-5
) -> normalize.Triple:
    """Return the gradients as `batchnorm_inference_backward`, for x (N, C, H, W) only."""
    x = contract.batch(x, ndims=(4,))
    return _inference_backward(dout, x, gamma, running_mean, running_var, eps)


def layernorm_forward(
    x: Data, gamma: Data, beta: Data, *, axes: Axes = None, eps: float = 1e-5
) -> Forward:
    """Normalize every image, or every row of a table, by its own mean and variance.

    y = gamma * (x - mu) / sqrt(var + eps) + beta, with mu and var (biased) of the image over all
    its channels and positions: over the axes (1, 2, 3), or (1,) for a table. Or over other axes:
    (2,) for (N, T, D) over D, as in transformers; (1,) for the channels of each position.

    Parameters
    ----------
    x : array, (N, C), (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Real numbers, at least two behind each mean. N may be 0 or 1.
    gamma, beta : array
        Scale and shift. With axes: the sizes of x along these, (D,) or (C, H, W). Otherwise, and
        where axis 1 is one of several, (C,), a value for each channel or feature.
    axes : int or tuple of int, optional
        The axes to average over; not 0. All others by default. It must be given for a (N, T, D)
        with T = D, since gamma (D,) does not tell then which is meant.
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
        If a shape or an axis does not fit, a mean has fewer than two values, or eps is out of
        range.
    TypeError
        If an argument does not hold real numbers, or axes no integers.

    References
    ----------
    Ba, Kiros and Hinton (2016), arXiv:1607.06450, section 3. For images, gamma and beta of a
    channel as in Wu and He (2018), arXiv:1803.08494, section 3.1; over the channels of each
    position, Liu et al. (2022), arXiv:2201.03545.

    Examples
    --------
    >>> y, _ = layernorm_forward([[1, 2, 3], [10, 20, 60]], [1, 1, 1], [0, 0, 5], eps=0)
    >>> y.round(4)
    array([[-1.2247,  0.    ,  6.2247],
           [-0.9258, -0.4629,  6.3887]])
    """
    x = contract.batch(x)
    clear = x.ndim != 3 or x.shape[1] != x.shape[2]
    return _over_axes("layer norm", x, gamma, beta, axes, eps, clear)


def rmsnorm_forward(x: Data, gamma: Data, *, axes: Axes = None, eps: float = 1e-5) -> Forward:
    """Divide every row of a table, or x along other axes, by its root mean square; scale it.

    y = gamma * x / sqrt(mean(x^2) + eps)

    Parameters
    ----------
    x : array, (N, D), or with axes as in `layernorm_forward`
    gamma : array, (D,), or with axes as in `layernorm_forward`
        Scale. There is no shift, since no mean is subtracted.
    axes, eps
        As in `layernorm_forward`; axes must be given unless x is (N, D).

    Returns
    -------
    y : array
        Shape and dtype of x (float64 where x holds integers).
    cache : Cache
        For `rmsnorm_backward`.

    Raises
    ------
    ValueError, TypeError
        As `layernorm_forward`.

    References
    ----------
    Zhang and Sennrich (2019), arXiv:1910.07467, equation 4.

    Examples
    --------
    >>> y, _ = rmsnorm_forward([[1.0, 7.0]], [5, 10], eps=0)
    >>> y
    array([[ 1., 14.]])
    """
    x = contract.batch(x)
    return _over_axes("RMS norm", x, gamma, None, axes, eps, clear=x.ndim == 2)


def instancenorm_forward(x: Data, gamma: Data, beta: Data, *, eps: float = 1e-5) -> Forward:
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
    x: Data, gamma: Data, beta: Data, groups: int, *, eps: float = 1e-5
) -> Forward:
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
    shape = (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    axes = tuple(range(2, len(shape)))
    return _within_images("group norm", x, gamma, beta, axes, eps, shape=shape)


def layernorm_backward(dout: Data, cache: Cache) -> normalize.Triple:
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
    dgamma, dbeta : array
        Shape of gamma. All three in the dtype of y.

    Raises
    ------
    ValueError
        If dout does not have y's shape.
    TypeError
        If dout does not hold real numbers, or cache is not a forward pass's cache.
    """
    return _backward("layer norm", dout, cache)


def rmsnorm_backward(dout: Data, cache: Cache) -> tuple[np.ndarray, np.ndarray]:
    """Return dx and dgamma as `layernorm_backward`, for `rmsnorm_forward`'s cache.

    dx = inv_rms * (dxhat - xhat * mean(dxhat * xhat)),  dxhat = gamma * dout: nothing flows back
    through a mean.
    """
    return _backward("RMS norm", dout, cache)[:2]


def instancenorm_backward(dout: Data, cache: Cache) -> normalize.Triple:
    """Return dx, dgamma and dbeta as `layernorm_backward`, for `instancenorm_forward`'s cache."""
    return _backward("instance norm", dout, cache)


def groupnorm_backward(dout: Data, cache: Cache) -> normalize.Triple:
    """Return dx, dgamma and dbeta as `layernorm_backward`, for `groupnorm_forward`'s cache."""
    return _backward("group norm", dout, cache)


def _over_axes(norm, x, gamma, beta, axes, eps, clear):
    averaged = contract.axes_within_images(axes, x, clear)
    gamma = contract.real_array(gamma, "gamma")
    by_channel = axes is None or (1 in averaged and gamma.ndim == 1)
    return _within_images(norm, x, gamma, beta, averaged, eps, (1,) if by_channel else averaged)


def _within_images(norm, x, gamma, beta, axes, eps, over=(1,), shape=None):
    contract.several_values(x, shape or x.shape, axes, least=1 if norm == "RMS norm" else 2)
    return _forward(norm, x, gamma, beta, axes, eps, over, shape)


def _forward(norm, x, gamma, beta, axes, eps, over=(1,), shape=None, where=None):
    """Normalize x over these axes of its own shape, or of one whose channels are split in two.

    The split shape is (N, groups, C / groups, ...). gamma and beta run over axes of x.
    """
    column = [size if axis in over else 1 for axis, size in enumerate(x.shape)]
    column = column if shape is None else [1, *shape[1:3], *column[2:]]
    shape = shape or x.shape
    dtype = contract.working_dtype(x.dtype)
    eps = contract.epsilon(eps, dtype)
    given = {"gamma": gamma} if norm == "RMS norm" else {"gamma": gamma, "beta": beta}
    parameters = contract.channel_values(x, dtype, axes=over, **given)
    gamma, beta = [*(np.reshape(v, column) for v in parameters), None][:2]
    where = None if where is None else contract.positions(where, x, axes)
    working = np.reshape(x.astype(dtype, copy=False), shape)
    y, saved = normalize.forward(working, gamma, beta, axes, eps, where)
    y = np.reshape(y, x.shape).astype(x.dtype, copy=False)
    return y, Cache(norm, saved, x.dtype, x.shape, parameters[0].shape)


def _backward(norm, dout, cache):
    contract.cache(cache, Cache, norm)
    saved = cache.normalized
    dout = contract.upstream_gradient(dout, cache.shape, saved.xhat.dtype)
    dx, *parameters = normalize.backward(np.reshape(dout, saved.xhat.shape), saved)
    if saved.unit is not None:
        contract.fits(dx, dout, "dx")
    shaped = np.reshape(dx, cache.shape), *(np.reshape(d, cache.parameters) for d in parameters)
    return tuple([d.astype(cache.dtype, copy=False) for d in shaped])


def _inference(x, gamma, beta, mean, var, eps):
    deviations, rest, std, gamma, beta = _frozen(x, eps, gamma, mean, var, beta=beta)
    scale, y = gamma / std, deviations
    # float32 holds seven digits of a mean. The others, small beside x but not beside its
    # deviations, go into the shift.
    shift = beta - rest * scale
    y *= per_channel(scale.astype(y.dtype), x.ndim)
    y += per_channel(shift.astype(y.dtype), x.ndim)
    return y.astype(x.dtype, copy=False)


def _inference_backward(dout, x, gamma, mean, var, eps):
    deviations, rest, std, gamma = _frozen(x, eps, gamma, mean, var)
    dout = contract.upstream_gradient(dout, x.shape, deviations.dtype)
    scale = per_channel((gamma / std).astype(dout.dtype), x.ndim)
    dbeta = np.reshape(sum_to(dout, scale.shape), (-1,))
    dgamma = (np.reshape(sum_to(dout * deviations, scale.shape), (-1,)) - dbeta * rest) / std
    return tuple([d.astype(x.dtype, copy=False) for d in (scale * dout, dgamma, dbeta)])


def _frozen(x, eps, gamma, mean, var, **beta):
    """Return x minus the rounded mean, what rounding took off it, std, gamma, and beta if given.

    The first in the dtype that x is computed in, or float64 where float32 may not do.
    """
    dtype = contract.working_dtype(x.dtype)
    eps = contract.epsilon(eps, dtype)
    wide = np.promote_types(dtype, np.float64)
    given = {"gamma": gamma, "running_mean": mean, "running_var": var, **beta}
    gamma, mean, var, *beta = contract.channel_values(x, wide, **given)
    if not (ordinary(var, eps, dtype) and ordinary(np.abs(mean), 1.0, dtype)):
        dtype = contract.running_mean(mean).dtype
    head = mean.astype(dtype)
    deviations = x.astype(dtype, copy=False) - per_channel(head, x.ndim)
    return deviations, mean - head, np.sqrt(contract.variance(var, eps) + eps), gamma, *beta
