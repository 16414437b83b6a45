"""Drop-in for the course's functions: same names, arguments, bn_param keys and results.

Stanford's CS231n, assignment 2, as of its 2026 version. Here alone an argument is changed:
bn_param receives new running statistics, as the course has it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bnlib import contract, graph, layers, normalize
from bnlib.conventions import CS231N
from bnlib.judges import gradcheck
from bnlib.layout import per_channel
from bnlib.running import RunningStatistics

rel_error = gradcheck.rel_error


class CourseCache(NamedTuple):
    """What a training pass keeps: the layer's cache, and eps for the graph."""

    layer: layers.Cache
    eps: float


def batchnorm_forward(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, bn_param: dict) -> tuple:
    """Return (out, cache) of batch norm for x (N, D).

    Parameters
    ----------
    x : array, (N, D)
    gamma, beta : array, (D,)
    bn_param : dict
        mode : 'train' or 'test', required.
        eps : added to the variance, 1e-5 by default.
        momentum : the weight of the old running statistics, 0.9 by default.
        running_mean, running_var : (D,), zeros by default. Training stores new arrays here:
        running = momentum * running + (1 - momentum) * batch, with the biased variance.

    Returns
    -------
    out : array, (N, D)
    cache
        For `batchnorm_backward`; None in mode 'test', which has no backward pass.

    Raises
    ------
    ValueError
        If the mode is neither, momentum is not between 0 and 1, or as `layers.batchnorm_forward`.
    TypeError
        If an argument does not hold real numbers.
    """
    x = contract.batch(x, ndims=(2,))
    return _forward(layers.batchnorm_forward, layers.batchnorm_inference, x, gamma, beta, bn_param)


def batchnorm_backward(dout: ArrayLike, cache) -> normalize.Triple:
    """Return dx (N, D), dgamma (D,) and dbeta (D,), one node of the graph at a time.

    Parameters
    ----------
    dout : array, (N, D)
    cache
        From `batchnorm_forward` in mode 'train'.
    """
    layer = _trained(cache).layer
    xhat, inv_std, gamma = layer.normalized.xhat, layer.normalized.inv_std, layer.normalized.gamma
    wide = np.result_type(xhat.dtype, np.float64)
    dout = contract.upstream_gradient(dout, xhat.shape, wide)
    # Batch norm does not see a shift: x minus its mean has the gradients of x, with more digits.
    trace = graph.batchnorm_graph(eps=cache.eps).forward(
        x=xhat.astype(wide) / inv_std, gamma=gamma[0], beta=np.zeros_like(gamma[0])
    )
    gradients = trace.backward(dout)
    return tuple(gradients[name].astype(layer.dtype, copy=False) for name in ("x", "gamma", "beta"))


def batchnorm_backward_alt(dout: ArrayLike, cache) -> normalize.Triple:
    """Return what `batchnorm_backward` returns, in the closed form."""
    return layers.batchnorm_backward(dout, _trained(cache).layer)


def spatial_batchnorm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, bn_param: dict
) -> tuple:
    """Return (out, cache) for x (N, C, H, W): see `batchnorm_forward`, with (C,) for (D,)."""
    x = contract.batch(x, ndims=(4,))
    return _forward(
        layers.spatial_batchnorm_forward,
        layers.spatial_batchnorm_inference,
        x,
        gamma,
        beta,
        bn_param,
    )


def spatial_batchnorm_backward(dout: ArrayLike, cache) -> normalize.Triple:
    """Return dx (N, C, H, W), dgamma (C,) and dbeta (C,)."""
    return layers.spatial_batchnorm_backward(dout, _trained(cache).layer)


def layernorm_forward(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, ln_param: dict) -> tuple:
    """Return (out, cache) of layer norm for x (N, D): each row by its own mean and variance.

    Parameters
    ----------
    x : array, (N, D)
    gamma, beta : array, (D,)
    ln_param : dict
        eps : added to the variance, 1e-5 by default.
    """
    x = contract.batch(x, ndims=(2,))
    return layers.layernorm_forward(x, gamma, beta, eps=_eps(ln_param, "ln_param"))


