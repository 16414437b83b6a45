"""The picture of a computational graph: boxes and arrows, values above and gradients below."""

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from bnlib.plotting.arrangement import BOX_HEIGHT
from bnlib.plotting.graph_plan import FILL, LEGEND, NAME, SMALL, part_id, plan_picture, text_width
from bnlib.plotting.style import COLORS, FAINT, INK

BELOW, TITLE = 0.25, 0.3  # inches left for the legend and the title


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
    plan = plan_picture(graph, values, gradients)
    _prepare(ax, plan.arrangement, ("value",) if gradients is None else ("value", "gradient"))
    for edge, route in plan.arrangement.routes.items():
        _arrow(ax, edge, route, plan.labels[edge], _is_strong(edge, highlight, gradients))
    for name, place in plan.arrangement.places.items():
        kind = "input" if name in graph.inputs else "node"
        _box(ax, name, place, plan.boxes[name], plan.box_width, kind, name == highlight)
    return ax


def _is_strong(edge, highlight, gradients):
    """Tell whether to stress an arrow: where gradients are shown, only those that bring some."""
    return highlight is not None and highlight in (edge if gradients is None else edge[:1])


def _prepare(ax, size, keys):
    """Empty the Axes, let one unit be an inch, and write the legend at the bottom."""
    height = size.height + BELOW
    ax.clear()
    ax.set(xlim=(0, size.width), ylim=(height, 0), aspect="equal", anchor="S")
    ax.set_axis_off()
    if ax.figure.axes == [ax]:
        ax.figure.set_size_inches(size.width, height + TITLE)
        if ax.figure.get_layout_engine() is None:
            ax.set_position((0, 0, 1, height / (height + TITLE)))
    x, y = 0.1, size.height + BELOW / 2
    for key in keys:
        ax.text(x, y, LEGEND[key], color=COLORS[key], fontsize=SMALL, va="center")
        x += text_width(LEGEND[key], SMALL) + 0.3


def _arrow(ax, edge, route, labels, strong):
    look = {"color": INK if strong else FAINT, "linewidth": 2 if strong else 1}
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
        edgecolor=INK if highlighted else FAINT,
        linewidth=2.4 if highlighted else 1,
        gid=part_id("node", name),
    )
    ax.add_patch(box)
    for k, (line, size) in enumerate(lines):
        y = place.y + 0.155 * (k - (len(lines) - 1) / 2)
        color = INK if size == NAME else FAINT
        ax.text(place.x, y, line, fontsize=size, ha="center", va="center", color=color)
