"""Batch norm folded into the convolution, or the affine layer, before it.

In inference batch norm is a scale and a shift of each channel, and so is part of what the layer
before it can do alone:

gamma * ((W * x + b) - running_mean) / sqrt(running_var + eps) + beta  =  (scale W) * x + b',

scale = gamma / sqrt(running_var + eps),  b' = scale (b - running_mean) + beta.

The bias b is scaled as well, where the layer has one.
"""

import numpy as np
from numpy.typing import ArrayLike

from bnlib import contract


def fold_convolution(
    weight: ArrayLike,
    bias: ArrayLike | None,
    gamma: ArrayLike,
    beta: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of a convolution that does what it and the batch norm behind it do.

    Parameters
    ----------
    weight : array, (C, C_in, ...)
        The convolution's filters, one for each channel that it puts out.
    bias : array, (C,), or None
        The convolution's own bias, if it has one.
    gamma, beta, running_mean, running_var : array, (C,)
        Of the batch norm; running_var must not be negative.
    eps : float, optional
        The batch norm's; finite, at least 0.

    Returns
    -------
    weight : array, (C, C_in, ...)
    bias : array, (C,)
        Both in the dtype of the given weight (float64 where it holds integers).

    Raises
    ------
    ValueError
        If a shape does not fit, a variance is negative, or with eps = 0 zero.
    TypeError
        If an argument does not hold real numbers.

    References
    ----------
    Jacob et al. (2018), arXiv:1712.05877, equation 14, for a convolution without bias.

    Examples
    --------
    >>> weight, bias = fold_convolution([[[2.0]]], [1.0], [3.0], [5.0], [7.0], [4.0], eps=0)
    >>> weight, bias
    (array([[[3.]]]), array([-4.]))
    """
    weight = contract.real_array(weight, "weight")
    if weight.ndim < 2:
        raise ValueError(f"weight must be (C, C_in, ...); got shape {weight.shape}")
    return _fold(weight, 0, bias, gamma, beta, running_mean, running_var, eps)


def fold_affine(
    weight: ArrayLike,
    bias: ArrayLike | None,
    gamma: ArrayLike,
    beta: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of an affine layer x @ weight + bias with its batch norm folded in.

    Parameters
    ----------
    weight : array, (D_in, D)
    bias : array, (D,), or None
    gamma, beta, running_mean, running_var, eps
        As in `fold_convolution`, (D,).

    Returns
    -------
    weight : array, (D_in, D)
    bias : array, (D,)

    Raises
    ------
    ValueError, TypeError
        As `fold_convolution`.
    """
    weight = contract.real_array(weight, "weight")
    if weight.ndim != 2:
        raise ValueError(f"weight must be (D_in, D); got shape {weight.shape}")
    return _fold(weight, 1, bias, gamma, beta, running_mean, running_var, eps)


def _fold(weight, axis, bias, gamma, beta, running_mean, running_var, eps):
    eps = contract.epsilon(eps, contract.working_dtype(weight.dtype))
    wide = np.result_type(weight.dtype, np.float64)  # one rounding, at the end
    bias, gamma, beta, mean, var = contract.channel_values(
        weight,
        wide,
        axes=(axis,),
        of="weight",
        bias=np.zeros(weight.shape[axis]) if bias is None else bias,
        gamma=gamma,
        beta=beta,
        running_mean=running_mean,
        running_var=running_var,
    )
    if (contract.variance(var, eps) + eps == 0).any():
        raise ValueError("running_var must not be 0 where eps is 0: the scale would be infinite")
    scale = gamma / np.sqrt(var + eps)
    shift = scale * (bias - mean) + beta
    column = [1] * weight.ndim
    column[axis] = -1
    folded = weight.astype(wide) * np.reshape(scale, column)
    return folded.astype(weight.dtype), shift.astype(weight.dtype)