def layernorm_backward(dout: ArrayLike, cache) -> normalize.Triple:
    """Return dx (N, D), dgamma (D,) and dbeta (D,)."""
    return layers.layernorm_backward(dout, cache)


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):  # noqa: N803  the course's name
    """Return (out, cache) of group norm for x (N, C, H, W), with G groups.

    Parameters
    ----------
    x : array, (N, C, H, W)
    gamma, beta : array, (1, C, 1, 1)
    G : int
        Must divide C.
    gn_param : dict
        eps : added to the variance, 1e-5 by default.
    """
    x = contract.batch(x, ndims=(4,))
    groups, eps = contract.group_count(G, x), _eps(gn_param, "gn_param")
    gamma, beta = _column(gamma, "gamma", x), _column(beta, "beta", x)
    return layers.groupnorm_forward(x, gamma, beta, groups, eps=eps)


def spatial_groupnorm_backward(dout: ArrayLike, cache) -> normalize.Triple:
    """Return dx (N, C, H, W), dgamma (1, C, 1, 1) and dbeta (1, C, 1, 1)."""
    dx, dgamma, dbeta = layers.groupnorm_backward(dout, cache)
    return dx, per_channel(dgamma, 4), per_channel(dbeta, 4)


def eval_numerical_gradient(
    f: Callable, x: ArrayLike, verbose: bool = True, h: float = 1e-5
) -> np.ndarray:
    """Return the gradient of f, which returns a number, at x; verbose prints each entry."""
    gradient = gradcheck.numerical_gradient(f, x, h=h)
    if verbose:
        for place in np.ndindex(gradient.shape):
            print(place, gradient[place])
    return gradient


def eval_numerical_gradient_array(
    f: Callable, x: ArrayLike, df: ArrayLike, h: float = 1e-5
) -> np.ndarray:
    """Return the gradient of sum(f(x) * df) at x. f is handed a perturbed copy of x: use it."""
    return gradcheck.numerical_gradient(f, x, df, h=h)


def _forward(forward, inference, x, gamma, beta, bn_param):
    if not isinstance(bn_param, dict):
        raise TypeError(f"bn_param must be a dict; got {type(bn_param).__name__}")
    mode = bn_param.get("mode")
    if mode not in ("train", "test"):
        raise ValueError(f"bn_param['mode'] must be 'train' or 'test'; got {mode!r}")
    convention = _convention(bn_param)
    running = _running(bn_param, x)
    if mode == "train":
        out, layer = forward(x, gamma, beta, eps=convention.eps)
        cache = CourseCache(layer, convention.eps)
        running = running.update(layer.statistics, convention)
    else:
        out, cache = inference(x, gamma, beta, **running.for_inference(convention)), None
    bn_param.update(running_mean=running.mean, running_var=running.var)
    return out, cache


def _convention(bn_param):
    """Return the course's convention, with bn_param's eps and momentum where it has them."""
    given = {
        key: contract.real_number(bn_param[key], f"bn_param['{key}']")
        for key in ("eps", "momentum")
        if key in bn_param
    }
    return replace(CS231N, **given)


def _running(bn_param, x):
    """Return the running statistics so far, in the dtype that x is computed in."""
    start = RunningStatistics.initial(x.shape[1], CS231N)
    given = {
        "running_mean": bn_param.get("running_mean", start.mean),
        "running_var": bn_param.get("running_var", start.var),
    }
    dtype = contract.working_dtype(x.dtype)
    return RunningStatistics(*contract.channel_values(x, dtype, **given))


def _eps(parameters, name):
    if not isinstance(parameters, dict):
        raise TypeError(f"{name} must be a dict; got {type(parameters).__name__}")
    return parameters.get("eps", 1e-5)


def _column(value, name, x):
    """Return a parameter of group norm, (1, C, 1, 1), as (C,)."""
    value, shape = contract.real_array(value, name), (1, x.shape[1], 1, 1)
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape} for x {x.shape}; got {value.shape}")
    return np.reshape(value, (-1,))


def _trained(cache):
    if not isinstance(cache, CourseCache):
        raise TypeError(f"cache must come from mode 'train'; got {type(cache)}")
    return cache
