"""What all explorers share, each driven by its controls as a hand would."""

import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bnlib import widgets
from bnlib.widgets import axes, laboratory, stepper
from bnlib.widgets.explorer import MISSING, STILL, WAKE
from bnlib.widgets.panel import Panel, around, ticks
from bnlib.widgets.svg import element, picture, text
from tools.figures import figure_in

SVG = "{http://www.w3.org/2000/svg}"
VIEW = "application/vnd.jupyter.widget-view+json"
EXPLORERS = {
    "axes-explorer": (widgets.axes_explorer, axes.draw),
    "graph-stepper": (widgets.graph_stepper, stepper.draw),
    "batch-laboratory": (widgets.batch_laboratory, laboratory.draw),
}
EVERY = pytest.mark.parametrize(("name", "make", "draw"), [(k, *v) for k, v in EXPLORERS.items()])


def values(control):
    """Return some values that a control can take, its last and its first among them."""
    if hasattr(control, "options"):
        every = [o[1] if isinstance(o, tuple) else o for o in control.options]
        return [every[-1], every[len(every) // 2], every[0]]
    return [control.max, control.min]


def shown(explorer):
    """Return the root of the SVG that an explorer shows now, and the line of text below it."""
    svg, _, line = explorer.figure.value.rpartition("</svg>")
    return ElementTree.fromstring(svg + "</svg>"), ElementTree.fromstring(line)


@EVERY
def test_each_control_changes_figure_label_and_text_to_its_state(name, make, draw):
    explorer = make()
    for field, control in explorer.controls.items():
        for value in values(control):
            control.value = value
            state = {key: c.value for key, c in explorer.controls.items()}
            expected = draw(**state)
            root, line = shown(explorer)
            assert explorer.figure.value.startswith(expected.svg)
            assert f"{field}={value}" in root.get("data-state").split(" ")
            assert root.get("aria-label") == line.text == expected.alt


@EVERY
def test_no_two_states_have_one_figure_or_one_label(name, make, draw):
    explorer = make()
    seen = {}
    for control in explorer.controls.values():
        first = control.value
        for value in values(control):
            control.value = value
            root, line = shown(explorer)
            seen[root.get("data-state")] = (explorer.figure.value, line.text)
        control.value = first
    assert len({figure for figure, _ in seen.values()}) == len(seen) >= 3
    assert len({said for _, said in seen.values()}) == len(seen)


@EVERY
def test_first_figure_is_that_of_the_defaults(name, make, draw):
    assert make().figure.value.startswith(draw().svg)


@EVERY
def test_every_control_is_described_and_the_root_has_its_class(name, make, draw):
    explorer = make()
    assert f"bnlib-{name}" in explorer.root._dom_classes
    assert all(control.description for control in explorer.controls.values())
    assert shown(explorer)[1].get("role") == "status"


@EVERY
def test_focus_is_marked_by_a_thick_line_and_the_mark_takes_no_room(name, make, draw):
    root = make().root
    assert "bnlib-explorer" in root._dom_classes
    style = root.children[-1]
    assert "outline: 3px solid" in style.value
    assert style.layout.display == "none"


@EVERY
def test_notebook_shows_the_live_view_first_and_stores_the_still_picture(name, make, draw):
    explorer = make()
    before = explorer._repr_mimebundle_()
    assert before.keys() == {VIEW, "text/html", "text/plain"}
    assert before[VIEW]["model_id"] == explorer.root.model_id
    for control in explorer.controls.values():
        control.value = values(control)[0]
    after = explorer._repr_mimebundle_()
    assert after == before  # what is compared depends on nothing that was moved
    svg, alt = figure_in(before)
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert before["text/plain"] == f"Figure: {alt}"
    assert root.get("aria-label") == alt
    assert len(root.get("aria-label")) >= 40


@EVERY
def test_still_picture_and_live_one_say_how_to_wake_them(name, make, draw):
    explorer = make()
    root = ElementTree.fromstring(figure_in(explorer._repr_mimebundle_()).svg)
    *_, line = root.iter(f"{SVG}text")
    assert line.text == STILL
    bottom = float(root.get("viewBox").split()[3])
    assert explorer.still.size[1] < float(line.get("y")) < bottom == float(root.get("height"))
    assert WAKE in explorer.root.children[-2].value


@EVERY
def test_two_explorers_show_the_same_still_picture_and_do_not_share_state(name, make, draw):
    first, second = make(), make()
    bundles = [explorer._repr_mimebundle_() for explorer in (first, second)]
    assert figure_in(bundles[0]) == figure_in(bundles[1])
    figure = second.figure.value
    for control in first.controls.values():
        control.value = values(control)[0]
    assert second.figure.value == figure != first.figure.value


@EVERY
def test_without_ipywidgets_there_is_the_still_picture_and_a_line(
    name, make, draw, monkeypatch, capsys
):
    live = make()._repr_mimebundle_()
    monkeypatch.setitem(sys.modules, "ipywidgets", None)  # its import fails
    bundle = make()._repr_mimebundle_()
    assert capsys.readouterr().out == MISSING + "\n"
    assert "pip install ipywidgets" in MISSING
    del live[VIEW]
    assert bundle == live


@EVERY
def test_ids_cannot_collide_on_a_page_since_there_are_none(name, make, draw):
    explorer = make()
    assert " id=" not in explorer.figure.value
    assert "url(#" not in explorer.figure.value


# SVG


def test_text_and_attributes_are_escaped():
    assert text(0, 1, 'a < "b" & c').endswith('>a &lt; "b" &amp; c</text>')
    assert element("g", title='"<&') == '<g title="&quot;&lt;&amp;"/>'


def test_picture_carries_what_it_tells_and_the_state_it_shows():
    made = picture((30, 20), element("path"), title="T", alt='a "b"', state={"a": 1, "b": "x"})
    root = ElementTree.fromstring(made.svg)
    assert root.get("viewBox") == "0 0 30 20"
    assert root.get("aria-label") == made.alt == 'a "b"'
    assert root.get("data-state") == made.state == "a=1 b=x"
    assert [child.tag for child in root] == [SVG + tag for tag in ("rect", "path", "text")]
    assert root.find(f"{SVG}text").text == "T"


# Panels


@pytest.fixture
def panel():
    return Panel(10, 20, 100, 50, (-1, 1), (0, 5))


def test_panel_maps_its_ranges_and_keeps_what_lies_beyond_at_the_end(panel):
    assert [panel.x(v) for v in (-1, 0, 1, 7, -7)] == [10, 60, 110, 110, 10]
    assert [panel.y(v) for v in (0, 5, 2.5, 9, -9)] == [70, 20, 45, 20, 70]


def test_histogram_rises_to_each_share(panel):
    d = ElementTree.fromstring(panel.bars([5, 0, 2.5, 1])).get("d")
    assert d == "M10.0 70.0V20.0H35.0V70.0H60.0V45.0H85.0V60.0H110.0V70.0Z"


def test_line_and_dots_lie_where_their_values_are(panel):
    line = ElementTree.fromstring(panel.line([-1, 1], [0, 5]))
    assert line.get("points") == "10.0,70.0 110.0,20.0"
    (dot,) = panel.dots([0], [2.5])
    assert [ElementTree.fromstring(dot).get(k) for k in ("cx", "cy")] == ["60", "45"]


@pytest.mark.parametrize("limits", [(0, 1), (-40, 40), (9.99, 10.01), (0, 3e-7), (-7, -2)])
def test_ticks_are_few_and_within_the_limits(limits):
    made = ticks(limits)
    assert 2 <= len(made) <= 6
    assert all(limits[0] <= tick <= limits[1] for tick in made)


def test_limits_hold_every_series_even_a_constant_one():
    assert around([1, 3], [2, 5]) == (pytest.approx(0.8), pytest.approx(5.2))
    low, high = around(np.full(3, 7.0))
    assert low < 7 < high
