"""The picture of a computational graph: boxes and arrows, values above and gradients below."""

from textwrap import wrap

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from bnlib.graph.primitives import shape_text
from bnlib.plotting.arrangement import BOX_HEIGHT, layout
from bnlib.plotting.style import COLORS

SMALL, NAME = 8, 9  # font sizes in points
FEW = 0.68  # inches of text
WIDTH = 10  # inches, as wide as a notebook shows a figure in its own size
LEGEND, TITLE = 0.25, 0.3  # inches left for them
INK, LINE = "#222222", "#595959"
FILL = {"input": "white", "node": "#EFEFEF", "highlight": "#FFF2B3"}

SIGNS = {" - ": " − ", " * ": " × ", "^2": "²", " over ": "\nover "}


def computational_graph(ax, trace, gradients=None, highlight=None):
    """Draw a graph from left to right: a box for each node, an arrow for each use of a value.

    The value stands above its arrow, the gradient that comes back along the arrow below it; as
    a shape, by axis names, or as numbers where they are few. A value that is used twice has two
    arrows, with a gradient each.

    Parameters
    ----------
    ax : matplotlib Axes
        Emptied. Its figure is made as large as the picture needs, if it holds nothing else.
    trace : Trace or Graph
    gradients : Gradients, optional
        From ``trace.backward``.
    highlight : str, optional
        The node to point out, with its arrows.

    Returns
    -------
    ax

    Raises
    ------
    ValueError
        If there is no node to highlight.
    """
    graph = getattr(trace, "graph", trace)
    values = getattr(trace, "values", {})
    if highlight is not None and highlight not in graph.axes:
        raise ValueError(f"the graph has no node {highlight!r}; it has {[*graph.axes]}")
    labels = _labels(graph, values, gradients)
    boxes = {name: _box_text(graph, name) for name in graph.axes}
    box_width = 0.16 + max(_width(line, size) for text in boxes.values() for line, size in text)
    label_width = max(_width(text, SMALL) for both in labels.values() for text in both.values())
    plan = layout(graph, box_width, label_width, WIDTH)
    _prepare(ax, plan, ("value",) if gradients is None else ("value", "gradient"))
    for edge, route in plan.routes.items():
        _arrow(ax, edge, route, labels[edge], strong=_is_strong(edge, highlight, gradients))
    for name, place in plan.places.items():
        kind = "input" if name in graph.inputs else "node"
        _box(ax, name, place, boxes[name], box_width, kind, name == highlight)
    return ax


def part_id(kind, *place):
    """Return the id that a part of the picture has in an SVG.

    A node's box is ``part_id("node", name)``; an edge (source, node) has its ``"arrow"`` and,
    beside it, its ``"value"`` and its ``"gradient"``. The node of what leaves the graph is None.
    """
    return "-".join([kind, *(name or "out" for name in place)])


def _is_strong(edge, highlight, gradients):
    """Tell whether to stress an arrow: where gradients are shown, only those that bring some."""
    return highlight is not None and highlight in (edge if gradients is None else edge[:1])


def _labels(graph, values, gradients):
    """Return edge -> the texts at its arrow, {"value": ..., "gradient": ...}."""
    edges = (*graph.edges, (graph.output, None))
    labels = {e: {"value": _text(values.get(e[0]), graph.axes[e[0]])} for e in edges}
    if gradients is not None:
        arrived = {**gradients.edges, (graph.output, None): gradients[graph.output]}
        for edge, gradient in arrived.items():
            labels[edge]["gradient"] = _text(gradient, graph.axes[edge[0]], many=_norm(gradient))
    return labels


def _text(array, axes, many=None):
    """Return an array's numbers where they are few and short; else its shape, or another text."""
    if array is not None and np.size(array) <= 2 and np.ndim(array) < 2:
        form = "{:.3g}" if np.ndim(array) == 0 else f"[{', '.join(['{:.2g}'] * np.size(array))}]"
        text = form.format(*np.ravel(array))
        if _width(text, SMALL) < FEW:
            return text
    return shape_text(axes) if many is None else many


def _norm(gradient):
    """Return the norm with two digits, or with one where that would be too wide."""
    norm = np.linalg.norm(gradient)
    text = f"norm {norm:.2g}"
    short = f"norm {norm:.0e}".replace("e+0", "e").replace("e-0", "e-")
    return text if _width(text, SMALL) < FEW else short


def _box_text(graph, name):
    """Return a box's lines with their font sizes: the name, and what the node does."""
    lines = [(line.replace(" ", ""), NAME) for line in wrap(name.replace("_", "_ "), 13)]
    if name in graph.inputs:
        return [*lines, ("input", SMALL)]
    primitive = graph.nodes[name].primitive
    formula = primitive.formula.format(*"•" * primitive.arity, over=", ".join(primitive.over))
    for plain, symbol in SIGNS.items():
        formula = formula.replace(plain, symbol)
    return lines + [(line, SMALL) for line in formula.split("\n")]


def _width(text, size):
    font = FontProperties(size=size)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def _prepare(ax, plan, keys):
    """Empty the Axes, let one unit be an inch, and write the legend at the bottom."""
    ax.clear()
    ax.set(xlim=(0, plan.width), ylim=(plan.height + LEGEND, 0), aspect="equal", anchor="S")
    ax.set_axis_off()
    if ax.figure.axes == [ax]:
        ax.figure.set_size_inches(plan.width, plan.height + LEGEND + TITLE)
        if ax.figure.get_layout_engine() is None:
            ax.set_position((0, 0, 1, (plan.height + LEGEND) / (plan.height + LEGEND + TITLE)))
    texts = ("above an arrow: the value, or its shape", "below: its gradient, or the norm of it")
    x, y = 0.1, plan.height + LEGEND / 2
    for key, text in zip(keys, texts, strict=False):
        ax.text(x, y, text, color=COLORS[key], fontsize=SMALL, va="center")
        x += _width(text, SMALL) + 0.3


def _arrow(ax, edge, route, labels, strong):
    look = {"color": INK if strong else LINE, "linewidth": 2 if strong else 1}
    arrow = FancyArrowPatch(
        path=Path(route.corners), arrowstyle="-|>", mutation_scale=9, shrinkA=0, shrinkB=0, **look
    )
    arrow.set_gid(part_id("arrow", *edge))
    ax.add_patch(arrow)
    x, y = route.label
    for key, text in labels.items():
        above = key == "value"
        ax.text(
            x,
            y + (-0.045 if above else 0.045),
            text,
            color=COLORS[key],
            fontsize=SMALL,
            ha="left" if route.beside else "center",
            va="bottom" if above else "top",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.2},
            gid=part_id(key, *edge),
        )


def _box(ax, name, place, lines, width, kind, highlighted):
    corner = (place.x - width / 2, place.y - BOX_HEIGHT / 2)
    box = FancyBboxPatch(
        corner,
        width,
        BOX_HEIGHT,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=FILL["highlight" if highlighted else kind],
        edgecolor=INK if highlighted else LINE,
        linewidth=2.4 if highlighted else 1,
        gid=part_id("node", name),
    )
    ax.add_patch(box)
    for k, (line, size) in enumerate(lines):
        y = place.y + 0.155 * (k - (len(lines) - 1) / 2)
        color = INK if size == NAME else LINE
        ax.text(place.x, y, line, fontsize=size, ha="center", va="center", color=color)
