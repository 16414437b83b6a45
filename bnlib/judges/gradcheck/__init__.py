"""Numerical derivatives, and the comparison of analytic ones with them.

A judge: it imports nothing from the mathematics. Each function is handed fresh copies, float64
or complex128, so integers are safe and the caller's arrays are never touched. What it returns
is copied at once, so an output buffer that is used again is safe too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bnlib.judges.gradcheck import blindness
from bnlib.judges.gradcheck.blindness import BlindCheckError
from bnlib.judges.gradcheck.differences import central_differences, complex_steps, gradient

METHODS = {  # what to call it, step, tolerance
    "central": ("central differences", 1e-5, 1e-6),
    "complex": ("the complex step", 1e-30, 1e-9),
}


class WrongGradientError(AssertionError):
    """An analytic gradient differs from the numerical one."""


def rel_error(a: ArrayLike, b: ArrayLike) -> float:
    """Return the largest relative difference of two arrays, |a - b| / max(1e-8, |a| + |b|).

    The definition of CS231N: between 0 and 1, symmetric, and 0 where both are 0.

    Raises
    ------
    ValueError
        If the shapes differ. Broadcasting would hide the difference.
    """
    a, b = _same_shape(a, b)
    if a.size == 0:
        return 0.0
    return float(np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))))


def norm_error(a: ArrayLike, b: ArrayLike) -> float:
    """Return the relative difference of two arrays as a whole, |a - b| / max(|a|, |b|).

    |.| is the Euclidean norm. Unlike in `rel_error`, an entry that is tiny beside the others
    cannot make the error large. 0 where both are 0; at most 2.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    a, b = (array.ravel() for array in _same_shape(a, b))
    larger = np.maximum(np.linalg.norm(a), np.linalg.norm(b))  # keeps NaN, which max would not
    return float(np.linalg.norm(a - b) / larger) if larger != 0 else 0.0


def numerical_gradient(
    f: Callable, x: ArrayLike, dout: ArrayLike = 1.0, h: float = 1e-5
) -> np.ndarray:
    """Return the gradient of sum(f(x) * dout) with respect to x, by central differences.

    g_i = sum((f(x + h e_i) - f(x - h e_i)) * dout) / 2h, one entry of x at a time.

    Parameters
    ----------
    f : callable
        Takes an array of x's shape, returns an array, or a number.
    x : array
        Real numbers; perturbed as a float64 copy.
    dout : array, optional
        Upstream gradient, of the shape of f(x). 1 for a function that returns a number.
    h : float, optional
        The step: the truncation error grows as h^2, the rounding error as 1/h.

    Returns
    -------
    array, float64
        Shape of x.

    Raises
    ------
    ValueError
        If dout does not have the shape of f(x), or h is not positive.
    """
    return gradient(central_differences(f, x, h), np.shape(x), dout)[0]


def complex_step_gradient(
    f: Callable, x: ArrayLike, dout: ArrayLike = 1.0, h: float = 1e-30
) -> np.ndarray:
    """Return the gradient of sum(f(x) * dout) with respect to x, by the complex step.

    g_i = sum(Im f(x + i h e_i) * dout) / h. Nothing is subtracted, so h can be tiny and the
    result is exact to rounding, provided that f is analytic: no abs, no max, no conjugate.

    Parameters and Returns as in `numerical_gradient`.

    Raises
    ------
    ValueError
        If dout does not have the shape of f(x), or h is not positive.
    TypeError
        If f returns real numbers: the imaginary part was lost on the way.

    References
    ----------
    Squire and Trapp (1998), Using complex variables to estimate derivatives of real functions.
    """
    return gradient(complex_steps(f, x, h), np.shape(x), dout)[0]


@dataclass(frozen=True, repr=False)
class Comparison:
    """What a comparison found; true if every gradient is right, and readable as text."""

    verdict: str  # "right", "wrong" or "refused"
    reason: str
    errors: dict  # argument -> norm_error of its gradient

    def __bool__(self):
        return self.verdict == "right"

    def __repr__(self):
        return f"{self.verdict}: {self.reason}"


def check_gradients(f, arguments, dout, analytic, *, method="central", h=None, tolerance=None):
    """Raise an error unless these gradients of sum(f(**arguments) * dout) are right.

    Parameters
    ----------
    f : callable
        Called with the arguments by name, or with the only argument. Returns an array, a
        number, or a tuple that begins with one, as a layer's (y, cache).
    arguments : dict or array
        Name -> array of real numbers: {"x": x, "gamma": gamma, "beta": beta}; or one array.
    dout : array
        Upstream gradient, of the shape of f's value. Random, or it judges nothing.
    analytic : dict or tuple
        The gradients to judge, by name or in the order of the arguments; or one array.
    method : str, optional
        "central" differences, or "complex" step, which f must carry through.
    h : float, optional
        The step, 1e-5 or 1e-30 by default.
    tolerance : float, optional
        Largest `norm_error` of each gradient, 1e-6 or 1e-9 by default.

    Returns
    -------
    Comparison
        With the verdict "right".

    Raises
    ------
    WrongGradientError
        If an error exceeds the tolerance; with argument, entry, analytic and numeric value.
    BlindCheckError
        If the comparison would say nothing; `bnlib.gradcheck.blindness` holds the reasons.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [3.0, 5.0]])
    >>> dout = np.array([[0.5, -1.0], [2.0, 0.25]])
    >>> check_gradients(lambda x: x * x, {"x": x}, dout, {"x": 2 * x * dout})
    right: x agrees with central differences within 1e-06
    >>> compare_gradients(lambda x: x * x, {"x": x}, dout, {"x": x * dout})
    wrong: x differs from central differences by 0.5; worst at [1, 0]: analytic 6, numeric 12
    >>> compare_gradients(lambda x: x * x, x, np.ones((2, 2)), 2 * x)  # doctest: +ELLIPSIS
    refused: dout is constant within each channel: ...
    """
    found = _judge(f, arguments, dout, analytic, method, h, tolerance)
    if not found:
        raise WrongGradientError(repr(found))
    return found


