"""Bands of several seeds, and blocks of squares whose channels form groups."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bnlib import plotting
from bnlib.plotting.runs import bands


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def test_band_has_the_median_as_its_line_and_reaches_from_worst_to_best(ax):
    bands(ax, [1, 2], {"a": np.array([[1.0, 5], [2, 6], [9, 7]])}, "epoch", "accuracy")
    assert list(ax.get_lines()[0].get_ydata()) == [2, 6]
    [band] = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (1, 9)


def test_lines_of_a_figure_differ_in_colour_marker_and_style(ax):
    bands(ax, [1, 2], {name: np.ones((3, 2)) for name in "abc"}, "epoch", "accuracy")
    looks = [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in ax.get_lines()]
    assert all(len(set(values)) == 3 for values in zip(*looks, strict=True))


def test_legend_says_that_its_names_are_norms_and_what_the_band_is(ax):
    bands(ax, [2, 8], {"batch": np.ones((3, 2))}, "images in a batch", "accuracy")
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "norm: median,\nband: worst to best"
    assert [text.get_text() for text in legend.get_texts()] == ["batch"]


def test_last_digits_do_not_reach_the_figure(ax):
    bands(ax, [1], {"a": np.array([[1.23456789]])}, "epoch", "accuracy")
    bands(ax, [1], {"a": np.array([[1.23456788]])}, "epoch", "accuracy")
    first, second = (band.get_paths()[0].vertices for band in ax.collections)
    assert (first == second).all()


def labels(ax):
    return [text.get_text() for text in ax.texts]


def test_groups_of_channels_share_a_label(ax):
    plotting.averaged_together(ax, (1, 4, 2, 2), axes=(2, 3), groups=2)
    assert labels(ax) == [rf"$\mu_{{0,{group}}}$" for group in (0, 0, 1, 1)]


def test_without_groups_every_channel_has_a_label_of_its_own(ax):
    plotting.averaged_together(ax, (1, 4, 2, 2), axes=(2, 3))
    assert len(set(labels(ax))) == 4
