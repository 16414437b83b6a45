"""A computation as a graph of named nodes, and its derivative, one node at a time.

A forward pass keeps every value in a `Trace`; the trace's backward pass visits the nodes in
reverse order and returns the gradient of every value. Batch norm is nine nodes. A softmax or a
layer norm takes a few lines with the same primitives.

Axes have names. A value that lacks some axes, as gamma (C,) beside x (N, C, H, W), is spread
over them, and its gradient is summed back. Complex arrays pass, for the complex step.
"""

import numpy as np

from bnlib.graph.checks import check_definitions, check_places, check_shape, number_array
from bnlib.graph.node import Node, value_axes
from bnlib.graph.primitives import (
    add,
    axis_names,
    mean_over,
    multiply,
    reciprocal,
    shape_text,
    sqrt_plus,
    square,
    subtract,
)
from bnlib.graph.trace import Trace
from bnlib.layout import reduced_axes


def batchnorm_graph(axes: str = "N D", eps: float = 1e-5) -> "Graph":
    """Return batch norm as nine nodes, for the inputs x, gamma and beta.

    Parameters
    ----------
    axes : str, optional
        The names of x's axes, the channels second: "N D", or "N C H W".
    eps : float, optional
        Added to the variance; finite, at least 0.

    Examples
    --------
    >>> trace = batchnorm_graph().forward(x=[[1, 5], [2, 3], [6, 4]], gamma=[2, 3], beta=[0, 1])
    >>> trace["var"].round(4)
    array([4.6667, 0.6667])
    >>> gradients = trace.backward([[1, 0], [0, 0], [0, 0]])
    >>> gradients["mean"].round(4), gradients.edges["x", "mean"].round(4)[0]
    (array([-0.9258,  0.    ]), array([-0.3086,  0.    ]))
    """
    axes = axis_names(axes)
    averaged = mean_over(axes[axis] for axis in reduced_axes(len(axes)))
    return Graph(
        {"x": axes, "gamma": axes[1:2], "beta": axes[1:2]},
        [
            ("mean", averaged, "x"),
            _CENTRE,
            ("x_minus_mean_sqr", square, "x_minus_mean"),
            ("var", averaged, "x_minus_mean_sqr"),
            *_scale(eps),
        ],
    )


def batchnorm_inference_graph(axes="N D", eps: float = 1e-5) -> "Graph":
    """Return batch norm in evaluation as six nodes: mean and var are inputs, as gamma and beta are.

    So no gradient reaches x through them. Parameters as in `batchnorm_graph`.

    Examples
    --------
    >>> trace = batchnorm_inference_graph(eps=0).forward(
    ...     x=[[3, 5]], gamma=[2, 3], beta=[0, 1], mean=[1, 1], var=[4, 1]
    ... )
    >>> trace.output, trace.backward([[1, 1]])["x"]
    (array([[ 2., 13.]]), array([[1., 3.]]))
    """
    axes = axis_names(axes)
    given = dict.fromkeys(("gamma", "beta", "mean", "var"), axes[1:2])
    return Graph({"x": axes, **given}, [_CENTRE, *_scale(eps)])


_CENTRE = ("x_minus_mean", subtract, "x", "mean")


def _scale(eps):
    """Return the steps from x minus its mean and the variance to y."""
    return [
        ("sqrt_var", sqrt_plus(eps), "var"),
        ("one_over_sqrt_var", reciprocal, "sqrt_var"),
        ("xhat", multiply, "x_minus_mean", "one_over_sqrt_var"),
        ("gamma_xhat", multiply, "gamma", "xhat"),
        ("y", add, "gamma_xhat", "beta"),
    ]


def spatial_batchnorm_graph(eps: float = 1e-5) -> "Graph":
    """Return `batchnorm_graph` for x (N, C, H, W)."""
    return batchnorm_graph("N C H W", eps)


