"""The graph stepper's numbers and words, against the loops and against plain arithmetic."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bnlib import reference, widgets
from bnlib.plotting.graph_plan import text_width
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
    assert f"{node.name} = {node.formula}" in texts[-1]  # the title
    assert ("Upstream gradient times local derivative" in picture.alt) == back


@pytest.mark.parametrize("step", STEPS)
def test_no_text_leaves_the_picture_or_runs_into_another(step):
    root = ElementTree.fromstring(stepper.draw(step).svg)
    width, height = (float(root.get(name)) for name in ("width", "height"))
    extents = []
    for group in (root, *root.iter(f"{SVG}g")):
        down = stepper.GRAPH if group is not root else 0
        extents += [(t.text, extent(t, down)) for t in group.findall(f"{SVG}text") if t.text]
    for i, (words, (left, top, right, bottom)) in enumerate(extents):
        assert 0 <= left < right <= width, words
        assert 0 <= top < bottom <= height, words
        for other, (x0, y0, x1, y1) in extents[:i]:
            apart = right <= x0 or x1 <= left or bottom <= y0 or y1 <= top
            assert apart, f"{words!r} on {other!r}"


def extent(element, down):
    """Return left, top, right and bottom of a line of text: its capitals, to the baseline."""
    size, x, y = (float(element.get(name)) for name in ("font-size", "x", "y"))
    width = 72 * text_width(element.text, size, element.get("font-weight", "normal"))
    left = x - width * {"middle": 0.5, "end": 1}.get(element.get("text-anchor"), 0)
    return left, y + down - 0.73 * size, left + width, y + down


@pytest.mark.parametrize("step", STEPS)
def test_picture_is_as_large_at_every_step_and_low_enough_for_a_notebook(step):
    root = ElementTree.fromstring(stepper.draw(step).svg)
    first = ElementTree.fromstring(stepper.draw(1).svg)
    assert root.get("viewBox") == first.get("viewBox")
    assert float(root.get("height")) <= 560  # beside controls and text, on a screen of 900


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
