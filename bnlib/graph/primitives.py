"""The small steps that graphs are made of: each has a value and, beside it, its derivative.

The vector-Jacobian product (vjp) of a step takes d, the gradient of the loss with respect to the
step's value, and returns the gradient with respect to each of its inputs. Only analytic
functions are used, so that the complex step can run through: no abs, no max.
"""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

import numpy as np

from bnlib.layout import count


class Primitive(NamedTuple):
    """One kind of step.

    In value(*inputs) and vjp(d, y, *inputs), where y is the value, the inputs arrive ready to
    broadcast against each other; vjp returns a tuple, for every input a gradient of y's shape
    (of the input's shape for a step that takes one input). A step that averages or sums names
    the axes in ``over``; both of its functions then take their positions as ``axis``.
    """

    formula: str  # "{0} - {1}", with the inputs' names to be filled in
    latex: str
    local: tuple[str, ...]  # for each input, what d is multiplied by; {y} is the value's name
    value: Callable
    vjp: Callable
    over: tuple[str, ...] = ()

    @property
    def arity(self):
        """How many inputs the step takes."""
        return len(self.local)


add = Primitive(
    "{0} + {1}",
    "{0} + {1}",
    local=("1", "1"),
    value=lambda a, b: a + b,
    vjp=lambda d, y, a, b: (d, d),
)
subtract = Primitive(
    "{0} - {1}",
    "{0} - {1}",
    local=("1", "-1"),
    value=lambda a, b: a - b,
    vjp=lambda d, y, a, b: (d, -d),
)
multiply = Primitive(
    "{0} * {1}",
    r"{0} \cdot {1}",
    local=("{1}", "{0}"),
    value=lambda a, b: a * b,
    vjp=lambda d, y, a, b: (d * b, d * a),
)
divide = Primitive(
    "{0} / {1}",
    r"\frac{{{0}}}{{{1}}}",
    local=("1 / {1}", "-{y} / {1}"),
    value=lambda a, b: a / b,
    vjp=lambda d, y, a, b: (d / b, -d * y / b),
)
square = Primitive(
    "{0}^2",
    r"{{{0}}}^2",
    local=("2 * {0}",),
    value=lambda a: a * a,
    vjp=lambda d, y, a: (2 * a * d,),
)
reciprocal = Primitive(
    "1 / {0}",
    r"\frac{{1}}{{{0}}}",
    local=("-1 / {0}^2",),
    value=lambda a: 1 / a,
    vjp=lambda d, y, a: (-d * y * y,),
)
exp = Primitive(
    "exp({0})",
    r"e^{{{0}}}",
    local=("{y}",),
    value=lambda a: np.exp(a),
    vjp=lambda d, y, a: (d * y,),
)
log = Primitive(
    "log({0})",
    r"\log {0}",
    local=("1 / {0}",),
    value=lambda a: np.log(a),
    vjp=lambda d, y, a: (d / a,),
)


def sqrt_plus(eps):
    """Return the step sqrt(a + eps)."""
    if not 0 <= eps < inf:
        raise ValueError(f"eps must be finite and at least 0; got {eps}")
    return Primitive(
        "sqrt({0} + eps)",
        r"\sqrt{{{0} + \epsilon}}",
        local=("1 / (2 * {y})",),
        value=lambda a: np.sqrt(a + eps),
        vjp=lambda d, y, a: (d / (2 * y),),
    )


def mean_over(axes):
    """Return the step that averages over the named axes: ``mean_over("N H W")``."""
    return Primitive(
        "mean of {0} over {over}",
        r"\operatorname{{mean}}_{{{over}}} \, {0}",
        local=("1 / {over}",),
        value=lambda a, axis: np.mean(a, axis=axis),
        vjp=lambda d, y, a, axis: (_copied(d, a, axis) / count(a.shape, axis),),
        over=axis_names(axes),
    )


def sum_over(axes):
    """Return the step that sums over the named axes."""
    return Primitive(
        "sum of {0} over {over}",
        r"\sum_{{{over}}} {0}",
        local=("1",),
        value=lambda a, axis: np.sum(a, axis=axis),
        vjp=lambda d, y, a, axis: (_copied(d, a, axis),),
        over=axis_names(axes),
    )


def _copied(d, a, axis):
    """Copy d to every place of a that was summed: the adjoint of a sum is a broadcast."""
    return np.ones_like(a) * np.expand_dims(d, axis)


def spread(v, axes, onto):
    """Give v size 1 along every axis that it lacks, so that it broadcasts onto more axes.

    For a value per channel this is `layout.per_channel`.

    >>> spread(np.array([3.0, 4.0, 5.0]), axes=("C",), onto=("N", "C", "H", "W")).shape
    (1, 3, 1, 1)
    """
    sizes = dict(zip(axes, np.shape(v), strict=True))
    return np.reshape(v, tuple(sizes.get(axis, 1) for axis in onto))


def sum_back(d, axes, onto):
    """Sum d over every axis to which `spread` copied: the adjoint of a broadcast is a sum.

    >>> sum_back(np.ones((2, 3, 4, 5)), axes=("C",), onto=("N", "C", "H", "W"))
    array([40., 40., 40.])
    """
    return np.sum(d, axis=tuple(i for i, axis in enumerate(onto) if axis not in axes))


def axis_names(text):
    """Return the names in "N C H W", or in ("N", "C", "H", "W"), as a tuple.

    Raises
    ------
    ValueError
        If a name occurs twice.
    """
    names = tuple(text.split()) if isinstance(text, str) else tuple(text)
    if len(set(names)) < len(names):
        raise ValueError(f"an axis occurs twice in {shape_text(names)}")
    return names


def shape_text(shape):
    """Write axis names or sizes as a shape.

    >>> shape_text(("N", "C")), shape_text(("C",)), shape_text(())
    ('(N, C)', '(C,)', '()')
    """
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
