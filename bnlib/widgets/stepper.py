"""The graph stepper: batch norm's nine nodes forward and back, one at a time, with numbers."""

import re
from functools import cache
from io import StringIO

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from bnlib import plotting
from bnlib.plotting.graph_picture import computational_graph, part_id
from bnlib.widgets.explorer import Explorer
from bnlib.widgets.svg import FAINT, element, picture, text
from bnlib.widgets.walk import at, backward_rows, example, forward_rows, name_of

SCALE, GRAPH_WIDTH, GRAPH_HEIGHT = 1.25, 714, 331  # of the graph's picture, in points
WIDTH, ROW, COLUMN, LINE = 900, 112, 178, 16
STYLE = """
.bnlib-now path { fill: #FFF2B3 !important; stroke: #222222 !important; stroke-width: 3 }
.bnlib-later path { stroke-dasharray: 3 3 }
.bnlib-along path { stroke: #222222 !important; stroke-width: 2.5 }
.bnlib-along path + path { fill: #222222 !important }
"""


def draw(step=1):
    """Return the picture of a step from 1 to 18: the graph, and below it the node's numbers."""
    node, back = at(step)
    rows = backward_rows(node) if back else forward_rows(node)
    claim = f"{name_of(step)}: {node.name} = {node.formula}"
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
    options = [(name_of(step), step) for step in range(1, last + 1)]
    steps = ipywidgets.SelectionSlider(options=options, description="Step")
    steps.layout.width = "28em"
    buttons = []
    for description, move in (("Previous", -1), ("Next", 1)):
        button = ipywidgets.Button(description=description)
        button.on_click(lambda _, move=move: _move(steps, move, last))
        buttons.append(button)
    return {"step": steps}, [ipywidgets.HBox([*buttons, steps])]


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
