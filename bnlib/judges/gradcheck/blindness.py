"""What makes a gradient check blind: each is refused here, with the reason.

A part of the judge `bnlib.gradcheck`: like it, it imports nothing from the rest of bnlib.
"""

import numpy as np

VANISHING = 1e-3  # of what a gradient would be if nothing cancelled
CENTRED = 1e-6  # of the sum that a dout of one sign would have


class BlindCheckError(ValueError):
    """The comparison was refused: it could accept a wrong gradient, or reject a right one."""


def look_at_function(f, arguments, dout):
    """Return the value of f, which takes a dict, if it is a function of its arguments alone.

    Raises
    ------
    BlindCheckError
        If f changes an argument, returns two results for the same arguments, returns what is
        not finite, or has one value per channel; or if dout does not fit, or is constant within
        each channel. Channels are axis 1, where the value of f has two axes or more.
    """
    handed_over = copies(arguments)
    y = output(f(handed_over))
    for name, value in arguments.items():
        if not np.array_equal(handed_over[name], value, equal_nan=True):
            raise BlindCheckError(f"f changes its argument {name} in place")
    look_again(f, arguments, y)
    if not np.isfinite(y).all() or not np.isfinite(dout).all():
        raise BlindCheckError("f's value or dout holds NaN or infinity")
    if y.dtype.itemsize < 8:
        raise BlindCheckError(f"f returned {y.dtype}, too coarse for a numerical derivative")
    if dout.shape != y.shape:
        raise BlindCheckError(f"dout must have the shape of f's value, {y.shape}; got {dout.shape}")
    if not dout.any():
        raise BlindCheckError("dout is zero everywhere, and so is every gradient")
    if y.ndim > 1:
        _look_at_channels(dout)
    return y


def look_again(f, arguments, y):
    """Refuse f if it no longer returns y: then it keeps state, or draws random numbers."""
    if not np.array_equal(output(f(copies(arguments))), y, equal_nan=True):
        raise BlindCheckError(
            "called again with the same arguments, f returned another value: "
            "it keeps state between calls, or draws random numbers"
        )


def _look_at_channels(dout):
    channels = np.moveaxis(dout, 1, 0).reshape(dout.shape[1], -1)
    if channels.shape[1] < 2:
        raise BlindCheckError(
            f"one value per channel, shape {dout.shape}: batch norm's value is beta, "
            "whatever x is, and every gradient of x is zero"
        )
    constant = (channels == channels[:, :1]).all(axis=1)
    if constant.any():
        where = "each channel" if constant.all() else f"channel {int(np.argmax(constant))}"
        raise BlindCheckError(
            f"dout is constant within {where}: batch norm's gradient of x is then zero, "
            "whatever the terms behind it are; draw dout at random"
        )
    if (abs(channels.sum(axis=1)) < CENTRED * abs(channels).sum(axis=1)).any():
        raise BlindCheckError(
            "dout sums to zero in a channel: what flows back through the mean is then hidden; "
            "draw dout at random"
        )


def look_at_derivative(name, gradient, uncancelled):
    """Refuse a gradient that judges nothing, because it is zero or all of it cancels.

    Parameters
    ----------
    name : str
        The argument.
    gradient : array
        The numerical gradient, a sum of products derivative * dout for each entry.
    uncancelled : array
        The sum of their absolute values.
    """
    if not np.isfinite(uncancelled).all():
        raise BlindCheckError(f"f returned NaN or infinity for {name} a step away")
    if not uncancelled.any():
        raise BlindCheckError(
            f"f ignores its argument {name}: no entry of it changes f's value. "
            "Does f read a variable from outside instead?"
        )
    if np.linalg.norm(gradient) < VANISHING * np.linalg.norm(uncancelled):
        raise BlindCheckError(
            f"the gradient with respect to {name} vanishes: its terms cancel for this dout, "
            "so it says little about any of them; draw dout at random"
        )


def look_at_step(name, h, doubt, error):
    """Refuse an error that is no larger than the doubt about the numerical gradient itself.

    The doubt is the difference between the gradients for the steps h and 2h.
    """
    if error < 10 * doubt:
        raise BlindCheckError(
            f"the numerical gradient with respect to {name} is itself uncertain: from h = {h:g} "
            f"to 2h it changes by {doubt:.1g}; choose another h, or the complex step"
        )


def look_at_complex_step(f, x, dout, gradient, uncancelled):
    """Refuse the complex step if f loses part of it, as np.abs, np.var and np.real do.

    Along one direction, the gradient is compared with a central difference.
    """
    direction = np.random.default_rng(0).standard_normal(x.shape)
    above, below = f(x + 1e-5 * direction), f(x - 1e-5 * direction)
    slope = np.sum((above - below) * dout) / 2e-5
    if abs(slope - np.sum(gradient * direction)) > 1e-3 * np.sum(uncancelled * abs(direction)):
        raise BlindCheckError(
            "the complex step does not carry through f: something in it is not analytic, "
            "such as np.abs, np.var or a maximum; use central differences"
        )


def look_at_shapes(arguments, analytic):
    """Refuse analytic gradients of which one is missing, or has another shape."""
    for name, value in arguments.items():
        if name not in analytic:
            raise BlindCheckError(f"there is no analytic gradient with respect to {name}")
        if np.shape(analytic[name]) != value.shape:
            raise BlindCheckError(
                f"the analytic gradient with respect to {name} has shape "
                f"{np.shape(analytic[name])}, but {name} has shape {value.shape}"
            )


def output(value):
    """Return a copy of f's value: the first, where f returns a tuple such as (y, cache)."""
    return np.array(value[0] if isinstance(value, tuple) else value)


def copies(arguments):
    """Return the arguments as fresh copies."""
    return {name: value.copy() for name, value in arguments.items()}


def function_of_one(f, arguments, name):
    """Return f, which takes a dict, as a function of one argument; it gets copies of the rest."""
    return lambda v: output(f({**copies(arguments), name: v}))
