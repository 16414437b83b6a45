"""Batch norm folded into the convolution, or the affine layer, before it.

In inference batch norm is a scale and a shift of each channel, and so is part of what the layer
before it can do alone:

gamma * ((W * x + b) - running_mean) / sqrt(running_var + eps) + beta  =  (scale W) * x + b',

scale = gamma / sqrt(running_var + eps),  b' = scale (b - running_mean) + beta.

The bias b is scaled as well, where the layer has one.

Folding is exact but for rounding. In float32 what the folded layer gives, and what the two layers
give, differ by less than 1e-6 of

size = scale * (sum(|W x|) + |b - running_mean|) + |beta|,

on average by 2e-8 of it: the same products are rounded at other places. Where the running mean is
many standard deviations large, size is so many times as large as the outputs.
"""

import numpy as np
from numpy.typing import ArrayLike

from bnlib import contract

# Which axis of a weight is the channels that a layer puts out.
CONVOLUTIONS = {"out, in, ...": 0, "in, out, ...": 1, "..., in, out": -1, "..., out, in": -2}
AFFINE = {"in, out": 1, "out, in": 0}


def fold_convolution(
    weight: ArrayLike,
    bias: ArrayLike | None,
    gamma: ArrayLike,
    beta: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
    layout: str = "out, in, ...",
) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of a convolution that does what it and the batch norm behind it do.

    Parameters
    ----------
    weight : array, (C, C_in, ...), or in another layout
        The convolution's filters, one for each channel that it puts out.
    bias : array, (C,), or None
        The convolution's own bias, if it has one.
    gamma, beta, running_mean, running_var : array, (C,)
        Of the batch norm; running_var + eps must be above 0.
    eps : float, optional
        The batch norm's; finite, at least 0.
    layout : str, optional
        The order of weight's axes: 'out, in, ...' as in PyTorch and ONNX, 'in, out, ...' for their
        transposed convolutions without groups, '..., in, out' as in Keras and Flax, or
        '..., out, in' for Keras' transposed ones. With C = C_in no shape shows a wrong one.

    Returns
    -------
    weight : array
        Shape of the given weight.
    bias : array, (C,)
        Both in the dtype of the given weight (float64 where it holds integers).

    Raises
    ------
    ValueError
        If a shape does not fit, running_var + eps is not above 0, layout is none of these, or a
        result is too large for weight's dtype, as float16 is soon.
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
    axis = contract.choice(layout, "layout", CONVOLUTIONS) % weight.ndim
    return _fold(weight, axis, bias, gamma, beta, running_mean, running_var, eps)


def fold_affine(
    weight: ArrayLike,
    bias: ArrayLike | None,
    gamma: ArrayLike,
    beta: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    eps: float = 1e-5,
    layout: str = "in, out",
) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of an affine layer x @ weight + bias with its batch norm folded in.

    Parameters
    ----------
    weight : array, (D_in, D), or in another layout
    bias : array, (D,), or None
    gamma, beta, running_mean, running_var, eps
        As in `fold_convolution`, (D,).
    layout : str, optional
        'in, out' as in x @ weight, and in Keras and Flax; 'out, in' as in PyTorch's Linear.

    Returns
    -------
    weight : array
        Shape of the given weight.
    bias : array, (D,)

    Raises
    ------
    ValueError, TypeError
        As `fold_convolution`.
    """
    weight = contract.real_array(weight, "weight")
    if weight.ndim != 2:
        raise ValueError(f"weight must be (D_in, D); got shape {weight.shape}")
    axis = contract.choice(layout, "layout", AFFINE)
    return _fold(weight, axis, bias, gamma, beta, running_mean, running_var, eps)


def _fold(weight, axis, bias, gamma, beta, running_mean, running_var, eps):
    eps = contract.epsilon(eps, contract.working_dtype(weight.dtype))
    wide = np.result_type(weight.dtype, np.float64)  # one rounding, at the end
    bias = np.zeros(weight.shape[axis]) if bias is None else bias
    norm = {"gamma": gamma, "beta": beta, "running_mean": running_mean, "running_var": running_var}
    bias, gamma, beta, mean, var = contract.channel_values(
        weight, wide, axes=(axis,), of="weight", bias=bias, **norm
    )
    if (contract.variance(var, eps) + eps == 0).any():
        raise ValueError("running_var must not be 0 where eps is 0: the scale would be infinite")
    scale = gamma / np.sqrt(var + eps)
    shift = scale * (bias - mean) + beta
    column = [-1 if a == axis else 1 for a in range(weight.ndim)]
    folded = weight.astype(wide) * np.reshape(scale, column)
    return contract.narrowed(folded, weight.dtype), contract.narrowed(shift, weight.dtype)
