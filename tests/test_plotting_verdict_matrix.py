"""The matrix of notebook 07 says in words what a check caught."""

import matplotlib.pyplot as plt
import pytest

from bnlib.plotting.verdict_matrix import verdicts

GROUPS = {
    "one": {"first": [True, False], "second": [False, False]},
    "other": {"third": [True, None]},
}


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield verdicts(ax, GROUPS, ["a", "b"], chosen=[1])
    plt.close(fig)


def test_every_cell_holds_a_word_at_its_place(ax):
    words = {text.get_position(): text.get_text() for text in ax.texts}
    rows = [[words[column, row] for column in (0, 1)] for row in range(5)]
    assert rows[1:3] == [["caught", "fooled"], ["fooled", "fooled"]]
    assert rows[4] == ["caught", "·"]


def test_headings_count_what_was_caught(ax):
    words = {text.get_position(): text.get_text() for text in ax.texts}
    assert [words[column, 0] for column in (0, 1)] == ["1 of 2", "0 of 2"]
    assert [words[column, 3] for column in (0, 1)] == ["1 of 1", "not run"]


def test_only_fooled_cells_are_shaded(ax):
    paths = [path for bars in ax.collections for path in bars.get_paths()]
    centres = {tuple(path.get_extents().get_points().mean(axis=0)) for path in paths}
    assert centres == {(1, 1), (0, 2), (1, 2)}


def column_names(ax):
    """Return the visible names of the columns, those below and those above."""
    ticks = ax.xaxis.get_major_ticks()
    return [[tick.label1 for tick in ticks], [tick.label2 for tick in ticks]]


def test_rows_and_columns_carry_their_names(ax):
    ax.figure.canvas.draw()
    for labels in column_names(ax):
        assert [label.get_text() for label in labels if label.get_visible()] == ["a", "b"]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "one: 2 mistakes",
        "first",
        "second",
        "other: 1 mistakes",
        "third",
    ]


def test_chosen_columns_are_outlined(ax):
    (outline,) = ax.patches
    assert outline.get_center()[0] == 1
    for labels in column_names(ax):
        assert [label.get_weight() for label in labels] == ["normal", "bold"]
