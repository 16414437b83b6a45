"""A node of a graph: a named step, its formulas, and its value and vjp on arrays of any axes."""

from typing import NamedTuple

import numpy as np

from bnlib.graph.primitives import Primitive, shape_text, spread, sum_back

SYMBOLS = {"gamma": r"\gamma", "beta": r"\beta", "mean": r"\mu", "xhat": r"\hat{x}"}


class Node(NamedTuple):
    """A named step of a graph: its value has these axes, its inputs have theirs."""

    name: str
    primitive: Primitive
    inputs: tuple[str, ...]
    axes: tuple[str, ...]
    input_axes: tuple[tuple[str, ...], ...]

    @property
    def formula(self):
        """The step in plain text: "x - mean"."""
        return self.primitive.formula.format(*self.inputs, over=", ".join(self.primitive.over))

    @property
    def latex(self):
        """The step in LaTeX."""
        symbols = [SYMBOLS.get(name, _upright(name)) for name in self.inputs]
        return self.primitive.latex.format(*symbols, over=",".join(self.primitive.over))

    @property
    def shape(self):
        """The shape of the value by axis names: "(N, C, H, W)"."""
        return shape_text(self.axes)

    def value(self, *inputs):
        """Return the step's value; an input that lacks axes is spread."""
        return self.primitive.value(*self._aligned(inputs), **self._over())

    def vjp(self, d, y, *inputs):
        """Return a gradient for each input, from d, the gradient for the value y.

        Where `value` spread an input, its gradient is summed back.

        Raises
        ------
        ValueError
            If the primitive's vjp returns gradients of wrong shapes.
        """
        arguments = self._aligned(inputs)
        gradients = self.primitive.vjp(d, y, *arguments, **self._over())
        shapes = [v.shape if self.primitive.over else np.shape(y) for v in arguments]
        got = [np.shape(gradient) for gradient in gradients]
        if got != shapes:
            raise ValueError(f"node {self.name}: its vjp must return shapes {shapes}; got {got}")
        if self.primitive.over:
            return gradients
        pairs = zip(gradients, self.input_axes, strict=True)
        return tuple(sum_back(g, axes, onto=self.axes) for g, axes in pairs)

    def _aligned(self, inputs):
        if self.primitive.over:
            return inputs
        pairs = zip(inputs, self.input_axes, strict=True)
        return [v if axes == self.axes else spread(v, axes, onto=self.axes) for v, axes in pairs]

    def _over(self):
        names = self.primitive.over
        return {"axis": tuple(map(self.input_axes[0].index, names))} if names else {}


def value_axes(name, primitive, input_axes):
    """Return the axes of a node's value.

    A step over some axes removes them from those of its one input. Any other step has the axes
    of its largest input, among which the others' must be, in the same order.
    """
    if len(input_axes) != primitive.arity:
        raise ValueError(
            f"node {name}: {primitive.formula!r} takes {primitive.arity} inputs; "
            f"got {len(input_axes)}"
        )
    largest = max(input_axes, key=len)
    if primitive.over:
        _check_within(name, primitive.over, largest)
        return tuple(axis for axis in largest if axis not in primitive.over)
    for axes in input_axes:
        _check_within(name, axes, largest)
        if axes != tuple(axis for axis in largest if axis in axes):
            raise ValueError(
                f"node {name}: the axes of {shape_text(axes)} are in another order "
                f"in {shape_text(largest)}"
            )
    return largest


def _check_within(name, axes, largest):
    for axis in axes:
        if axis not in largest:
            raise ValueError(f"node {name}: there is no axis {axis} in {shape_text(largest)}")


def _upright(name):
    words = name.replace("_", r"\_")
    return name if len(name) == 1 else rf"\mathrm{{{words}}}"
