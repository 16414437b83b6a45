"""The walk through batch norm's nine nodes: what each step takes, computes and passes on."""

from functools import cache
from typing import NamedTuple

import numpy as np

from bnlib.graph import batchnorm_graph
from bnlib.graph.primitives import shape_text, spread

EXAMPLE = {
    "x": [[12, 1], [6, 5], [-2, 5], [4, 1]],  # standard deviations 5 and 2
    "gamma": [2, 3],
    "beta": [1, -1],
}
DOUT = [[1, 0], [2, -1], [0, 3], [-1, 1]]


class Column(NamedTuple):
    """An array with its heading, a note below it, and the sign in front of it."""

    sign: str
    heading: str
    note: str
    numbers: np.ndarray
    kind: str = "value"


@cache
def example():
    """Return the trace of the example and its gradients."""
    trace = batchnorm_graph("N C").forward(**EXAMPLE)
    return trace, trace.backward(DOUT)


def at(step):
    """Return which node a step from 1 to 18 visits, and whether on the way back."""
    nodes = [*example()[0].graph.nodes.values()]
    back = step > len(nodes)
    return (nodes[-(step - len(nodes))] if back else nodes[step - 1]), back


def local_derivatives(node):
    """Return for each input of a node what multiplies its upstream gradient.

    As (input, in words, at every place): ("x_minus_mean", "one_over_sqrt_var", array (N, C)).
    """
    trace, _ = example()
    inputs, over = [trace[name] for name in node.inputs], {}
    if node.primitive.over:
        over = {"axis": tuple(map(node.input_axes[0].index, node.primitive.over))}
    else:
        inputs = [spread(v, a, node.axes) for v, a in zip(inputs, node.input_axes, strict=True)]
    y = trace[node.name]
    numbers = node.primitive.vjp(np.ones_like(y), y, *inputs, **over)
    names = {"y": node.name, "over": " ".join(node.primitive.over)}
    words = [form.format(*node.inputs, **names) for form in node.primitive.local]
    return [*zip(node.inputs, words, numbers, strict=True)]


def forward_rows(node):
    """Return one row of columns: the inputs, and the value that the node makes of them."""
    trace, _ = example()
    signs = [*[""] * len(node.inputs), "→"]
    names = [*node.inputs, node.name]
    return [[Column(s, n, _shape(n), trace[n]) for s, n in zip(signs, names, strict=True)]]


def backward_rows(node):
    """Return a row of columns for each input: upstream gradient times local derivative."""
    return [_backward_row(node, *local) for local in local_derivatives(node)]


def _backward_row(node, source, words, local):
    trace, gradients = example()
    graph = trace.graph
    users = [user for name, user in graph.edges if name == source]
    before = users[users.index(node.name) + 1 :]  # on the way back
    part = gradients.edges[source, node.name]
    notes = [f"part {len(before) + 1} of {len(users)}"] if len(users) > 1 else []
    if not node.primitive.over and graph.axes[source] != node.axes:
        lost = " ".join(axis for axis in node.axes if axis not in graph.axes[source])
        notes = [f"summed over {lost}", *notes]
    note = ", ".join([shape_text(graph.axes[source]), *notes]) if notes else _shape(source)
    upstream = f"{shape_text(node.axes)}, upstream"
    row = [
        Column("", f"d {node.name}", upstream, gradients[node.name], "gradient"),
        Column("×", words, "local derivative", local),
        Column("=", f"d {source}", note, part, "gradient"),
    ]
    if before:
        earlier = sum(gradients.edges[source, user] for user in before)
        row.append(Column("+", f"d {source}", f"from {', '.join(before)}", earlier, "gradient"))
        row.append(Column("=", f"d {source}", "all parts", part + earlier, "gradient"))
    return row


def _shape(name):
    trace, _ = example()
    return f"{shape_text(trace.graph.axes[name])} = {shape_text(trace[name].shape)}"


def name_of(step):
    """Return what a step is called: "Forward 1 of 9"."""
    count = len(example()[0].graph.nodes)
    way, number = ("Backward", step - count) if at(step)[1] else ("Forward", step)
    return f"{way} {number} of {count}"
