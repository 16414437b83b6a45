"""The figures of the notebook on speed."""

import matplotlib.pyplot as plt
import pytest

from bnlib.speed_plots import cost_by_size, paired_dots


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def test_each_name_has_a_predicted_and_a_measured_dot(ax):
    paired_dots(ax, ["slow", "quick"], [0.1, 0.01], [0.2, 0.005])
    predicted, measured = (line.get_xdata() for line in ax.get_lines())
    assert list(predicted) == pytest.approx([100, 10])
    assert list(measured) == pytest.approx([200, 5])
    assert [text.get_text() for text in ax.texts] == ["200 ms", "5 ms"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["slow", "quick"]


def test_predicted_and_measured_differ_in_more_than_colour(ax):
    paired_dots(ax, ["one"], [0.1], [0.2])
    assert len({line.get_marker() for line in ax.get_lines()}) == 2


def test_cost_is_for_each_number_and_labelled_with_the_shape(ax):
    cost_by_size(ax, [(2, 5), (10, 10)], [1e-6, 2e-6])
    [line] = ax.get_lines()
    assert list(line.get_xdata()) == [10, 100]
    assert list(line.get_ydata()) == pytest.approx([100, 20])
    assert [text.get_text() for text in ax.texts] == ["(2, 5)\n100 ns", "(10, 10)\n20 ns"]
