"""A stored figure is read back from either form; a bitmap is known as one."""

import pytest

from bnlib.plotting import style
from tests.notebook_samples import ALT, SVG, figure_output, older_figure_output
from tools.figures import Figure, bitmaps, figure_in, label_of


@pytest.mark.parametrize("output", [figure_output(), older_figure_output()])
def test_figure_is_read_from_either_form(output):
    assert figure_in(output.data) == Figure(SVG, ALT)


@pytest.mark.parametrize("svg", ["<svg>100 % 'ü' \"#&lt;\n%3C</svg>", "<svg/>"])
@pytest.mark.parametrize("alt", ['"a" & <b>', "%22 stays"])
def test_what_was_written_is_what_is_read(svg, alt):
    assert figure_in(style.forms(svg, alt)) == Figure(svg, alt)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"text/plain": "3"},
        {"text/html": "<table></table>"},
        {"text/html": "<img alt='' src=''>"},
    ],
)
def test_what_is_no_figure_is_none(data):
    assert figure_in(data) is None


def test_label_of_a_root_without_one_is_empty():
    assert label_of('<svg role="img"><g aria-label="inner"/></svg>') == ""
    assert label_of("no picture") == ""


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        ({"image/png": "AA", "text/plain": "a"}, ["image/png"]),
        ({"text/html": '<img src="data:image/png;base64,AA">'}, ["text/html"]),
        ({"text/html": "<img src=data:image/jpeg;base64,AA>"}, ["text/html"]),
        ({"image/svg+xml": '<svg><image href="data:image/png;base64,AA"/></svg>'}, []),
        (style.forms('<svg><image href="data:image/png;base64,AA"/></svg>', ALT), []),
    ],
)
def test_bitmap_is_known_and_a_photograph_in_a_figure_is_none(data, kinds):
    assert bitmaps(data) == kinds
