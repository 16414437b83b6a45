"""The graph stepper's numbers and words, against the loops and against plain arithmetic."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bnlib import reference, widgets
from bnlib.widgets import stepper, walk

SVG = "{http://www.w3.org/2000/svg}"
STEPS = range(1, 19)
X, GAMMA, BETA = (np.array(walk.EXAMPLE[name], float) for name in ("x", "gamma", "beta"))
DOUT = np.array(walk.DOUT, float)
NAMES = [walk.at(step)[0].name for step in range(1, 10)]


def rows(step):
    node, back = walk.at(step)
    return (walk.backward_rows if back else walk.forward_rows)(node)


def written(step):
    """Return all texts of a step's picture, in the order in which they are drawn."""
    root = ElementTree.fromstring(stepper.draw(step).svg)
    return ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]


def with_class(step, name):
    """Return the elements of a class; the graph's parts have their place instead of an id."""
    return re.findall(f'<g class="{name}">', stepper.draw(step).svg)


def test_steps_visit_nine_nodes_and_then_return():
    visits = [(node.name, back) for node, back in map(walk.at, STEPS)]
    assert visits == [*((n, False) for n in NAMES), *((n, True) for n in reversed(NAMES))]
    assert NAMES[0] == "mean"
    assert NAMES[-1] == "y"


def test_forward_values_are_those_of_the_nine_lines():
    mean = X.mean(axis=0)
    d = X - mean
    var = (d**2).mean(axis=0)
    root = np.sqrt(var + 1e-5)
    by_hand = [mean, d, d**2, var, root, 1 / root, d / root, GAMMA * d / root]
    for step, value in enumerate([*by_hand, GAMMA * d / root + BETA], start=1):
        ((*_, last),) = rows(step)
        np.testing.assert_allclose(last.numbers, value, rtol=1e-12)


def test_walk_ends_with_the_gradients_of_the_reference():
    dx, dgamma, dbeta = reference.batchnorm_backward(DOUT, X, GAMMA)
    last = {row[2].heading: row[-1].numbers for step in STEPS[9:] for row in rows(step)}
    for name, gradient in {"x": dx, "gamma": dgamma, "beta": dbeta}.items():
        np.testing.assert_allclose(last[f"d {name}"], gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("step", STEPS[9:])
def test_upstream_times_local_derivative_is_what_is_passed_on(step):
    node, _ = walk.at(step)
    for row in rows(step):
        upstream, local, passed = (column.numbers for column in row[:3])
        product = upstream * local
        if product.shape != passed.shape:
            assert "summed over N" in row[2].note
            product = product.sum(axis=0)
        np.testing.assert_allclose(passed, product, rtol=1e-12)
        assert row[0].heading == f"d {node.name}"


@pytest.mark.parametrize("step", STEPS[9:])
def test_words_of_a_local_derivative_give_its_numbers(step):
    node, _ = walk.at(step)
    trace, _ = walk.example()
    names = {**trace.values, "N": len(X)}
    for source, words, numbers in walk.local_derivatives(node):
        assert source in node.inputs
        value = eval(words.replace("^", "**"), names)
        np.testing.assert_allclose(numbers, np.broadcast_to(value, numbers.shape), rtol=1e-4)


def test_two_values_have_two_parts_that_add_up():
    summed = {}
    for step in STEPS[9:]:
        for row in rows(step):
            if len(row) > 3:
                part, earlier, total = (column.numbers for column in row[2:])
                np.testing.assert_allclose(part + earlier, total)
                summed[row[2].heading] = (step, row[2].note, row[3].note)
    assert {k: v[2] for k, v in summed.items()} == {
        "d x_minus_mean": "from xhat",
        "d x": "from x_minus_mean",
    }
    assert all("part 2 of 2" in note for _, note, _ in summed.values())


@pytest.mark.parametrize("step", STEPS)
def test_numbers_of_the_columns_are_on_the_screen_and_in_the_text(step):
    texts = written(step)
    picture = stepper.draw(step)
    for row in rows(step):
        for column in row:
            assert column.heading in texts
            assert column.note in texts
            for number in np.ravel(column.numbers):
                assert f"{round(float(number), 3) + 0.0:g}" in texts
        spoken = [f"{round(float(v), 3) + 0.0:g}" for v in np.ravel(row[-1].numbers)]
        assert ", ".join(spoken) in picture.alt.replace("[", "").replace("]", "")
    node, back = walk.at(step)
    assert f"{node.name} = {node.formula}" in texts[-1]
    assert ("Upstream gradient times local derivative" in picture.alt) == back


@pytest.mark.parametrize("step", STEPS)
def test_one_node_is_lit_and_those_to_come_are_dashed(step):
    node, back = walk.at(step)
    assert len(with_class(step, "bnlib-now")) == 1
    assert len(with_class(step, "bnlib-later")) == (0 if back else 9 - step)
    assert len(with_class(step, "bnlib-along")) == len(node.inputs)


@pytest.mark.parametrize("step", STEPS)
def test_graph_shows_only_what_has_been_computed(step):
    edges = [*walk.example()[0].graph.edges, ("y", None)]
    node, back = walk.at(step)
    place = NAMES.index(node.name)
    values = [s for s, _ in edges if back or s not in NAMES or NAMES.index(s) <= place]
    gradients = [t for _, t in edges if back and (t is None or NAMES.index(t) >= place)]
    hidden = stepper.draw(step).svg.count('display="none"')
    assert hidden == 2 * len(edges) - len(values) - len(gradients)


def test_lit_box_is_the_one_that_names_the_node():
    for step in STEPS:
        node, _ = walk.at(step)
        root = ElementTree.fromstring(stepper.draw(step).svg)
        (lit,) = [g for g in root.iter(f"{SVG}g") if g.get("class") == "bnlib-now"]
        numbers = re.findall(r"[-\d.]+ [-\d.]+", lit.find(f"{SVG}path").get("d"))
        corners = np.array([pair.split() for pair in numbers], float)
        low, high = corners.min(axis=0), corners.max(axis=0)
        inside = [
            t.text
            for t in root.iter(f"{SVG}text")
            if t.get("transform")
            and (low < (float(t.get("x")), float(t.get("y")))).all()
            and ((float(t.get("x")), float(t.get("y"))) < high).all()
        ]
        assert "".join(inside).startswith(node.name), step


def test_buttons_step_and_stop_at_both_ends():
    explorer = widgets.graph_stepper()
    previous, following = explorer.root.children[0].children[:2]
    step = explorer.controls["step"]
    previous.click()
    assert step.value == 1
    seen = []
    for _ in range(20):
        following.click()
        seen.append(step.value)
        assert f'data-state="step={step.value}"' in explorer.figure.value
    assert seen == [*range(2, 19), 18, 18, 18]
    previous.click()
    assert step.value == 17


def test_slider_says_how_far_the_walk_is():
    options = widgets.graph_stepper().controls["step"].options
    assert options[0] == ("Forward 1 of 9", 1)
    assert options[-1] == ("Backward 9 of 9", 18)
