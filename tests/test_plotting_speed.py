"""The figures of the notebook on speed."""

import matplotlib.pyplot as plt
import pytest

from bnlib.plotting.speed import cost_by_size, predicted_and_measured


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