def compare_gradients(f, arguments, dout, analytic, *, method="central", h=None, tolerance=None):
    """Return what `check_gradients` finds, also where it would raise: wrong, or refused."""
    try:
        return _judge(f, arguments, dout, analytic, method, h, tolerance)
    except BlindCheckError as refusal:
        return Comparison("refused", str(refusal), {})


def _judge(f, arguments, dout, analytic, method, h, tolerance):
    if method not in METHODS:
        raise ValueError(f"method must be 'central' or 'complex'; got {method!r}")
    judge, usual_h, usual_tolerance = METHODS[method]
    h, tolerance = usual_h if h is None else h, usual_tolerance if tolerance is None else tolerance
    if not 0 <= tolerance <= 0.1:
        raise ValueError(f"tolerance must be from 0 to 0.1; got {tolerance}")  # 1 accepts zeros
    f, arguments, analytic = _by_name(f, arguments, analytic)
    dout = np.asarray(dout)
    blindness.look_at_shapes(arguments, analytic)
    y = blindness.look_at_function(f, arguments, dout)
    errors, wrong = {}, []
    for name, value in arguments.items():
        alone, given = blindness.function_of_one(f, arguments, name), np.asarray(analytic[name])
        numeric = _trusted_gradient(alone, name, value, dout, method, h)
        errors[name] = norm_error(given, numeric)
        if errors[name] <= tolerance:
            errors[name] = _worst_channel_error(given, numeric)
        if not errors[name] <= tolerance:  # so that NaN is wrong too
            if method == "central":
                doubled = numerical_gradient(alone, value, dout, 2 * h)
                blindness.look_at_step(name, h, norm_error(numeric, doubled), errors[name])
            wrong.append(_describe(name, judge, given, numeric, errors[name]))
    blindness.look_again(f, arguments, y)
    if wrong:
        return Comparison("wrong", "\n       ".join(wrong), errors)
    agree = f"{', '.join(map(str, errors))} {'agree' if len(errors) > 1 else 'agrees'}"
    return Comparison("right", f"{agree} with {judge} within {tolerance:g}", errors)


def _trusted_gradient(f, name, value, dout, method, h):
    """Return the numerical gradient; refuse it where it judges nothing or cannot be right."""
    if method == "central":
        numeric, uncancelled = gradient(central_differences(f, value, h), value.shape, dout)
    else:
        carried = complex_steps(lambda v: f(v).astype(np.complex128), value, h)
        numeric, uncancelled = gradient(carried, value.shape, dout)
        blindness.look_at_complex_step(f, value, dout, numeric, uncancelled)
    blindness.look_at_derivative(name, numeric, uncancelled)
    return numeric


def _by_name(f, arguments, analytic):
    """Return f as a function of named arguments, and these and their gradients by name."""
    if not isinstance(arguments, dict):
        arguments, analytic = {"the argument": arguments}, {"the argument": analytic}
    arguments = {name: np.array(value, dtype=np.float64) for name, value in arguments.items()}
    if not isinstance(analytic, dict):
        if len(analytic) != len(arguments):
            raise BlindCheckError(f"{len(arguments)} arguments, but {len(analytic)} gradients")
        analytic = dict(zip(arguments, analytic, strict=True))
    if len(arguments) == 1:
        return lambda values: f(*values.values()), arguments, analytic
    return lambda values: f(**values), arguments, analytic


def _worst_channel_error(analytic, numeric):
    """Return the largest norm-wise error of one channel, so that none hides beside a large one.

    A channel is a place of axis 1, or of the only axis. Below a hundredth of the largest channel
    the error is taken relative to that hundredth, since the rest is the numerical gradient's noise.
    """
    if numeric.ndim == 0:
        return norm_error(analytic, numeric)
    axis = min(1, numeric.ndim - 1)
    a, n = (np.moveaxis(g, axis, 0).reshape(g.shape[axis], -1) for g in (analytic, numeric))
    size = np.maximum(np.linalg.norm(a, axis=1), np.linalg.norm(n, axis=1))
    floor = 0.01 * size.max(initial=0)
    differences = np.linalg.norm(a - n, axis=1)
    return float(np.max(differences / np.maximum(size, floor), initial=0, where=size > 0))


def _describe(name, judge, analytic, numeric, error):
    place = np.unravel_index(np.argmax(np.abs(analytic - numeric)), numeric.shape)
    return (
        f"{name} differs from {judge} by {error:.2g}; worst at [{', '.join(map(str, place))}]: "
        f"analytic {analytic[place]:.6g}, numeric {numeric[place]:.6g}"
    )


def _same_shape(a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: {a.shape} and {b.shape}")
    wide = np.result_type(a, b, np.float64)  # differences of int8 would wrap around
    return a.astype(wide), b.astype(wide)
