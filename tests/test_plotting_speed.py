"""The figures of time and traffic, predicted and measured."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bnlib.plotting.speed import cost_by_size, predicted_and_measured, scaling


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def test_each_name_has_a_predicted_and_a_measured_mark_with_its_value(ax):
    predicted_and_measured(ax, ["slow", "quick"], [0.1, 0.01], [0.2, 0.005])
    predicted, measured = ax.get_lines()
    assert list(predicted.get_xdata()) == pytest.approx([100, 10])
    assert list(measured.get_xdata()) == pytest.approx([200, 5])
    assert {text.get_text() for text in ax.texts} == {"100 ms", "10 ms", "200 ms", "5 ms"}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["slow", "quick"]


def test_a_value_stands_on_the_far_side_of_its_mark(ax):
    predicted_and_measured(ax, ["slow", "quick"], [0.1, 0.01], [0.2, 0.005])
    sides = {text.get_text(): text.get_ha() for text in ax.texts}
    assert sides == {"100 ms": "right", "10 ms": "left", "200 ms": "left", "5 ms": "right"}


def test_predicted_and_measured_differ_in_more_than_colour(ax):
    predicted_and_measured(ax, ["one"], [0.1], [0.2])
    assert len({line.get_marker() for line in ax.get_lines()}) == 2


def test_cost_is_for_each_number_and_labelled_with_the_shape(ax):
    cost_by_size(ax, [(2, 5), (10, 10)], [1e-6, 2e-6])
    [line] = ax.get_lines()
    assert list(line.get_xdata()) == [10, 100]
    assert list(line.get_ydata()) == pytest.approx([100, 20])
    assert [text.get_text() for text in ax.texts] == ["(2, 5)\n100 ns", "(10, 10)\n20 ns"]


def test_label_keeps_clear_of_a_line_that_rises_after_it(ax):
    cost_by_size(ax, [(1, 1), (2, 5), (10, 10)], [1e-6, 1e-6, 1e-4])  # 1000, 100 and 1000 ns each
    assert [text.get_va() for text in ax.texts] == ["bottom", "top", "bottom"]
    assert [text.xyann[1] > 0 for text in ax.texts] == [True, False, True]


PREDICTED = {"one receiver": [0, 6, 30], "tree": [0, 4, 8]}
MEASURED = {"one receiver": [0, 7, 31], "tree": [0, 5, 9]}


def test_way_has_a_line_predicted_and_marks_measured_in_one_colour(ax):
    assert scaling(ax, [1, 4, 16], PREDICTED, MEASURED, "kB") is ax
    drawn = ax.get_lines()
    assert [list(line.get_ydata()[1:]) for line in drawn] == [[6, 30], [7, 31], [4, 8], [5, 9]]
    assert [line.get_marker() == "None" for line in drawn] == [True, False] * 2
    assert [line.get_linestyle() == "None" for line in drawn] == [False, True] * 2
    colors = [line.get_color() for line in drawn]
    assert colors[0] == colors[1] != colors[2] == colors[3]


def test_ways_differ_in_more_than_colour(ax):
    scaling(ax, [1, 4, 16], PREDICTED, MEASURED, "kB")
    line, marks, other_line, other_marks = ax.get_lines()
    assert line.get_linestyle() != other_line.get_linestyle()
    assert marks.get_marker() != other_marks.get_marker()


def test_cost_of_nothing_has_no_place_on_a_logarithmic_axis(ax):
    scaling(ax, [1, 4, 16], PREDICTED, MEASURED, "kB")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert all(np.isnan(line.get_ydata()[0]) for line in ax.get_lines())
    assert PREDICTED["tree"][0] == 0


def test_legend_names_each_way_and_says_what_line_and_marks_are(ax):
    scaling(ax, [1, 4, 16], PREDICTED, MEASURED, "kB")
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "line: predicted\nmarks: measured"
    assert [text.get_text() for text in legend.get_texts()] == ["one receiver", "tree"]


def test_every_number_of_machines_is_a_tick(ax):
    scaling(ax, [1, 1024], {"tree": [9, 1]}, {"tree": [9, 1]}, "ms")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "1,024"]
