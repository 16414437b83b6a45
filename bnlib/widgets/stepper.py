"""The graph stepper: batch norm's nine nodes forward and back, one at a time, with numbers."""

import numpy as np

from bnlib.plotting.graph_plan import text_width
from bnlib.plotting.style import COLORS, FAINT
from bnlib.widgets.explorer import Explorer
from bnlib.widgets.lit_graph import draw_graph, graph_size
from bnlib.widgets.svg import element, picture, text
from bnlib.widgets.walk import at, backward_rows, example, forward_rows, name_of

TOP, LEFT, GAP = 52, 22, 28  # of the numbers, and between their columns
NUMBER, LINE = 48, 16  # a number's room
ROWS = 36 + 4 * LINE  # the height of a column
GRAPH = TOP + ROWS


def draw(step=1):
    """Return the picture of a step from 1 to 18: the node's numbers, and below them the graph."""
    node, back = at(step)
    rows = backward_rows(node) if back else forward_rows(node)
    claim = f"{name_of(step)}: {node.name} = {node.formula}"
    said = "Upstream gradient times local derivative: " if back else "Its value: "
    alt = f"{claim}. {said}{'; '.join(_spoken(row) for row in rows)}."
    width, height = graph_size()
    graph = element("g", *draw_graph(step), transform=f"translate(0 {GRAPH})")
    return picture(
        (round(width), round(GRAPH + height)),
        *_columns(rows),
        graph,
        title=claim,
        alt=alt,
        state={"step": step},
    )


def graph_stepper():
    """Return the stepper: walk the nine nodes forward and back, by button, slider or key."""
    still = {"step": 3}  # before the first question of notebook 04, whose answer is not shown yet
    return Explorer("graph-stepper", draw, _build, still)


def _build(ipywidgets):
    last = 2 * len(example()[0].graph.nodes)
    options = [(name_of(step), step) for step in range(1, last + 1)]
    steps = ipywidgets.SelectionSlider(options=options, description="Step")
    steps.layout.width = "32em"
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


def _columns(rows):
    """Draw the columns of all rows side by side, with a line between two rows."""
    x = LEFT
    for row in rows:
        if x > LEFT:
            yield element("path", d=f"M{x - 16} {TOP - 12}V{TOP + ROWS - 20}", stroke=FAINT)
            x += GAP - 16
        for column in row:
            yield _column(column, x)
            x += _room(column) + GAP


def _room(column):
    """Return the width of a column."""
    heading = text_width(column.heading, 12, "bold"), text_width(column.note, 11)
    return max(NUMBER * np.atleast_2d(column.numbers).shape[1], *(72 * w for w in heading))


def _column(column, x):
    """Draw a column: its heading, a note, and its numbers in rows."""
    looks = {"fill": COLORS[column.kind], "font_weight": "bold"}
    pieces = [
        text(x, TOP, column.heading, **looks),
        text(x, TOP + 15, column.note, font_size=11, fill=FAINT),
        text(x - 16, TOP + 36, column.sign, font_size=14),
    ]
    for r, row in enumerate(np.atleast_2d(column.numbers)):
        for c, number in enumerate(row):
            place = x + NUMBER * (c + 1), TOP + 36 + LINE * r
            pieces.append(text(*place, _written(np.float64(number)), text_anchor="end"))
    return "".join(pieces)
