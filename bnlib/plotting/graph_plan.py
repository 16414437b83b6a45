"""What the picture of a graph says and where, for a figure as for an explorer: no drawing.

Its texts are a box's lines, and the value and the gradient at an arrow: as a shape, by axis names,
or as numbers where they are few. Lengths are in inches, font sizes in points.
"""

from textwrap import wrap
from typing import NamedTuple

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from bnlib.graph.primitives import shape_text
from bnlib.plotting.arrangement import Arrangement, arrange
from bnlib.plotting.style import PALE

SMALL, NAME = 8, 9  # font sizes
FEW = 0.68  # the room for numbers
WIDTH = 10  # as wide as a notebook shows a figure in its own size
FILL = {"input": "white", "node": PALE, "highlight": "#FFF2B3"}
LEGEND = {
    "value": "above an arrow: the value, or its shape",
    "gradient": "below: its gradient, or the norm of it",
}
SIGNS = {" - ": " − ", " * ": " × ", "^2": "²", " over ": "\nover "}


class Plan(NamedTuple):
    """A picture's texts and their places.

    boxes: name -> [(line, font size)]; labels: edge -> {"value": text, "gradient": text}, the
    edge (output, None) being what leaves the graph.
    """

    boxes: dict
    labels: dict
    box_width: float
    arrangement: Arrangement


def plan_picture(graph, values, gradients=None):
    """Return the `Plan` of a graph with its values, name -> array, and `Gradients`, if any."""
    labels = _labels(graph, values, gradients)
    boxes = {name: _box_lines(graph, name) for name in graph.axes}
    box_width = 0.16 + max(text_width(*line) for lines in boxes.values() for line in lines)
    label_width = max(text_width(text, SMALL) for both in labels.values() for text in both.values())
    return Plan(boxes, labels, box_width, arrange(graph, box_width, label_width, WIDTH))


def part_id(kind, *place):
    """Return the name that a part has in every picture of a graph.

    A node's box is ``part_id("node", name)``; an edge (source, node) has its ``"arrow"`` and,
    beside it, its ``"value"`` and its ``"gradient"``. The node of what leaves the graph is None.
    """
    return "-".join([kind, *(name or "out" for name in place)])


def text_width(text, size, weight="normal"):
    """Return the width of a line of text."""
    font = FontProperties(size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def _labels(graph, values, gradients):
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
        if text_width(text, SMALL) < FEW:
            return text
    return shape_text(axes) if many is None else many


def _norm(gradient):
    """Return the norm with two digits, or with one where that would be too wide."""
    norm = np.linalg.norm(gradient)
    text = f"norm {norm:.2g}"
    short = f"norm {norm:.0e}".replace("e+0", "e").replace("e-0", "e-")
    return text if text_width(text, SMALL) < FEW else short


def _box_lines(graph, name):
    """Return a box's lines with their font sizes: the name, and what the node does."""
    lines = [(line.replace(" ", ""), NAME) for line in wrap(name.replace("_", "_ "), 13)]
    if name in graph.inputs:
        return [*lines, ("input", SMALL)]
    primitive = graph.nodes[name].primitive
    formula = primitive.formula.format(*"•" * primitive.arity, over=", ".join(primitive.over))
    for plain, symbol in SIGNS.items():
        formula = formula.replace(plain, symbol)
    return lines + [(line, SMALL) for line in formula.split("\n")]
