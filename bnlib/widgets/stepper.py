"""The graph stepper: batch norm's nine nodes forward and back, one at a time, with numbers."""

import re
from functools import cache
from io import StringIO
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from bnlib import plotting
from bnlib.graph import batchnorm_graph
from bnlib.graph.primitives import shape_text, spread
from bnlib.graph_picture import computational_graph, part_id
from bnlib.widgets.explorer import Explorer
from bnlib.widgets.svg import FAINT, element, picture, text

EXAMPLE = {
    "x": [[12, 1], [6, 5], [-2, 5], [4, 1]],  # standard deviations 5 and 2
    "gamma": [2, 3],
    "beta": [1, -1],
}
DOUT = [[1, 0], [2, -1], [0, 3], [-1, 1]]

# What the upstream gradient is multiplied by, for each input; y is the node's own value.
LOCAL = {
    "{0} + {1}": ("1", "1"),
    "{0} - {1}": ("1", "-1"),
    "{0} * {1}": ("{1}", "{0}"),
    "{0}^2": ("2 * {0}",),
    "1 / {0}": ("-1 / {0}^2",),
    "sqrt({0} + eps)": ("1 / (2 * {y})",),
    "mean of {0} over {over}": ("1 / {over}",),
}
SCALE, GRAPH_WIDTH, GRAPH_HEIGHT = 1.25, 714, 331  # of the graph's picture, in points
WIDTH, ROW, COLUMN, LINE = 900, 112, 178, 16
STYLE = """
.bnlib-now path { fill: #FFF2B3 !important; stroke: #222222 !important; stroke-width: 3 }
.bnlib-later path { stroke-dasharray: 3 3 }
.bnlib-along path { stroke: #222222 !important; stroke-width: 2.5 }
.bnlib-along path + path { fill: #222222 !important }
"""


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
    words = [form.format(*node.inputs, **names) for form in LOCAL[node.primitive.formula]]
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


def draw(step=1):
    """Return the picture of a step from 1 to 18: the graph, and below it the node's numbers."""
    node, back = at(step)
    rows = backward_rows(node) if back else forward_rows(node)
    claim = f"{_name(step)}: {node.name} = {node.formula}"
    said = "Upstream gradient times local derivative: " if back else "Its value: "
    alt = f"{claim}. {said}{'; '.join(_spoken(row) for row in rows)}."
    graph = element(
        "svg",
        _lit_graph(step),
        x=0,
        y=0,
        width=GRAPH_WIDTH * SCALE,
        height=GRAPH_HEIGHT * SCALE,
        viewBox=f"0 0 {GRAPH_WIDTH} {GRAPH_HEIGHT}",
    )
    top = GRAPH_HEIGHT * SCALE + 20
    columns = [
        _column(column, 22 + k * COLUMN, top + r * ROW)
        for r, row in enumerate(rows)
        for k, column in enumerate(row)
    ]
    size = WIDTH, round(top + 2 * ROW)
    return picture(size, graph, *columns, title=claim, alt=alt, state={"step": step})


def graph_stepper():
    """Return the stepper: walk the nine nodes forward and back, by button, slider or key."""
    return Explorer("graph-stepper", draw, _build, still={"step": 12})


def _build(ipywidgets):
    last = 2 * len(example()[0].graph.nodes)
    options = [(_name(step), step) for step in range(1, last + 1)]
    steps = ipywidgets.SelectionSlider(options=options, description="Step")
    steps.layout.width = "28em"
    buttons = []
    for description, move in (("Previous", -1), ("Next", 1)):
        button = ipywidgets.Button(description=description)
        button.on_click(lambda _, move=move: _move(steps, move, last))
        buttons.append(button)
    return {"step": steps}, [ipywidgets.HBox([*buttons, steps])]


def _name(step):
    count = len(example()[0].graph.nodes)
    way, number = ("Backward", step - count) if at(step)[1] else ("Forward", step)
    return f"{way} {number} of {count}"


def _move(steps, move, last):
    steps.value = min(max(steps.value + move, 1), last)


def _spoken(row):
    """Say what a row of columns shows, in one line."""
    result = f"{row[-1].heading} is {_written(row[-1].numbers)}"
    if row[1].sign != "×":
        return result
    upstream, local, gradient = row[:3]
    return f"{gradient.heading} = {upstream.heading} * {local.heading}, {gradient.note}; {result}"


def _written(numbers):
    """Write numbers with up to three decimals."""
    form = {"float_kind": lambda number: f"{round(float(number), 3) + 0.0:g}"}
    return np.array2string(numbers, separator=", ", formatter=form).replace("\n", "")


def _column(column, x, y):
    """Draw a column: its heading, a note, and its numbers in rows."""
    color = plotting.COLORS[column.kind]
    looks = {"fill": color, "font_weight": "bold"}
    pieces = [
        text(x, y, column.heading, **looks),
        text(x, y + 15, column.note, font_size=11, fill=FAINT),
        text(x - 16, y + 36, column.sign, font_size=14),
    ]
    for r, row in enumerate(np.atleast_2d(column.numbers)):
        for c, number in enumerate(row):
            place = x + 48 * (c + 1), y + 36 + LINE * r
            pieces.append(text(*place, _written(np.float64(number)), text_anchor="end"))
    return "".join(pieces)


@cache
def _graph():
    """Return the graph's picture, its parts marked by their ids, without what SVG repeats."""
    with mpl.rc_context():
        plotting.use_style()
        figure = Figure()
        computational_graph(figure.subplots(), *example())
        buffer = StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    drawn = re.search(r'<g id="figure_1">.*</g>', buffer.getvalue(), re.DOTALL)[0]
    drawn = re.sub(r' id="(?:figure|axes|patch|text)_\d+"| clip-path="[^"]*"', "", drawn)
    return re.sub(r"font-family: [^;]*; ", "", drawn)


def _lit_graph(step):
    """Return the graph with the step's node lit, and what is not yet known hidden."""
    node, back = at(step)
    trace, _ = example()
    names = [*trace.graph.nodes]
    place = names.index(node.name)
    looks = {part_id("node", node.name): 'class="bnlib-now"'}
    known = {*trace.graph.inputs, *(names if back else names[: place + 1])}
    looks |= {part_id("node", name): 'class="bnlib-later"' for name in names if name not in known}
    for source, target in (*trace.graph.edges, (trace.graph.output, None)):
        arrived = back and (target is None or names.index(target) >= place)
        if target == node.name:
            looks[part_id("arrow", source, target)] = 'class="bnlib-along"'
        if source not in known:
            looks[part_id("value", source, target)] = 'display="none"'
        if not arrived:
            looks[part_id("gradient", source, target)] = 'display="none"'
    style = element("style", STYLE)
    return style + re.sub(r'id="([^"]*)"', lambda found: looks.get(found[1], ""), _graph())