class Graph:
    """Named inputs and named steps; the value of the last step is the output.

    Parameters
    ----------
    inputs : dict
        Name -> axes: {"scores": "N K"}.
    steps : list of tuple
        (name, primitive, input, ...), every input being defined before it is used.

    Raises
    ------
    ValueError
        If a name is unknown, defined twice or used too early, or axes do not fit.

    Examples
    --------
    >>> from bnlib.graph.primitives import divide, exp, sum_over
    >>> Graph(
    ...     {"scores": "N K"},
    ...     [
    ...         ("exp_scores", exp, "scores"),
    ...         ("total", sum_over("K"), "exp_scores"),
    ...         ("p", divide, "exp_scores", "total"),
    ...     ],
    ... )
    node        formula                   inputs             shape
    scores      input                                        (N, K)
    exp_scores  exp(scores)               scores             (N, K)
    total       sum of exp_scores over K  exp_scores         (N,)
    p           exp_scores / total        exp_scores, total  (N, K)
    """

    def __init__(self, inputs, steps):
        steps = list(steps)
        check_definitions(inputs, steps)
        self.inputs = {name: axis_names(axes) for name, axes in inputs.items()}
        self.nodes = {}
        self.axes = dict(self.inputs)
        for name, primitive, *sources in steps:
            input_axes = tuple(self.axes[source] for source in sources)
            self.axes[name] = value_axes(name, primitive, input_axes)
            self.nodes[name] = Node(name, primitive, tuple(sources), self.axes[name], input_axes)
        self.output = name

    @property
    def edges(self) -> list:
        """Every use of a value by a node, as (source, node)."""
        nodes = self.nodes.values()
        return [*dict.fromkeys((source, node.name) for node in nodes for source in node.inputs)]

    def forward(self, *, replace=None, **inputs) -> Trace:
        """Compute every value and keep them all.

        Parameters
        ----------
        **inputs : array
            One for each input of the graph, by name.
        replace : dict, optional
            Name -> array to use instead of the computed value, or (source, node) -> array that
            this node alone sees. It is given, so no gradient flows back through it.

        Returns
        -------
        Trace

        Raises
        ------
        ValueError
            If an input is missing or unknown, or a shape does not fit.
        """
        replace = replace or {}
        check_places(self, inputs, replace)
        sizes: dict[str, int] = {}
        values, given = {}, {}
        for name in self.inputs:
            values[name] = self._checked(name, inputs[name], sizes)
        for place, value in replace.items():
            name = place[0] if isinstance(place, tuple) else place
            given[place] = self._checked(name, value, sizes)
        trace = Trace(self, values, given)
        values.update({name: given[name] for name in self.inputs if name in given})
        for name, node in self.nodes.items():
            value = given[name] if name in given else node.value(*trace.seen_by(node))
            values[name] = self._checked(name, value, sizes)
        return trace

    def _checked(self, name, value, sizes):
        value = number_array(value, name)
        check_shape(name, value.shape, self.axes[name], sizes)
        value.flags.writeable = False  # the backward pass relies on it
        return value

    def table(self, **columns) -> str:
        """Return the inputs and nodes with formula, inputs and shape as a text table.

        A further column shows the shapes of the arrays in a mapping, name -> array.
        """
        rows = [("node", "formula", "inputs", "shape", *columns)]
        rows += [(name, "input", "", shape_text(axes)) for name, axes in self.inputs.items()]
        rows += [(n.name, n.formula, ", ".join(n.inputs), n.shape) for n in self.nodes.values()]
        for k, (name, *row) in enumerate(rows[1:], start=1):
            sizes = [shape_text(np.shape(arrays[name])) for arrays in columns.values()]
            rows[k] = (name, *row, *sizes)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        cells = [[c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in rows]
        return "\n".join("  ".join(row).rstrip() for row in cells)

    def __repr__(self):
        return self.table()

    def _repr_markdown_(self):
        rows = [f"| `{n.name}` | ${n.latex}$ | `{n.shape}` |" for n in self.nodes.values()]
        return "\n".join(["| node | formula | shape |", "| --- | --- | --- |", *rows])
