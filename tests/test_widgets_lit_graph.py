"""The stepper's graph: what is lit, what is shown, and which way the arrows point."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bnlib.plotting import COLORS
from bnlib.plotting.graph_plan import FILL, part_id
from bnlib.widgets import walk
from bnlib.widgets.lit_graph import draw_graph, graph_size

STEPS = range(1, 19)
TRACE, GRADIENTS = walk.example()
NAMES = [*TRACE.graph.nodes]
EDGES = [*TRACE.graph.edges, ("y", None)]


def parts(step):
    """Return the parts of a step's graph by their names."""
    root = ElementTree.fromstring(f"<svg>{''.join(draw_graph(step))}</svg>")
    return {e.get("data-part"): e for e in root if e.get("data-part")}


def box(step, name):
    return parts(step)[part_id("node", name)].find("rect")


def line(step, edge):
    return parts(step)[part_id("arrow", *edge)].find("polyline")


def is_dashed(element):
    return element.get("stroke-dasharray") is not None


def points(element):
    return np.array([pair.split(",") for pair in element.get("points").split()], float)


@pytest.mark.parametrize("step", STEPS)
def test_graph_has_every_box_and_every_arrow_at_every_step(step):
    kinds = [name.split("-")[0] for name in parts(step)]
    assert (
        (kinds.count("node"), kinds.count("arrow"))
        == (len(TRACE.graph.axes), len(EDGES))
        == (12, 14)
    )


@pytest.mark.parametrize("step", STEPS)
def test_only_the_steps_node_is_lit(step):
    node, _ = walk.at(step)
    lit = [name for name in TRACE.graph.axes if box(step, name).get("fill") == FILL["highlight"]]
    assert lit == [node.name]
    words = "".join(t.text for t in parts(step)[part_id("node", node.name)].iter("text"))
    assert words.startswith(node.name)


@pytest.mark.parametrize("step", STEPS)
def test_nodes_to_come_are_dashed(step):
    dashed = [name for name in TRACE.graph.axes if is_dashed(box(step, name))]
    assert dashed == NAMES[step:9]


@pytest.mark.parametrize("step", STEPS)
def test_graph_shows_only_what_has_been_computed(step):
    node, back = walk.at(step)
    place = NAMES.index(node.name)
    values = {e for e in EDGES if back or e[0] not in NAMES or NAMES.index(e[0]) <= place}
    gradients = {e for e in EDGES if back and (e[1] is None or NAMES.index(e[1]) >= place)}
    shown = {name for name in parts(step) if name.startswith(("value", "gradient"))}
    expected = {part_id("value", *e) for e in values} | {part_id("gradient", *e) for e in gradients}
    assert shown == expected
    assert {e for e in EDGES if is_dashed(line(step, e))} == {*EDGES} - (
        gradients if back else values
    )


@pytest.mark.parametrize("step", STEPS)
def test_arrows_of_the_step_have_the_colour_of_what_travels_on_them(step):
    node, back = walk.at(step)
    color = COLORS["gradient" if back else "value"]
    strong = [edge for edge in EDGES if line(step, edge).get("stroke") == color]
    assert strong == [(source, node.name) for source in node.inputs]


def touches(rect, point):
    """Tell whether a point lies on the edge of a rectangle."""
    x, y, width, height = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
    dx, dy = abs(point - (x + width / 2, y + height / 2)) - (width / 2, height / 2)
    return abs(max(dx, dy)) < 0.2  # places are written with one decimal


@pytest.mark.parametrize("step", STEPS)
def test_heads_are_at_the_node_forward_and_at_its_input_on_the_way_back(step):
    _, back = walk.at(step)
    for source, target in EDGES:
        arrow = parts(step)[part_id("arrow", source, target)]
        tip, *sides = points(arrow.find("polygon"))
        tail, end = points(arrow.find("polyline"))[[0, -1]]
        ends = (target, source) if back else (source, target)
        for name, point in zip(ends, (tail, tip), strict=True):
            assert name is None or touches(box(step, name), point), (source, target)
        np.testing.assert_allclose(np.mean(sides, axis=0), end, atol=0.2)  # it closes the line
        assert np.linalg.norm(tip - end) > 4


def test_labels_are_those_of_the_trace_and_its_gradients():
    last = parts(18)
    assert last["value-mean-x_minus_mean"].text == "[5, 3]"
    assert last["value-x-mean"].text == "(N, C)"
    for edge in TRACE.graph.edges:
        gradient, said = GRADIENTS.edges[edge], last[part_id("gradient", *edge)].text
        written = f"[{', '.join(f'{v:.2g}' for v in np.ravel(gradient))}]"
        # Numbers where they are two and short: [-0.08, -0.37] is not.
        assert said == (written if len(written) < 13 else f"norm {np.linalg.norm(gradient):.2g}")


@pytest.mark.parametrize("step", STEPS)
def test_value_stands_above_its_arrow_and_gradient_below(step):
    found = parts(step)
    for edge in EDGES:
        if part_id("gradient", *edge) in found:
            value, gradient = (found[part_id(kind, *edge)] for kind in ("value", "gradient"))
            assert value.get("x") == gradient.get("x")
            assert float(value.get("y")) < float(gradient.get("y"))


def test_graph_stays_within_its_size():
    width, height = graph_size()
    for step in STEPS:
        corners = np.concatenate([points(line(step, edge)) for edge in EDGES])
        assert (corners > 0).all()
        assert (corners < (width, height)).all()
