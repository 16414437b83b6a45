"""Drop-in for the course's functions: same names, arguments, bn_param keys and results.

Stanford's CS231n, assignment 2, as of its 2026 version. Here alone arguments are changed, as the
course has it: bn_param receives new running statistics, and a numerical gradient perturbs x in
place. gamma and beta may have the shapes that broadcast in the course's formulas, and so have their
gradients.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bnlib import contract, graph, layers, normalize
from bnlib.conventions import CS231N
from bnlib.judges import gradcheck
from bnlib.running import RunningStatistics
from bnlib.statistics import ordinary

rel_error = gradcheck.rel_error


class CourseCache(NamedTuple):
    """What a forward pass keeps."""

    layer: layers.Cache | None  # None in mode 'test'
    frozen: dict  # in mode 'test' what the backward pass needs
    eps: float
    shapes: tuple  # of gamma and beta, as they were given
    rows: bool = False  # gamma has a value for each row: layer norm of the transpose


def batchnorm_forward(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, bn_param: dict) -> tuple:
    """Return (out, cache) of batch norm for x (N, D).

    Parameters
    ----------
    x : array, (N, D)
    gamma, beta : array, (D,) or (1, D); in mode 'train' also (N, 1)
        A column scales and shifts rows. So layer norm of a x (N, D) is batch norm of its transpose,
        with gamma (D, 1).
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
        For `batchnorm_backward`. In mode 'test' too, where the running statistics are given
        numbers, and nothing flows back through them.

    Raises
    ------
    ValueError
        If the mode is neither, momentum is not between 0 and 1, or as `layers.batchnorm_forward`.
    TypeError
        If an argument does not hold real numbers.
    """
    x = contract.batch(x, ndims=(2,))
    return _forward(x, gamma, beta, bn_param)


def batchnorm_backward(dout: ArrayLike, cache: CourseCache) -> normalize.Triple:
    """Return dx (N, D), dgamma and dbeta (gamma's and beta's shape), one node of the graph a time.

    In mode 'test', for gamma (N, 1), and for numbers whose squares leave float64, in the closed
    form.

    Parameters
    ----------
    dout : array, (N, D)
    cache
        From `batchnorm_forward`.
    """
    layer = _checked(cache).layer
    if layer is None or cache.rows or layer.normalized.unit is not None:
        return batchnorm_backward_alt(dout, cache)
    xhat, inv_std, gamma = layer.normalized.xhat, layer.normalized.inv_std, layer.normalized.gamma
    wide = np.result_type(xhat.dtype, np.float64)
    dout = contract.upstream_gradient(dout, xhat.shape, wide)
    # Batch norm does not see a shift: x minus its mean has the gradients of x, with more digits.
    trace = graph.batchnorm_graph(eps=cache.eps).forward(
        x=xhat.astype(wide) / inv_std, gamma=gamma[0], beta=np.zeros_like(gamma[0])
    )
    gradients = trace.backward(dout)
    dx, *parameters = (gradients[name].astype(layer.dtype) for name in ("x", "gamma", "beta"))
    return _shaped(dx, parameters, cache)


def batchnorm_backward_alt(dout: ArrayLike, cache: CourseCache) -> normalize.Triple:
    """Return what `batchnorm_backward` returns, in the closed form."""
    return _backward(dout, cache, layers.batchnorm_backward)


def spatial_batchnorm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, bn_param: dict
) -> tuple:
    """Return (out, cache) for x (N, C, H, W): see `batchnorm_forward`, with (C,) for (D,)."""
    x = contract.batch(x, ndims=(4,))
    return _forward(x, gamma, beta, bn_param)


def spatial_batchnorm_backward(dout: ArrayLike, cache: CourseCache) -> normalize.Triple:
    """Return dx (N, C, H, W), and dgamma and dbeta in gamma's and beta's shape."""
    contract.batch(dout, "dout", ndims=(4,))
    return _backward(dout, cache, layers.batchnorm_backward)


def layernorm_forward(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, ln_param: dict) -> tuple:
    """Return (out, cache) of layer norm for x (N, D): each row by its own mean and variance.

    Parameters
    ----------
    x : array, (N, D)
    gamma, beta : array, (D,), (1, D) or (D, 1)
    ln_param : dict
        eps : added to the variance, 1e-5 by default.
    """
    x = contract.batch(x, ndims=(2,))
    eps, features = _eps(ln_param, "ln_param"), x.shape[1]
    (gamma, beta), shapes = _flat(gamma, beta, (1, features), (features, 1))
    out, layer = layers.layernorm_forward(x, gamma, beta, eps=eps)
    return out, CourseCache(layer, {}, eps, shapes)


def layernorm_backward(dout: ArrayLike, cache: CourseCache) -> normalize.Triple:
    """Return dx (N, D), and dgamma and dbeta in gamma's and beta's shape."""
    return _backward(dout, cache, layers.layernorm_backward)


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    """Return (out, cache) of group norm for x (N, C, H, W), with G groups.

    Parameters
    ----------
    x : array, (N, C, H, W)
    gamma, beta : array, (1, C, 1, 1) or (C,)
    G : int
        Must divide C.
    gn_param : dict
        eps : added to the variance, 1e-5 by default.
    """
    x = contract.batch(x, ndims=(4,))
    groups, eps = contract.group_count(G, x), _eps(gn_param, "gn_param")
    (gamma, beta), shapes = _flat(gamma, beta, (1, x.shape[1], 1, 1))
    out, layer = layers.groupnorm_forward(x, gamma, beta, groups, eps=eps)
    return out, CourseCache(layer, {}, eps, shapes)


def spatial_groupnorm_backward(dout: ArrayLike, cache: CourseCache) -> normalize.Triple:
    """Return dx (N, C, H, W), and dgamma and dbeta in gamma's and beta's shape."""
    return _backward(dout, cache, layers.groupnorm_backward)


def eval_numerical_gradient(
    f: Callable, x: np.ndarray, verbose: bool = True, h: float = 1e-5
) -> np.ndarray:
    """Return the gradient of f, which returns a number, at x; verbose prints each entry.

    As the course has it, x is perturbed in place, one entry at a time, and put back to the bit,
    also where f raises. So f may ignore its argument and use x itself.

    Parameters
    ----------
    f : callable
        Of x; `gradcheck.numerical_gradient` hands over a copy instead.
    x : array
        Of floats, writeable.
    verbose : bool, optional
    h : float, optional
        How far an entry is moved to either side.

    Raises
    ------
    TypeError
        If x is no array of floats: an integer could not be moved by h.
    ValueError
        If x is read-only, h is lost beside an entry of x, or f returns no number.
    """
    gradient = np.zeros(np.shape(x))
    for place, slope in _slopes(f, x, h):
        if slope.size != 1:
            raise ValueError(f"f must return a number; got shape {slope.shape}")
        gradient[place] = slope.item()
        if verbose:
            print(place, gradient[place])
    return gradient


def eval_numerical_gradient_array(
    f: Callable, x: np.ndarray, df: ArrayLike, h: float = 1e-5
) -> np.ndarray:
    """Return the gradient of sum(f(x) * df) at x, as `eval_numerical_gradient` does.

    Raises
    ------
    TypeError, ValueError
        As there, and ValueError where df does not have the shape of f(x).
    """
    gradient, df = np.zeros(np.shape(x)), np.asarray(df)
    for place, slope in _slopes(f, x, h):
        if df.shape != slope.shape:
            raise ValueError(f"df must have the shape of f(x), {slope.shape}; got {df.shape}")
        gradient[place] = np.sum(slope * df)
    return gradient


def _slopes(f, x, h):
    """Yield each place of x with the slope of f there, from x perturbed in place."""
    kind = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        raise TypeError(f"x must be an array of floats, to be perturbed in place; got {kind}")
    if not x.flags.writeable:
        raise ValueError("x must be writeable, to be perturbed in place; got a read-only array")
    for place in np.ndindex(x.shape):
        before = x[place]
        try:
            x[place] = before + h
            above, value_above = float(x[place]), _value(f, x)
            x[place] = before - h
            below, value_below = float(x[place]), _value(f, x)
        finally:
            x[place] = before
        if not above > below:
            raise ValueError(f"h must be positive, and move x {before} in {kind}; got {h}")
        yield place, (value_above - value_below) / (above - below)


def _value(f, x):
    value = f(x)
    if np.asarray(value).dtype.kind not in "biuf":  # None, for one, would become NaN
        raise ValueError(f"f must return real numbers; got {type(value).__name__}")
    return np.array(value, np.float64)  # a copy: f may return a view of x


def _forward(x, gamma, beta, bn_param):
    if not isinstance(bn_param, dict):
        raise TypeError(f"bn_param must be a dict; got {type(bn_param).__name__}")
    mode = bn_param.get("mode")
    if mode not in ("train", "test"):
        raise ValueError(f"bn_param['mode'] must be 'train' or 'test'; got {mode!r}")
    convention = _convention(bn_param)
    running = _running(bn_param, x, convention.eps)
    channels, eps = x.shape[1], convention.eps
    given = contract.real_array(gamma, "gamma"), contract.real_array(beta, "beta")
    column, row = (x.shape[0], 1), (1, channels)
    rows = mode == "train" and x.ndim == 2 and given[0].shape == given[1].shape == column != row
    (gamma, beta), shapes = _flat(
        *given, *([column] if rows else [row, (*row, 1, 1)][: x.ndim - 1])
    )
    if mode == "train":
        out, layer = _train(x, gamma, beta, eps, rows)
        cache = CourseCache(layer, {}, eps, shapes, rows)
        running = running.update(layer.statistics, convention)
    else:
        given = running.for_inference(convention)
        out = layers.batchnorm_inference(x, gamma, beta, **given)
        copies = {"x": x.astype(x.dtype), "gamma": gamma.astype(gamma.dtype)}
        cache = CourseCache(None, copies | given, eps, shapes)
    bn_param.update(running_mean=running.mean, running_var=running.var)
    return out, cache


def _train(x, gamma, beta, eps, rows):
    if not rows:
        return layers.batchnorm_forward(x, gamma, beta, eps=eps)
    out, layer = layers.layernorm_forward(np.transpose(x), gamma, beta, eps=eps)
    return np.transpose(out), layer


def _backward(dout, cache, backward):
    layer = _checked(cache).layer
    if layer is None:
        dx, *parameters = layers.batchnorm_inference_backward(dout, **cache.frozen)
    elif cache.rows:
        dx, *parameters = layers.layernorm_backward(np.transpose(dout), layer)
        dx = np.transpose(dx)
    else:
        dx, *parameters = backward(dout, layer)
    return _shaped(dx, parameters, cache)


def _shaped(dx, parameters, cache):
    return dx, *(np.reshape(d, s) for d, s in zip(parameters, cache.shapes, strict=True))


def _flat(gamma, beta, *shapes):
    """Return gamma and beta as (C,), where they have one of these shapes, and their shapes."""
    given = contract.real_array(gamma, "gamma"), contract.real_array(beta, "beta")
    flat = [np.reshape(v, (-1,)) if v.shape in shapes else v for v in given]
    return flat, tuple(v.shape for v in given)


def _convention(bn_param):
    """Return the course's convention, with bn_param's eps and momentum where it has them."""
    given = {
        key: contract.real_number(bn_param[key], f"bn_param['{key}']")
        for key in ("eps", "momentum")
        if key in bn_param
    }
    return replace(CS231N, **given)


def _running(bn_param, x, eps):
    """Return the running statistics so far, in the dtype that x is computed in if that will do."""
    start = RunningStatistics.initial(x.shape[1], CS231N)
    given = {
        "running_mean": bn_param.get("running_mean", start.mean),
        "running_var": bn_param.get("running_var", start.var),
    }
    dtype = contract.working_dtype(x.dtype)
    wide = contract.channel_values(x, np.result_type(dtype, np.float64), **given)
    contract.variance(wide[1], eps)
    fits = all(ordinary(np.abs(v), 1.0, dtype) for v in wide)
    return RunningStatistics(*(v.astype(dtype) if fits else v for v in wide))


def _eps(parameters, name):
    if not isinstance(parameters, dict):
        raise TypeError(f"{name} must be a dict; got {type(parameters).__name__}")
    return parameters.get("eps", 1e-5)


def _checked(cache):
    if not isinstance(cache, CourseCache):
        raise TypeError(f"cache must come from a forward pass of cs231n; got {type(cache)}")
    return cache
