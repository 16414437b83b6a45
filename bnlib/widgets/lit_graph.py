"""The walk's graph at one step: which node is lit, what has been computed, and which way it goes.

Arrows point the way that numbers travel: values forward, gradients back. What nothing has
reached yet is dashed.
"""

from functools import cache
from math import hypot

import numpy as np

from bnlib.plotting.arrangement import BOX_HEIGHT
from bnlib.plotting.graph_plan import FILL, LEGEND, NAME, SMALL, part_id, plan_picture, text_width
from bnlib.plotting.style import COLORS, FAINT, INK
from bnlib.widgets.svg import element, text
from bnlib.widgets.walk import at, example

INCH = 90  # in units of the picture
POINT = INCH / 72
BELOW = 24  # for the legend
DASHED = {"stroke_dasharray": "4 3"}
HALO = {"stroke": "white", "stroke_width": 4, "stroke_linejoin": "round", "paint_order": "stroke"}


def graph_size():
    """Return the width and the height of the graph and its legend."""
    arrangement = _plan().arrangement
    return arrangement.width * INCH, arrangement.height * INCH + BELOW


def draw_graph(step):
    """Return the SVG elements of the graph at a step, from 0, 0 on."""
    node, back = at(step)
    plan, way, travelled = _plan(), "gradient" if back else "value", _travelled(step)
    for edge, route in plan.arrangement.routes.items():
        yield _arrow(edge, route.corners, way, edge[1] == node.name, edge in travelled[way])
        for kind, edges in travelled.items():
            if edge in edges:
                yield _label(edge, route, kind, plan.labels[edge][kind])
    known = {source for source, _ in travelled["value"]}
    for name, centre in plan.arrangement.places.items():
        yield _box(name, centre, name == node.name, name in known)
    yield from _legend([way] if way == "value" else LEGEND)


def _travelled(step):
    """Return the edges that a value has come along so far, and those that a gradient has."""
    node, back = at(step)
    graph = example()[0].graph
    names = [*graph.nodes]
    place = names.index(node.name)
    known = {*graph.inputs, *(names if back else names[: place + 1])}
    gone = {None, *names[place:]} if back else {}
    edges = _plan().labels
    return {
        "value": {(source, target) for source, target in edges if source in known},
        "gradient": {(source, target) for source, target in edges if target in gone},
    }


@cache
def _plan():
    trace, gradients = example()
    return plan_picture(trace.graph, trace.values, gradients)


def _arrow(edge, corners, way, now, travelled):
    """Draw an arrow with its head at the end that the numbers arrive at."""
    points = INCH * np.array(corners)[:: 1 if way == "value" else -1]
    last = points[-1] - points[-2]
    head = last * min(1, (11 if now else 8) / hypot(*last))
    base, side = points[-1] - head, 0.45 * head[::-1] * (1, -1)
    color = COLORS[way] if now else FAINT
    line = element(
        "polyline",
        points=_points(*points[:-1], base),
        fill="none",
        stroke=color,
        stroke_width=3 if now else 1.2,
        **({} if travelled else DASHED),
    )
    tip = element("polygon", points=_points(points[-1], base + side, base - side), fill=color)
    return element("g", line, tip, data_part=part_id("arrow", *edge))


def _label(edge, route, kind, words):
    """Write a value above its arrow's label place, or a gradient below it."""
    x, y = (v * INCH for v in route.label)
    anchor = {} if route.beside else {"text_anchor": "middle"}
    looks = {"font_size": SMALL * POINT, "fill": COLORS[kind], **HALO, **anchor}
    below = -6 if kind == "value" else 14
    return text(x, y + below, words, **looks, data_part=part_id(kind, *edge))


def _box(name, centre, lit, known):
    """Draw a node's box with its lines of text."""
    plan, graph = _plan(), example()[0].graph
    kind = "highlight" if lit else "input" if name in graph.inputs else "node"
    x, y, width, height = (v * INCH for v in (centre.x, centre.y, plan.box_width, BOX_HEIGHT))
    box = element(
        "rect",
        x=x - width / 2,
        y=y - height / 2,
        width=width,
        height=height,
        rx=7,
        fill=FILL[kind],
        stroke=INK if lit else FAINT,
        stroke_width=3 if lit else 1.2,
        **({} if known else DASHED),
    )
    lines, middle = plan.boxes[name], {"text_anchor": "middle"}
    for k, (line, points) in enumerate(lines):
        below = y + 14 * (k - (len(lines) - 1) / 2) + 4
        looks = {"font_size": points * POINT, "fill": INK if points == NAME else FAINT}
        box += text(x, below, line, **looks, **middle)
    return element("g", box, data_part=part_id("node", name))


def _legend(kinds):
    said = {COLORS[kind]: LEGEND[kind] for kind in kinds}
    x, y = 10, graph_size()[1] - 6
    for color, words in {**said, FAINT: "dashed: not reached yet"}.items():
        yield text(x, y, words, font_size=SMALL * POINT, fill=color)
        x += (text_width(words, SMALL) + 0.3) * INCH


def _points(*points):
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
