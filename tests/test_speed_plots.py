"""The figures of the notebook on speed."""

import matplotlib.pyplot as plt
import pytest

from bnlib.speed_plots import cost_by_size, paired_bars


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def test_each_name_has_a_predicted_and_a_measured_bar_with_its_value(ax):
    paired_bars(ax, ["slow", "quick"], [0.1, 0.01], [0.2, 0.005])
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([100, 10, 200, 5])
    assert [text.get_text() for text in ax.texts] == [" 100 ms", " 10 ms", " 200 ms", " 5 ms"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["slow", "quick"]


def test_predicted_and_measured_differ_in_more_than_colour(ax):
    paired_bars(ax, ["one"], [0.1], [0.2])
    assert len({bar.get_hatch() for bar in ax.patches}) == 2


def test_cost_is_for_each_number_and_labelled_with_the_shape(ax):
    cost_by_size(ax, [(2, 5), (10, 10)], [1e-6, 2e-6])
    [line] = ax.get_lines()
    assert list(line.get_xdata()) == [10, 100]
    assert list(line.get_ydata()) == pytest.approx([100, 20])
    assert [text.get_text() for text in ax.texts] == ["(2, 5)\n100 ns", "(10, 10)\n20 ns"]
