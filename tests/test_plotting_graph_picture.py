"""The picture's structure: what is drawn, what it says, and that nothing covers anything."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from bnlib.graph import Graph, batchnorm_graph, spatial_batchnorm_graph
from bnlib.graph.primitives import (
    add,
    divide,
    exp,
    mean_over,
    multiply,
    sqrt_plus,
    square,
    sum_over,
)
from bnlib.plotting import COLORS
from bnlib.plotting.arrangement import arrange, depths
from bnlib.plotting.graph_picture import computational_graph
from bnlib.plotting.graph_plan import part_id
from tests.strategies import random_case


def spatial():
    x, gamma, beta, dout = random_case()
    trace = spatial_batchnorm_graph().forward(x=x, gamma=gamma, beta=beta)
    return trace, trace.backward(dout)


def plain():
    x, gamma, beta, dout = random_case((5, 2))
    trace = batchnorm_graph().forward(x=x, gamma=gamma, beta=beta)
    return trace, trace.backward(dout)


def softmax():
    rng = np.random.default_rng(0)
    graph = Graph(
        {"scores": "N K"},
        [
            ("exp_scores", exp, "scores"),
            ("total", sum_over("K"), "exp_scores"),
            ("p", divide, "exp_scores", "total"),
        ],
    )
    trace = graph.forward(scores=rng.normal(size=(4, 3)))
    return trace, trace.backward(rng.normal(size=(4, 3)))


def numbers():
    """Return a graph of single numbers in which the arrows of one gap must cross."""
    graph = Graph(
        {"a": "", "b": ""},
        [
            ("ab", multiply, "a", "b"),
            ("a_sqr", square, "a"),
            ("total", add, "ab", "a_sqr"),
            ("root", sqrt_plus(2.0), "total"),
            ("y", multiply, "root", "a"),
        ],
    )
    trace = graph.forward(a=2, b=3.5)
    return trace, trace.backward(1.25)


def long_chain():
    """Return a graph of 13 nodes, each using the first as well as the one before it."""
    names = [f"step_{k}" for k in range(13)]
    steps = [(names[0], mean_over("T"), "x")]
    steps += [(b, multiply, a, names[0]) for a, b in pairwise(names)]
    trace = Graph({"x": "batch T"}, steps).forward(x=np.ones((3, 2)))
    return trace, trace.backward(np.ones(3))


GRAPHS = {f.__name__: f for f in (spatial, plain, softmax, numbers, long_chain)}
EVERY_GRAPH = pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)


@pytest.fixture(scope="module", params=GRAPHS.values(), ids=GRAPHS)
def picture(request):
    """Draw a graph with its gradients; return Axes and trace."""
    trace, gradients = request.param()
    fig, ax = plt.subplots()
    computational_graph(ax, trace, gradients, highlight=trace.graph.output)
    fig.canvas.draw()
    yield ax, trace
    plt.close(fig)


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def boxes(ax):
    return [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]


def arrows(ax):
    return [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]


def texts(ax, color=None):
    return [
        t.get_text() for t in ax.texts if color is None or to_hex(t.get_color()) == color.lower()
    ]


def test_every_node_is_a_box_and_every_use_an_arrow(picture):
    ax, trace = picture
    assert len(boxes(ax)) == len(trace.graph.axes)
    assert len(arrows(ax)) == len(trace.graph.edges) + 1  # and what leaves the graph
    drawn = "".join(texts(ax))
    for name in trace.graph.axes:
        assert name in drawn, name  # broken into lines, and so in one piece again here


def test_no_text_overlaps_another_and_none_crosses_the_edge_of_its_box(picture):
    ax, _ = picture
    written = [(t.get_text(), t.get_window_extent()) for t in ax.texts]
    for i, (text, extent) in enumerate(written):
        for other, other_extent in written[:i]:
            # Boxes of letters may touch, where a name has two lines.
            overlap = extent.padded(-1).overlaps(other_extent.padded(-1))
            assert not overlap, f"{text!r} on {other!r}"
        for patch in boxes(ax):
            box = patch.get_window_extent()
            inside = box.x0 <= extent.x0 and extent.x1 <= box.x1
            assert inside or not box.overlaps(extent), text


def test_letters_keep_8_points_in_a_picture_no_wider_than_10_inches(picture):
    ax, _ = picture
    width, height = ax.figure.get_size_inches()
    assert min(t.get_fontsize() for t in ax.texts) >= 8
    assert width <= 10
    per_inch = ax.transData.transform((1, 0))[0] - ax.transData.transform((0, 0))[0]
    assert per_inch / ax.figure.dpi == pytest.approx(1, abs=0.02)  # drawn in its own size
    assert ax.get_window_extent().y1 <= height * ax.figure.dpi


def test_values_are_blue_above_and_gradients_vermilion_below_each_arrow(ax):
    trace, gradients = spatial()
    computational_graph(ax, trace, gradients)
    shapes = {node.shape for node in trace.graph.nodes.values()}
    values = [t for t in ax.texts if t.get_text() in shapes]
    norms = [t for t in ax.texts if t.get_text().startswith("norm ")]
    received = [*gradients.edges.values(), gradients["y"]]
    assert {t.get_text() for t in values} == shapes
    assert sorted(t.get_text() for t in norms) == sorted(
        f"norm {np.linalg.norm(gradient):.2g}" for gradient in received
    )
    assert {to_hex(t.get_color()) for t in values} == {COLORS["value"].lower()}
    assert {to_hex(t.get_color()) for t in norms} == {COLORS["gradient"].lower()}
    for value, norm in zip(values, norms, strict=True):
        (x, above), (same_x, below) = value.get_position(), norm.get_position()
        assert x == same_x
        assert above < below  # y grows downwards


def test_without_gradients_there_are_none(ax):
    trace, _ = spatial()
    computational_graph(ax, trace)
    assert texts(ax, COLORS["gradient"]) == []
    assert texts(ax, COLORS["value"])


def test_few_numbers_are_written_out_and_edges_show_their_own_gradient(ax):
    trace, gradients = numbers()
    computational_graph(ax, trace, gradients)
    values, received = texts(ax, COLORS["value"]), texts(ax, COLORS["gradient"])
    assert {"2", "3.5", "7", "4", "11"} <= set(values)
    for edge in (("a", "ab"), ("a", "a_sqr"), ("a", "y")):
        assert f"{float(gradients.edges[edge]):.3g}" in received
    assert "1.25" in received  # dout
    assert f"{float(gradients['a']):.3g}" not in received  # the sum stands on no edge


def test_graph_without_values_is_drawn_with_shapes(ax):
    computational_graph(ax, batchnorm_graph())
    assert {"(N, D)", "(D,)"} <= set(texts(ax, COLORS["value"]))


@pytest.mark.parametrize("name", ["x", "x_minus_mean", "var", "y"])
def test_highlighted_node_and_its_arrows_alone_are_thick(ax, name):
    trace, _ = spatial()
    computational_graph(ax, trace, highlight=name)
    assert sum(patch.get_linewidth() > 2 for patch in boxes(ax)) == 1
    touching = sum(name in edge for edge in trace.graph.edges) + (name == "y")
    assert sum(patch.get_linewidth() > 1 for patch in arrows(ax)) == touching


@pytest.mark.parametrize(("name", "uses"), [("x", 2), ("x_minus_mean", 2), ("var", 1), ("y", 1)])
def test_with_gradients_only_those_arrows_are_thick_that_bring_one(ax, name, uses):
    computational_graph(ax, *spatial(), highlight=name)
    assert sum(patch.get_linewidth() > 1 for patch in arrows(ax)) == uses


def test_every_part_is_found_by_its_id(ax):
    trace, gradients = spatial()
    computational_graph(ax, trace, gradients)
    parts = {artist.get_gid(): artist for artist in (*ax.patches, *ax.texts)}
    names, edges = trace.graph.axes, [*trace.graph.edges, ("y", None)]
    boxes_by_id = [parts[part_id("node", name)] for name in names]
    assert sorted(map(id, boxes_by_id)) == sorted(map(id, boxes(ax)))
    kinds = ("arrow", "value", "gradient")
    assert len(parts) - 1 == len(names) + 3 * len(edges)  # one None, for all other texts
    for edge in edges:
        arrow, value, gradient = (parts[part_id(kind, *edge)] for kind in kinds)
        assert isinstance(arrow, FancyArrowPatch)
        assert to_hex(value.get_color()) == COLORS["value"].lower()
        assert to_hex(gradient.get_color()) == COLORS["gradient"].lower()
        assert value.get_position()[0] == gradient.get_position()[0]
        received = gradients["y"] if edge[1] is None else gradients.edges[edge]
        if np.ndim(received) > 1:
            assert gradient.get_text() == f"norm {np.linalg.norm(received):.2g}"


def test_unknown_highlight_is_an_error(ax):
    with pytest.raises(ValueError, match="the graph has no node 'sigma'"):
        computational_graph(ax, spatial()[0], highlight="sigma")


def test_drawing_twice_is_drawing_once(ax):
    trace, gradients = spatial()
    computational_graph(ax, trace, gradients)
    first = (len(ax.patches), texts(ax), tuple(ax.figure.get_size_inches()))
    assert computational_graph(ax, trace, gradients) is ax
    assert (len(ax.patches), texts(ax), tuple(ax.figure.get_size_inches())) == first


def test_picture_beside_another_leaves_the_figures_size_alone():
    fig, (left, _) = plt.subplots(1, 2, figsize=(12, 5))
    computational_graph(left, softmax()[0])
    assert tuple(fig.get_size_inches()) == (12, 5)
    plt.close(fig)


# The arrangement, in inches


@EVERY_GRAPH
def test_arrows_lead_on_in_reading_order(make):
    graph = make()[0].graph
    plan = arrange(graph, box_width=1.0, label_width=0.7, width=10)
    for source, target in graph.edges:
        a, b = plan.places[source], plan.places[target]
        assert (a.row, a.column) < (b.row, b.column)


@EVERY_GRAPH
def test_boxes_do_not_overlap_and_arrows_end_at_their_box(make):
    graph = make()[0].graph
    plan = arrange(graph, box_width=1.0, label_width=0.7, width=10)
    places = list(plan.places.values())
    for i, a in enumerate(places):
        assert 0.5 <= a.x <= plan.width - 0.5
        for b in places[:i]:
            assert abs(a.x - b.x) >= 1.0 or abs(a.y - b.y) >= 0.66
    for (source, target), route in plan.routes.items():
        for name, (x, y) in ((source, route.corners[0]), (target, route.corners[-1])):
            if name is not None:
                place = plan.places[name]
                dx, dy = abs(x - place.x) - 0.5, abs(y - place.y) - 0.33
                assert max(dx, dy) == pytest.approx(0, abs=1e-9), (source, target)


@EVERY_GRAPH
def test_arrows_are_level_or_upright_and_cross_no_box(make):
    graph = make()[0].graph
    plan = arrange(graph, box_width=1.0, label_width=0.7, width=10)
    for edge, route in plan.routes.items():
        assert all(0 < x < plan.width and 0 < y < plan.height for x, y in route.corners), edge
        for (x0, y0), (x1, y1) in pairwise(route.corners):
            assert x0 == pytest.approx(x1) or y0 == pytest.approx(y1), edge
            for name, place in plan.places.items():
                apart_x = max(min(x0, x1) - place.x, place.x - max(x0, x1)) >= 0.5 - 1e-9
                apart_y = max(min(y0, y1) - place.y, place.y - max(y0, y1)) >= 0.33 - 1e-9
                assert apart_x or apart_y, f"{edge} crosses {name}"


@EVERY_GRAPH
def test_no_two_arrows_have_the_same_way_or_label_place(make):
    graph = make()[0].graph
    plan = arrange(graph, box_width=1.0, label_width=0.7, width=10)
    tips = [route.corners[-1] for edge, route in plan.routes.items() if edge[1] is not None]
    labels = [route.label for route in plan.routes.values()]
    assert len(set(tips)) == len(tips)
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("make", [spatial, plain, softmax])
def test_no_arrow_runs_through_the_label_of_another(make):
    graph = make()[0].graph
    plan = arrange(graph, box_width=0.95, label_width=0.7, width=10)
    for edge, route in plan.routes.items():
        x, y = route.label
        left = x if route.beside else x - 0.35
        for other, way in plan.routes.items():
            if other != edge:
                for (x0, y0), (x1, y1) in pairwise(way.corners):
                    beside = max(x0, x1) <= left or min(x0, x1) >= left + 0.7
                    assert beside or max(y0, y1) < y - 0.15 or min(y0, y1) > y + 0.15, (edge, other)


def scaled(factor):
    """Return the spatial trace and its gradients, for a dout that is much smaller or larger."""
    trace, _ = spatial()
    return trace, trace.backward(factor * random_case().dout)


@pytest.mark.parametrize(
    "make", [spatial, plain, lambda: scaled(1e-3), lambda: scaled(1e-9), lambda: scaled(300)]
)
def test_batchnorm_reads_in_two_rows_of_five(ax, make):
    computational_graph(ax, *make())
    rows = {}
    for box in boxes(ax):
        rows.setdefault(round(box.get_y(), 6), []).append(box)
    assert [len(row) for _, row in sorted(rows.items())] == [5, 5, 2]  # gamma and beta below


def test_input_stands_just_before_its_first_use():
    depth = depths(spatial_batchnorm_graph())
    assert [depth[name] for name in ("x", "mean", "xhat", "gamma", "beta", "y")] == [
        0,
        1,
        7,
        7,
        8,
        9,
    ]
